"""`guardrails eval`: measures how well a policy tells labelled rows apart; exit status 1 if a limit is not kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import add_floor
from guardrails.cli.author.labelled_rows import (
    add_rows,
    align_columns,
    check_arguments,
    count_progress,
    describe_source,
    prepare_report,
    read_all_rows,
    shorten_line,
)
from guardrails.types import Action

if TYPE_CHECKING:
    from guardrails.authoring.evaluate.measurements import PolicyEvaluation

EPILOG: Final = """
examples:
  guardrails eval --policy support.yaml --on labelled.jsonl --report out.html
  guardrails eval --policy support.yaml --on labelled.jsonl --fail-under f1=0.8 --max-fpr 1% --max-fpr hate.block:0.5%
"""

BY: Final = ("lang", "source", "stage")


def add_arguments(to: argparse.ArgumentParser) -> None:
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
    from guardrails.authoring.evaluate.evaluation import EvaluationTally, judge_rows
    from guardrails.authoring.evaluate.evaluation_limits import (
        check_limits,
        find_broken_limits,
        parse_maximum,
        parse_minimum,
    )
    from guardrails.authoring.evaluate.evaluation_report import render_report
    from guardrails.authoring.tune.thresholds import find_thresholds
    from guardrails.guard import Guard

    check_arguments(args)
    limits = [*map(parse_minimum, args.fail_under), *map(parse_maximum, args.max_fpr)]
    guard = Guard.load(args.policy, floor=args.floor)
    check_limits(limits, guard.policy)
    stopped = next(action for action in Action if str(action) == args.stopped)
    tally = EvaluationTally(guard.policy, by=args.by, stopped=stopped, keep=args.examples, floor=guard.floor)
    with prepare_report(args) as save:
        with count_progress(args) as told:
            for row, said in judge_rows(guard, read_all_rows(args), args.jobs):
                if isinstance(said, str):
                    tally.fail(row, said)
                else:
                    tally.add(row, said)
                told(tally.rows)
        result = tally.result()
        missed = find_broken_limits(limits, result)
        if save is not None:
            numbered = {rule.id for rule in guard.policy.rules if find_thresholds(rule.condition)}
            source = describe_source(args)
            save(render_report(result, missed, texts=not args.no_text, source=source, tunable=numbered))
    if args.json:
        print(json.dumps(result.to_dict(texts=not args.no_text) | {"broken": missed}))
    else:
        print("\n".join(_render_result(result, missed, args, Style(sys.stdout))))
    return 1 if missed else 0


def _render_result(
    result: PolicyEvaluation, missed: Sequence[str], args: argparse.Namespace, style: Style
) -> Iterator[str]:
    """Yield the lines that people read."""
    from guardrails.authoring.evaluate.evaluation_report import (
        build_figure_table,
        build_group_table,
        render_actions,
        render_decision,
        render_floor,
        render_latencies,
        render_unjudged,
    )

    yield style.bold(f"{result.policy['name']} {result.policy['version']} on {result.rows:,} rows")
    yield from map(style.dim, render_floor(result))
    yield render_decision(result)
    yield from (f"! {each}" for each in render_unjudged(result))
    yield ""
    yield from align_columns([("rows", *map(str, Action)), *render_actions(result)])
    tables = {
        "rules: does each fire for what it is for?": build_figure_table("rule", result.rules),
        "categories: does each score rise with what it says?": build_figure_table(
            "category", result.categories
        ),
        f"the decision by {args.by}": build_group_table(result),
    }
    for title, lines in tables.items():
        if len(lines) > 1:
            yield ""
            yield style.bold(title)
            yield from align_columns(lines)
    yield ""
    yield from align_columns([("ms", "half within", "95 %", "99 %"), *render_latencies(result)])
    yield from _cases(result, args, style)
    if missed:
        yield ""
        yield from (style.bad(f"limit not kept: {each}") for each in missed)


def _cases(result: PolicyEvaluation, args: argparse.Namespace, style: Style) -> Iterator[str]:
    for title, found in (
        ("harmless, but stopped", result.false),
        ("harmful, but not stopped", result.missed),
    ):
        if found:
            yield ""
            yield style.bold(title)
        for each in found:
            text = "" if args.no_text else f"  {shorten_line(each.text)}"
            yield f"  {each.place}  {each.score:.3f}  {', '.join(each.rules) or 'no rule'}{text}"
