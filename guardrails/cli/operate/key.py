"""`guardrails key`: makes a new key for a client, with the row of the settings file that lets it in."""

from __future__ import annotations

import argparse
import json
import sys


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument(
        "id", nargs="?", default="client", help="how the key is called in settings, logs and metrics"
    )
    to.add_argument("--team", metavar="T", default="", help="whom it belongs to")
    to.add_argument(
        "--system",
        choices=("judged", "trusted"),
        default="judged",
        help="whether the system messages of its requests are the application's own words",
    )
    to.add_argument(
        "--stdin", action="store_true", help="make the row for the key on standard input instead of a new one"
    )
    to.add_argument("--bare", action="store_true", help="print the key alone, as for GUARDRAILS_ADMIN_KEY")
    to.add_argument("--json", action="store_true", help="print key and row as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a key, which is shown this once and kept nowhere."""
    from guardrails.errors import GuardrailsError
    from guardrails.policy.loading.problems import NOWHERE, Problems
    from guardrails.proxy.access.keys import find_weakness, generate_key, hash_key
    from guardrails.proxy.access.tenants import KeyDoc

    key = sys.stdin.readline().strip() if args.stdin else generate_key()
    if why := find_weakness(key):
        raise GuardrailsError(f"this key {why}: leave --stdin out, and one is made")
    row = {
        "id": args.id,
        "sha256": hash_key(key),
        **({"team": args.team} if args.team else {}),
        **({"system": args.system} if args.system != "judged" else {}),
    }
    problems = Problems()
    if problems.validate(KeyDoc, row, NOWHERE, "a key") is None:
        raise GuardrailsError("; ".join(error.message for error in problems.errors))
    if args.bare:
        print(key)
    elif args.json:
        print(json.dumps({"key": None if args.stdin else key, "row": row}))
    else:
        if not args.stdin:
            print(f"# the client's key, which is kept nowhere: {key}")
        print(f"keys:\n  - {{{', '.join(f'{name}: {json.dumps(value)}' for name, value in row.items())}}}")
    return 0
