"""`guardrails log replay`: what another policy would have decided of the records, and of how many that cannot be known."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from guardrails.cli import add_floor, add_policy
from guardrails.cli.operate.log.arguments import (
    OpenRecords,
    add_filter,
    add_source,
    condition_of,
    open_records,
)

if TYPE_CHECKING:
    from guardrails.records.decision_store import StoredRecord


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(to)
    add_policy(to)
    add_floor(to)
    add_filter(to)
    to.add_argument(
        "--limit", type=int, default=0, metavar="N", help="the newest N of them; all if not given"
    )
    to.add_argument(
        "--examples", type=int, default=5, metavar="N", help="ids of each kind of change that are shown (5)"
    )
    to.add_argument("--json", action="store_true", help="print the answer as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Replay, and print what would change; the exit status is 0 whatever that is."""
    from guardrails.authoring.diff.diff_report import build_sections, render_text
    from guardrails.authoring.diff.difference import PolicyDiff
    from guardrails.authoring.diff.traffic.effects import ChangeEffects
    from guardrails.authoring.replay.replayed_traffic import LoggedTraffic, ReplayedSide, compare_records
    from guardrails.authoring.terminal import Style
    from guardrails.cli.progress import Progress
    from guardrails.policy.compile import compile_policy
    from guardrails.policy.loading.load import load

    floor = None if args.floor is None else compile_policy(load(args.floor))
    side = ReplayedSide.of(compile_policy(load(args.policy)), floor)
    effects = ChangeEffects(most=args.examples)
    with open_records(args) as records, Progress(sys.stderr) as progress:

        def watch(effects: ChangeEffects) -> None:
            progress.draw(effects.rows, None, f"{effects.changed:,} change")

        chosen = islice(_choose(records, args), args.limit or None)
        traffic = LoggedTraffic(records.store, records.contents_if_keyed(), str(records.folder))
        compare_records(chosen, None, side, effects, traffic=traffic, watch=watch)
    known = effects.rows - effects.failed
    if args.json:
        told = {"policy": side.replay.policy.ref.to_dict(), "replayed": known, "not_known": effects.failed}
        print(json.dumps(told | effects.to_dict(), ensure_ascii=False))
        return 0
    style, ref = Style(sys.stdout), side.replay.policy.ref
    print(style.bold(f"{known:,} of {effects.rows:,} records under {ref.name} {ref.version}"))
    print("\n".join(render_text(build_sections(PolicyDiff(None, ref, traffic="the log", effects=effects)))))
    return 0


def _choose(records: OpenRecords, args: argparse.Namespace) -> Iterator[StoredRecord]:
    """Yield the decisions that the arguments ask for, newest first."""
    from guardrails.records.query import tabulate

    condition = condition_of(args)
    for stored in records.store.select(records.filter(args), newest_first=True):
        row = tabulate(stored)
        asked = (condition is None or condition.holds(row)) and (
            args.rule is None or args.rule in row["rules"]
        )
        if row["kind"] == "decision" and asked:
            yield stored
