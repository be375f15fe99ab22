"""`guardrails log show`: one decision in full, by its verdict's id, or all of one request."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from guardrails.cli.operate.log.arguments import add_source, open_records
from guardrails.errors import GuardrailsError


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(to)
    to.add_argument("id", metavar="ID", help="what x-guardrails-verdict-id or x-request-id say")
    to.add_argument(
        "--content",
        action="store_true",
        help="with what was judged, where that is kept; takes its key (GUARDRAILS_CONTENT_KEY, or --config)",
    )
    to.add_argument("--json", action="store_true", help="print a list of JSON objects")


def run(args: argparse.Namespace) -> int:
    """Print the records; raises `GuardrailsError` where there are none."""
    from guardrails.authoring.terminal import Style
    from guardrails.cli.operate.log.rendering import render_record
    from guardrails.records.decision_store import Filter

    with open_records(args) as records:
        # A header names the decisions on the request and on its answer.
        found = [each for id_ in args.id.split(",") for each in records.store.select(Filter(id=id_.strip()))]
        found = found or [*records.store.select(Filter(request_id=args.id))]
        told = [records.store.detections.expand(each.to_dict()) for each in found]
        if args.content:
            reader = records.contents()
            told = [_add_content(record, reader.read(each)) for record, each in zip(told, found, strict=True)]
    if not found:
        raise GuardrailsError(
            f"there is no record of {args.id}: it is older than what is kept, of another server, or was never judged"
        )
    if args.json:
        # Lone surrogates stay escapes of JSON.
        print(json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode())
        return 0
    style = Style(sys.stdout)
    print("\n\n".join(render_record(each, style, with_content=args.content) for each in told))
    return 0


def _add_content(record: dict[str, Any], content: Any) -> dict[str, Any]:
    """Return a record with what was judged in the place of the commitment to it; where it was not kept, with the reason."""
    from guardrails.records.kept_content.content_form import UNKEPT

    said = record.get("content")
    return {**record, "content": content} | ({"unkept": said} if content is None and said in UNKEPT else {})
