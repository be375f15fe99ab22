"""`guardrails schema`: prints the JSON Schema of policy files, or of settings files, or writes it beside them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from guardrails.errors import GuardrailsError


def arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument("--out", "-o", metavar="FILE", help="write it to a file, such as policy.schema.json")
    to.add_argument(
        "--settings",
        action="store_true",
        help="that of settings files, which `guardrails serve --config` takes",
    )
    to.add_argument(
        "--json", action="store_true", help="the schema is JSON in any case; taken for uniformity"
    )


def run(args: argparse.Namespace) -> int:
    """Print or write the schema."""
    if args.settings:
        from guardrails.proxy.settings import json_schema as schema
    else:
        from guardrails.policy.schema import json_schema as schema

    text = json.dumps(schema(), indent=2, ensure_ascii=False)
    if args.out is None:
        print(text)
        return 0
    try:
        Path(args.out).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise GuardrailsError(f"{args.out}: {error.strerror}") from error
    return 0
