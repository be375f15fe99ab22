"""`guardrails log forget`: erases a person from all records."""

from __future__ import annotations

import argparse
import json
import sys

from guardrails.cli.operate.log.arguments import add_source, open_records
from guardrails.errors import GuardrailsError


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(to)
    to.add_argument(
        "--user", required=True, metavar="ID", help="whom, by the id that the server knows them by"
    )
    to.add_argument("--tenant", metavar="T", help="whose user it is")
    to.add_argument("--yes", action="store_true", help="do it without asking; it cannot be undone")
    to.add_argument("--json", action="store_true", help="print what was done as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Erase, once it was agreed to."""
    from guardrails.records.decision_store import Filter
    from guardrails.records.erasure import forget

    with open_records(args) as records:
        subject = records.identify(args.tenant, args.user)
        assert subject is not None
        if not args.yes:
            _ask(records.store.count(Filter(subject=subject)), args.user)
        erased = forget(records.doc, records.key, records.store, subject)
    print(json.dumps({"records": erased}) if args.json else f"erased from {erased:,} records")
    return 0


def _ask(count: int, user: str) -> None:
    """Raise `GuardrailsError` unless somebody at a terminal agrees."""
    if not sys.stdin.isatty():
        raise GuardrailsError(f"{count:,} records are about {user}: say --yes to erase who they are about")
    print(
        f"{count:,} records are about {user}. Erase who they are about? It cannot be undone. [y/N] ", end=""
    )
    if input().strip().lower() not in ("y", "yes"):
        raise GuardrailsError("nothing was erased")
