"""`guardrails log tail`: the newest records, and those that come."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Final

from guardrails.cli.operate.log.arguments import add_source, open_records

EACH_S: Final = 0.5
"""How often it is looked for new records."""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(to)
    to.add_argument("-n", "--lines", type=int, default=20, metavar="N", help="the newest N (20)")
    to.add_argument("-f", "--follow", action="store_true", help="go on with those that come, until Ctrl-C")
    to.add_argument("--json", action="store_true", help="print each as a JSON object")


def run(args: argparse.Namespace) -> int:
    """Print records, oldest first."""
    from guardrails.authoring.terminal import Style
    from guardrails.cli.operate.log.rendering import render_line
    from guardrails.records.decision_store import Filter
    from guardrails.records.query import tabulate

    style = Style(sys.stdout)
    with open_records(args) as records:
        newest = [*records.store.select(newest_first=True, most=max(0, args.lines))]
        shown, since = (
            {(each.writer, each.seq) for each in newest},
            max((each.time for each in newest), default=0),
        )
        waiting = newest[::-1]
        while True:
            for each in waiting:
                row = tabulate(each)
                print(json.dumps(row, ensure_ascii=False) if args.json else render_line(row, style))
            sys.stdout.flush()
            if not args.follow:
                return 0
            time.sleep(EACH_S)
            # Processes move their records at their own times: one may come that is a little older.
            found = records.store.select(Filter(since=since - 60_000_000 if since else None))
            waiting = [each for each in found if (each.writer, each.seq) not in shown]
            shown |= {(each.writer, each.seq) for each in waiting}
            since = max([since, *(each.time for each in waiting)])
