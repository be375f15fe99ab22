"""`guardrails diff`: tells what a change of a policy does, also to traffic; exit status 1 if a gate is exceeded."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import add_floor, add_plugins
from guardrails.cli.author.logged_traffic import LOG, open_logged
from guardrails.cli.progress import Progress
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from guardrails.authoring.diff.change import PolicyVersion
    from guardrails.authoring.diff.difference import PolicyDiff
    from guardrails.authoring.diff.gates import GateLimit
    from guardrails.authoring.diff.traffic.effects import ChangeEffects
    from guardrails.authoring.reports.report_source import ReportSource
    from guardrails.guard import Guard

GATES: Final = {
    "--max-new-blocks": "what passed before and is blocked now",
    "--max-new-redactions": "what passed before and is redacted now",
    "--max-new-allows": "what was stopped or redacted before and is less so now",
    "--max-changes": "decisions that change in any way",
}

INTERRUPTED: Final = 130
"""The exit status after Ctrl-C."""

OWN_TESTS: Final = "the policies' own tests"


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_plugins(to)
    to.add_argument(
        "old",
        nargs="?",
        metavar="OLD",
        help="the policy before: a shipped one by name, a YAML file, or git:REVISION:PATH",
    )
    to.add_argument("new", nargs="?", metavar="NEW", help="the policy after")
    to.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="FILE",
        help="traffic: JSONL, a content a line, also .gz, or - for standard input, or log:FOLDER, the records of decisions there "
        "(where commands put them if it names none); may be repeated; the policies' own tests if not given",
    )
    to.add_argument(
        "--decisions",
        action="append",
        default=[],
        metavar="LOG",
        help="a log of `serve --shadow`, in which both policies decided already, in place of traffic; may be repeated",
    )
    add_floor(to)
    for gate, words in GATES.items():
        to.add_argument(gate, metavar="N|N%", help=f"exit with 1 where it is more: {words}")
    to.add_argument(
        "--strict", action="store_true", help="exit with 1 also where the traffic is too little to show that"
    )
    to.add_argument(
        "--check-version", action="store_true", help="exit with 1 where `version:` says less than the change"
    )
    to.add_argument(
        "--examples",
        type=int,
        default=5,
        metavar="N",
        help="examples of each kind of change (5 if not given)",
    )
    to.add_argument("--no-text", action="store_true", help="show no text in the examples")
    to.add_argument("--report", metavar="FILE", help="write an .html file for people")
    form = to.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the answer as one JSON object")
    form.add_argument(
        "--markdown",
        action="store_true",
        help="print it as a comment for a pull request, without texts of traffic",
    )


def run(args: argparse.Namespace) -> int:
    """Compare, judge and print; return 1 where something that was asked for speaks against the change."""
    from guardrails.authoring.diff.diff_page import render_html
    from guardrails.authoring.diff.diff_report import (
        build_sections,
        render_answer,
        render_markdown,
        render_text,
        render_title,
    )
    from guardrails.authoring.diff.gates import parse_limit
    from guardrails.authoring.reports.check_report import open_report
    from guardrails.authoring.revisions import locate_revision

    limits = {
        name: parse_limit(text)
        for name in (gate[2:].replace("-", "_") for gate in GATES)
        if (text := getattr(args, name)) is not None
    }
    _check_arguments(args)
    with ExitStack() as held:
        save = None if args.report is None else held.enter_context(open_report(Path(args.report)))
        policies = [
            held.enter_context(locate_revision(each)) for each in (args.old, args.new) if each is not None
        ]
        found = _compare(args, policies, limits)
        if save is not None:
            save(render_html(found, _describe_source(args)))
    if args.json:
        print(json.dumps(found.to_dict()))
    elif args.markdown:
        print(render_markdown(found), end="")
    else:
        style = Style(sys.stdout)
        print(style.bold(render_title(found)))
        print("\n".join(render_text(build_sections(found))))
        print(f"\n{style.good(render_answer(found)) if found.passed else style.bad(render_answer(found))}")
    return INTERRUPTED if found.stopped else int(not found.passed)


def _describe_source(args: argparse.Namespace) -> ReportSource:
    """Return what the report is made from."""
    from guardrails.authoring.reports.report_source import ReportSource

    policies = " → ".join(filter(None, (args.old, args.new)))
    return ReportSource.of(policies, args.on or args.decisions or [OWN_TESTS], rows=not args.decisions)


def _check_arguments(args: argparse.Namespace) -> None:
    """Raise where the arguments do not go together."""
    if args.decisions:
        if args.on or args.floor:
            raise GuardrailsError(
                "--decisions stands for traffic that was judged already: leave --on and --floor out"
            )
        if args.old is not None and args.new is None:
            raise GuardrailsError("give both policies, OLD and NEW, or none beside --decisions")
    elif args.new is None:
        raise GuardrailsError(
            "give two policies, OLD and NEW: guardrails diff policy.yaml next.yaml --on traffic.jsonl"
        )
    if args.check_version and args.new is None:
        raise GuardrailsError("--check-version compares policies: give OLD and NEW as well")
    if args.examples < 0:
        raise GuardrailsError(f"--examples {args.examples}: give 0 or more")


def _compare(args: argparse.Namespace, policies: Sequence[str], limits: dict[str, GateLimit]) -> PolicyDiff:
    from guardrails.authoring.diff.change import PolicyVersion
    from guardrails.authoring.diff.difference import PolicyDiff, compare_policies
    from guardrails.authoring.diff.traffic.effects import ChangeEffects

    found, versions = PolicyDiff(None, None), None
    if policies:
        versions = PolicyVersion.load(policies[0]), PolicyVersion.load(policies[1])
        found = compare_policies(*versions)
    found.strict, found.check_version = args.strict, args.check_version
    found.effects = ChangeEffects(most=args.examples)
    try:
        with Progress(sys.stderr) as progress:
            if args.decisions:
                _read_decisions(args, found, progress)
            elif versions is not None:
                _judge_traffic(args, versions, found, progress)
    except KeyboardInterrupt:
        found.stopped = True  # what was judged so far is worth something
    if limits and not (found.effects.rows or found.stopped):
        none = "the policies have no tests, so give traffic with --on"
        why = "; ".join(found.warnings) if args.decisions else none
        raise GuardrailsError(f"there is nothing to judge: {why}")
    found.judge(limits)
    return found


def _judge_traffic(
    args: argparse.Namespace,
    versions: tuple[PolicyVersion, PolicyVersion],
    found: PolicyDiff,
    progress: Progress,
) -> None:
    """Have both policies judge the traffic."""
    from guardrails.authoring import rows
    from guardrails.authoring.diff.traffic import pairs

    logs = [each for each in args.on if each.startswith(LOG)]
    files = [each for each in args.on if not each.startswith(LOG)]
    counts = [rows.count_rows(path) for path in files] + [None] * len(logs)
    total = None if None in counts else sum(count for count in counts if count is not None)
    traffic = chain.from_iterable(map(rows.read_rows, files)) if args.on else pairs.read_suite_rows(*versions)
    found.traffic = ", ".join(args.on) or OWN_TESTS

    def watch(effects: ChangeEffects) -> None:
        progress.draw(effects.rows, total or None, f"{effects.changed:,} change")

    old, new = pairs.load_guards(*versions, args.floor)
    pairs.compare_rows(old, new, traffic, found.effects, texts=not args.no_text, watch=watch)
    for log in logs:
        _replay_records(log, (old, new), found.effects, watch)


def _replay_records(
    log: str,
    guards: tuple[Guard, Guard],
    effects: ChangeEffects,
    watch: Callable[[ChangeEffects], None],
) -> None:
    """Replay the records of a folder under both policies."""
    from guardrails.authoring.replay.replayed_traffic import ReplayedSide, compare_records

    old, new = (ReplayedSide.of(guard.policy, guard.floor) for guard in guards)
    with open_logged(log) as traffic:
        compare_records(traffic.store.select(), old, new, effects, traffic=traffic, watch=watch)


def _read_decisions(args: argparse.Namespace, found: PolicyDiff, progress: Progress) -> None:
    """Take what both policies decided already."""
    from guardrails.authoring.shadow.shadow_log import compare_log

    found.traffic = ", ".join(args.decisions)
    pair = None if found.old is None or found.new is None else (found.old.digest, found.new.digest)
    for path in args.decisions:
        found.warnings += compare_log(
            path,
            found.effects,
            pair,
            watch=lambda effects: progress.draw(effects.rows, None, f"{effects.changed:,} change"),
        )
