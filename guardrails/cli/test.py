"""`guardrails test`: policies in, what their tests say out; exit status 1 if one fails, or if there are none."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guardrails.cli.show import Style

if TYPE_CHECKING:
    from guardrails.workshop.suite import Result


def arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument("policies", nargs="*", metavar="POLICY", help="shipped policies by name, or YAML files")
    to.add_argument("--policy", "-p", action="append", default=[], metavar="P", help="the same, by option")
    to.add_argument("--json", action="store_true", help="print the results as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the tests of each policy; return 1 if one fails."""
    from guardrails.guard import Guard
    from guardrails.workshop import suite

    policies = [*args.policies, *args.policy] or ["default"]
    results = {policy: suite.run(Guard.load(policy)) for policy in policies}
    failed = sum(result.failed for found in results.values() for result in found)
    empty = [policy for policy, found in results.items() if not found]
    if args.json:
        rows = {policy: [result.to_dict() for result in found] for policy, found in results.items()}
        print(json.dumps({"failed": failed, "policies": rows}, ensure_ascii=False))
    else:
        for policy, found in results.items():
            _print(policy, found, Style(sys.stdout))
    for policy in empty:
        print(f"{policy}: has no tests; add some under 'tests:'", file=sys.stderr)
    return 1 if failed or empty else 0


def _print(policy: str, results: list[Result], style: Style) -> None:
    for result in results:
        if not result.passed:
            mark = style.dim("todo") if result.todo else style.bad("FAIL")
            print(f"{mark} {result.place}: {result.name}")
            for difference in result.differences:
                print(f"     {difference}")
    todo = sum(not result.passed and result.todo for result in results)
    failed = sum(result.failed for result in results)
    passed = sum(result.passed for result in results)
    gaps = f", {todo} known gaps" if todo else ""
    summary = f"{policy}: {passed} passed, {failed} failed{gaps}"
    print(style.bad(summary) if failed else style.good(summary))
