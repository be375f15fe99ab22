"""`guardrails log query`: records by who, when and what, or their number by the values of columns."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice

from guardrails.cli.operate.log.arguments import add_filter, add_source, open_records


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(to)
    add_filter(to)
    to.add_argument(
        "--limit", type=int, default=100, metavar="N", help="the newest N of them (100); 0 for all"
    )
    to.add_argument("--count", action="store_true", help="print how many there are, and nothing else")
    to.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="COLUMN",
        help="count them by a column, or by day, hour or minute; may be repeated",
    )
    to.add_argument("--json", action="store_true", help="print each as a JSON object, and counts as one")


def run(args: argparse.Namespace) -> int:
    """Print what was found; exit status 1 where there is nothing."""
    from guardrails.authoring.terminal import Style
    from guardrails.cli.operate.log.rendering import render_line, render_table
    from guardrails.cli.progress import Progress
    from guardrails.records.query import count_by

    with open_records(args) as records, Progress(sys.stderr) as progress:
        rows = records.rows(args, progress, newest_first=True)
        if args.by:
            counts = count_by(rows, args.by)
            if args.json:
                told = [
                    {**dict(zip(args.by, values, strict=True)), "records": count} for values, count in counts
                ]
                print(json.dumps(told, ensure_ascii=False))
            else:
                print(render_table(args.by, counts))
            return 0 if counts else 1
        if args.count:
            count = sum(1 for _ in rows)
            print(json.dumps({"records": count}) if args.json else count)
            return 0 if count else 1
        style, found = Style(sys.stdout), False
        for row in islice(rows, args.limit or None):
            print(json.dumps(row, ensure_ascii=False) if args.json else render_line(row, style))
            found = True
        return 0 if found else 1
