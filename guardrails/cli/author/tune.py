"""`guardrails tune`: tunes a rule on labelled rows for a target; exit status 1 if no number meets it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from guardrails.authoring.terminal import Style
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
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from guardrails.authoring.tune.tune import TuningResult
    from guardrails.authoring.tune.tuning_selection import Tuning

EPILOG: Final = """
targets:
  "fpr <= 1%"          at most 1 % of the harmless rows are found: the number that finds most
  "recall >= 95%"      at least 95 % of the harmful rows are found: the number with the fewest false alarms
  "precision >= 90%"   at least 90 % of what is found is harmful: the number that finds most
  "cost fp=1 fn=10"    a miss costs as much as ten false alarms: the cheapest number

example:
  guardrails tune --policy support.yaml --rule hate.block --on labelled.jsonl --target "fpr <= 1%" --write
"""

GROUPS: Final = 20
"""Languages and sources that a terminal shows, the largest of them."""

FIGURES: Final = ("fpr", "recall", "precision", "f1")


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_rows(to, EPILOG, jobs=2)
    to.add_argument("--target", "-t", required=True, metavar="T", help='such as "fpr <= 1%%", see below')
    to.add_argument("--rule", metavar="ID", help="the rule to tune, if the policy has several with numbers")
    to.add_argument("--category", metavar="C", help="tune only numbers of this category")
    to.add_argument("--number", type=int, metavar="N", help="tune only the Nth number of the condition")
    to.add_argument(
        "--label", metavar="NAME", help="the label that counts; those of the rule's categories if not given"
    )
    to.add_argument(
        "--sure", action="store_true", help="hold the target so that the rows show it with 95 %% certainty"
    )
    to.add_argument("--write", action="store_true", help="write the numbers into the policy; comments stay")
    to.add_argument("--force", action="store_true", help="write also where a test of the policy fails then")


def run(args: argparse.Namespace) -> int:
    """Tune, report, and write where told; return 1 if no number meets the target, or it is not written."""
    from guardrails.authoring.tune.scored_rows import score_rows
    from guardrails.authoring.tune.tune import tune_rule
    from guardrails.authoring.tune.tuning_report import render_report
    from guardrails.authoring.tune.tuning_selection import select_tuning
    from guardrails.authoring.tune.tuning_target import parse_target
    from guardrails.guard import Guard

    check_arguments(args)
    wanted = parse_target(args.target, sure=args.sure)
    guard = Guard.load(args.policy)
    tuning = select_tuning(
        guard.policy, rule_id=args.rule, category=args.category, nth=args.number, label=args.label
    )
    if args.write:
        _can_be_written(args.policy, tuning)
    with prepare_report(args) as save:
        with count_progress(args) as told:
            found = score_rows(
                guard,
                tuning.rule,
                tuning.way,
                read_all_rows(args),
                tuning.truth,
                threads=args.jobs,
                keep=args.examples,
                told=told,
            )
        result = tune_rule(tuning, found, wanted)
        if save is not None:
            ref = guard.policy.ref
            named = f"{ref.name} {ref.version}, {ref.digest[:19]}"
            source = describe_source(args, "category", "number", "label")
            save(render_report(result, texts=not args.no_text, source=source, policy=named))
    change = _change(args, result)
    if args.json:
        print(json.dumps(result.to_dict(texts=not args.no_text) | {"change": change.to_dict()}))
    else:
        style = Style(sys.stdout)
        print("\n".join((*_render_result(result, args, style), *_render_change(result, change, args, style))))
    if change.error and args.write:
        raise GuardrailsError(change.error)
    return 0 if result.met and not change.refused else 1


def _can_be_written(policy: str, tuning: Tuning) -> None:
    """Raise, before anything is judged, where nothing could be written then."""
    from guardrails.authoring.tune.policy_rewrite import is_shipped, render_child, retune_policy

    if is_shipped(policy):
        made = render_child(policy, tuning.rule.id, tuning.rule.condition.text)
        raise GuardrailsError(
            f"{policy} comes with the package and stays as it is; make a file my.yaml with\n\n{made}\n"
            "and tune that one: --policy my.yaml"
        )
    retune_policy(policy, tuning.rule.id, tuning.way.text, [(each, 0.123) for each in tuning.way.thresholds])


@dataclass(frozen=True, slots=True)
class _Change:
    """What became of the policy's file: the `diff`, the tests that fail with it, whether it was written; `inherited` names the
    file that the rule comes from.
    """

    diff: str = ""
    inherited: str | None = None
    failing: tuple[str, ...] = ()
    written: bool = False
    refused: bool = False
    error: str = ""

    def to_dict(self) -> dict[str, object]:
        told = {"diff": self.diff, "failing_tests": list(self.failing), "written": self.written}
        return told | ({"error": self.error} if self.error else {})


def _change(args: argparse.Namespace, result: TuningResult) -> _Change:
    """Write the numbers, or only find out what that would change."""
    from guardrails.authoring.tune.policy_rewrite import RetuneError, is_shipped, retune_policy
    from guardrails.policy.editing.edits import EditError

    if not (result.met and result.changed) or is_shipped(args.policy):
        return _Change()
    try:
        changed = retune_policy(args.policy, result.tuning.rule.id, result.tuning.way.text, result.numbers)
        if not args.write:
            return _Change(changed.diff, changed.inherited)
        failing = tuple(
            f"{each.place}: {each.name}: {'; '.join(each.differences)}" for each in changed.failing()
        )
        if failing and not args.force:
            return _Change(changed.diff, changed.inherited, failing, refused=True)
        changed.write()
    except (EditError, RetuneError) as error:  # what was found is not lost for that
        return _Change(error=str(error))
    return _Change(changed.diff, changed.inherited, failing, written=True)


def _render_result(result: TuningResult, args: argparse.Namespace, style: Style) -> Iterator[str]:
    """Yield the lines that people read."""
    from guardrails.authoring.tune.tuning_report import render_verdict

    rule, rows_, curve = result.tuning.rule, result.rows, result.curve
    yield f"{style.bold(rule.id)} of {args.policy}: {result.tuning.way.text}"
    if result.tuning.fixed:
        yield style.dim(f"  left as they are: {', '.join(map(str, result.tuning.fixed))}")
    if len(result.numbers) > 1:
        yield style.dim("  the numbers move together: what is stricter stays stricter (--number N tunes one)")
    yield f"rows: {curve.positive:,} it should fire for ({result.tuning.wanted}), {curve.negative:,} it should not"
    yield from _left_out(result)
    yield ""
    words = render_verdict(result)
    yield style.good(words) if result.met else style.bad(words)
    yield from align_columns(
        [
            ("number for", "now", "chosen"),
            *((each.name, _n(each.value), _n(new)) for each, new in result.numbers),
        ]
    )
    yield ""
    yield from align_columns([*_figures(result)], left=(0, 5))
    if result.heldout is not None:
        yield style.dim(
            f"  to be expected: of rows that the number was not chosen by, each of {result.parts} parts held out once"
        )
    yield ""
    for note in result.notes:
        yield f"! {note}"
    yield from _groups(result)
    for now, then, count in result.moves:
        yield f"policy: {count:,} rows: {now} now, {then} then"
    yield from _examples(result, args, style)
    if rows_.reasons and not result.notes:
        yield from rows_.reasons


def _n(value: float) -> str:
    from guardrails.authoring.tune.thresholds import format_number

    return format_number(value)


def _left_out(result: TuningResult) -> Iterator[str]:
    from guardrails.authoring.tune.scored_rows import LEFT_OUT

    for reason, count in result.rows.left_out.most_common():
        named = ""
        if reason == "label":
            known = ", ".join(f"{name} {rows_:,}" for name, rows_ in result.rows.unknown.most_common(5))
            named = f" (labels: {known})" if known else ""
        yield f"  left out: {count:,} {LEFT_OUT[reason]}{named}"


def _figures(result: TuningResult) -> Iterator[tuple[str, ...]]:
    from guardrails.authoring.tune.tuning_report import format_interval, format_percent
    from guardrails.authoring.tune.tuning_target import WORDS

    expected = result.heldout or result.chosen
    yield ("", "now", "chosen", "to be expected", "95 % sure within", "")
    for name in FIGURES:
        values = (format_percent(getattr(each, name)) for each in (result.now, result.chosen, expected))
        yield (name, *values, format_interval(expected, name), WORDS[name])


def _groups(result: TuningResult) -> Iterator[str]:
    from guardrails.authoring.tune.tuning_report import format_percent

    if not result.groups:
        return
    heads = ("by", "", "rows", "fpr now", "fpr chosen", "recall now", "recall chosen")
    lines = [
        (
            each.by,
            each.name,
            f"{each.now.positive + each.now.negative:,}",
            *(format_percent(of.fpr) for of in (each.now, each.chosen)),
            *(format_percent(of.recall) for of in (each.now, each.chosen)),
        )
        for each in sorted(result.groups, key=lambda each: (each.by, -each.now.positive - each.now.negative))
    ]
    yield from align_columns([heads, *lines[:GROUPS]], left=(0, 1))
    if len(lines) > GROUPS:
        yield f"  and {len(lines) - GROUPS:,} more, which --json and --report have"
    yield ""


def _examples(result: TuningResult, args: argparse.Namespace, style: Style) -> Iterator[str]:
    for title, found in (("false alarms", result.false), ("misses", result.missed)):
        if found:
            yield ""
            yield style.bold(f"worst {title} (row, highest score)")
        for each in found:
            text = "" if args.no_text else f"  {shorten_line(each.text)}"
            yield f"  {each.place}  {each.score:.3f}{text}"


def _render_change(
    result: TuningResult, change: _Change, args: argparse.Namespace, style: Style
) -> Iterator[str]:
    """Yield what became of the policy."""
    from guardrails.authoring.tune.policy_rewrite import is_shipped, render_child

    if not (result.met and result.changed):
        yield "" if result.met else "\nnothing was written"
        return
    yield ""
    if change.error:
        yield f"this can be written by hand only ({change.error}):\n  when: {result.condition}"
        return
    if is_shipped(args.policy):
        yield f"{args.policy} stays as it is; a policy of your own that has this:\n"
        yield render_child(args.policy, result.tuning.rule.id, result.condition)
        return
    if change.inherited is not None:
        yield f"the rule comes from {change.inherited}, which stays as it is: {args.policy} overrides it"
    yield change.diff.rstrip("\n")
    if change.failing:
        yield style.bad(f"{len(change.failing)} tests that pass now fail with it:")
        yield from (f"  {each}" for each in change.failing)
    if change.written:
        yield style.good(f"written to {args.policy}")
    elif change.refused:
        yield style.bad("not written (--force writes it all the same)")
    else:
        yield "not written: add --write"
