"""`guardrails eval`: a policy and labelled rows in, how well it tells them apart out; exit status 1 if a limit is not kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from guardrails.cli import add_floor
from guardrails.cli.author.labelled_rows import add_rows, aligned, checked, counting, excerpt, reporting, rows
from guardrails.cli.terminal import Style
from guardrails.types import Action

if TYPE_CHECKING:
    from guardrails.authoring.evaluate.measurements import Evaluation

EPILOG: Final = """
examples:
  guardrails eval --policy support.yaml --on labelled.jsonl --report out.html
  guardrails eval --policy support.yaml --on labelled.jsonl --fail-under f1=0.8 --max-fpr 1% --max-fpr hate.block:0.5%
"""

BY: Final = ("lang", "source", "stage")


def arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_rows(to, EPILOG, jobs=1)
    add_floor(to)
    to.add_argument("--by", choices=BY, help="show the decision for each language, source or stage, too")
    to.add_argument(
        "--stopped",
        default=str(Action.BLOCK),
        choices=[str(action) for action in Action if action],
        help="the action from which on a row counts as stopped (block)",
    )
    to.add_argument(
        "--fail-under",
        action="append",
        default=[],
        metavar="[WHAT:]F=N",
        help="exit with 1 where a figure (f1, recall, precision, auprc, accuracy) of the decision, or of a rule or category, "
        "is below that; may be given several times",
    )
    to.add_argument(
        "--max-fpr",
        action="append",
        default=[],
        metavar="[WHAT:]N%",
        help="exit with 1 where there are more false alarms than that",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, report, and hold the figures against limits; return 1 if one is not kept."""
    from guardrails.authoring.evaluate.evaluation import Tally, judged
    from guardrails.authoring.evaluate.evaluation_limits import broken, check, least, most
    from guardrails.authoring.evaluate.evaluation_report import report
    from guardrails.guard import Guard

    checked(args)
    limits = [*map(least, args.fail_under), *map(most, args.max_fpr)]
    guard = Guard.load(args.policy, floor=args.floor)
    check(limits, guard.policy)
    stopped = next(action for action in Action if str(action) == args.stopped)
    tally = Tally(guard.policy, by=args.by, stopped=stopped, keep=args.examples, floor=guard.floor)
    with reporting(args) as save:
        with counting(args) as told:
            for row, said in judged(guard, rows(args), args.jobs):
                if isinstance(said, str):
                    tally.fail(row, said)
                else:
                    tally.add(row, said)
                told(tally.rows)
        result = tally.result()
        missed = broken(limits, result)
        if save is not None:
            save(report(result, missed, texts=not args.no_text))
    if args.json:
        print(json.dumps(result.to_dict(texts=not args.no_text) | {"broken": missed}))
    else:
        print("\n".join(_shown(result, missed, args, Style(sys.stdout))))
    return 1 if missed else 0


def _shown(
    result: Evaluation, missed: Sequence[str], args: argparse.Namespace, style: Style
) -> Iterator[str]:
    """Yield the lines that people read."""
    from guardrails.authoring.evaluate.evaluation_report import (
        actions,
        decided,
        floored,
        grouped,
        latencies,
        left,
        measured,
    )

    yield style.bold(f"{result.policy['name']} {result.policy['version']} on {result.rows:,} rows")
    yield from map(style.dim, floored(result))
    yield decided(result)
    yield from (f"! {each}" for each in left(result))
    yield ""
    yield from aligned([("rows", *map(str, Action)), *actions(result)])
    tables = {
        "rules: does each fire for what it is for?": measured(result.rules),
        "categories: does each score rise with what it says?": measured(result.categories),
        f"the decision by {args.by}": grouped(result),
    }
    for title, lines in tables.items():
        if len(lines) > 1:
            yield ""
            yield style.bold(title)
            yield from aligned(lines)
    yield ""
    yield from aligned([("ms", "half within", "95 %", "99 %"), *latencies(result)])
    yield from _cases(result, args, style)
    if missed:
        yield ""
        yield from (style.bad(f"limit not kept: {each}") for each in missed)


def _cases(result: Evaluation, args: argparse.Namespace, style: Style) -> Iterator[str]:
    for title, found in (
        ("harmless, but stopped", result.false),
        ("harmful, but not stopped", result.missed),
    ):
        if found:
            yield ""
            yield style.bold(title)
        for each in found:
            text = "" if args.no_text else f"  {excerpt(each.text)}"
            yield f"  {each.place}  {each.score:.3f}  {', '.join(each.rules) or 'no rule'}{text}"
