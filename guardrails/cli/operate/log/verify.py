"""`guardrails log verify`: goes along the chain of every writer; exit status 1 where something does not fit."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from guardrails.cli.operate.log.arguments import add_source, open_records
from guardrails.errors import GuardrailsError

SHOWN = 50
"""Problems that are shown; further ones are counted."""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(to)
    to.add_argument(
        "--heads",
        action="append",
        default=[],
        metavar="FILE",
        help="signed heads, up to which nothing can have been cut off; the records' own if not given; may be repeated",
    )
    to.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print what was verified and what is wrong."""
    from guardrails.authoring.terminal import Style
    from guardrails.cli.progress import Progress
    from guardrails.records.journal.upkeep import heads_path
    from guardrails.records.verification import verify

    style = Style(sys.stdout)
    with open_records(args) as records, Progress(sys.stderr) as progress:
        own = heads_path(records.doc)
        files = [Path(each) for each in args.heads] or ([own] if own.exists() else [])
        lines: list[str] = []
        for file in files:
            try:
                lines += file.read_text("utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise GuardrailsError(f"the heads {file} cannot be read: {error}") from None
        total = records.store.count()
        found = verify(
            records.store,
            records.key,
            heads=lines,
            journal=records.folder if records.folder.is_dir() else None,
            went=lambda count: progress.draw(count, total, "records"),
        )
    if args.json:
        print(json.dumps(found.to_dict()))
        return 0 if found.intact else 1
    for problem in found.problems[:SHOWN]:
        print(f"{style.bad(problem.kind)}  writer {problem.writer} record {problem.seq}: {problem.message}")
    if len(found.problems) > SHOWN:
        print(f"… and {len(found.problems) - SHOWN:,} more")
    counts = (
        f"{found.records:,} records of {found.writers:,} writers, {found.waiting:,} waiting, {found.removed:,} removed "
        f"by retention, {found.erased:,} without their person, {found.heads:,} heads"
    )
    if found.contents:
        counts += f", {found.contents:,} contents"
    print(f"{style.good('intact') if found.intact else style.bad('NOT INTACT')}: {counts}")
    if found.intact and not found.heads:
        print("no signed head is here: what was cut off at the end would not show")
    return 0 if found.intact else 1
