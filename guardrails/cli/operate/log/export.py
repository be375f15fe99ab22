"""`guardrails log export`: records in a file, or on standard output; those of one person, for them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from guardrails.cli.operate.log.arguments import add_filter, add_source, open_records
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from guardrails.records.content import ContentReader
    from guardrails.records.query import Row


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(to)
    add_filter(to)
    to.add_argument(
        "--subject", dest="user", metavar="ID", help="the same as --user: all that is about a person"
    )
    to.add_argument("--out", "-o", metavar="FILE", help="the file; standard output if not given")
    to.add_argument(
        "--format",
        choices=("jsonl", "csv", "parquet"),
        help="by the name of the file if not given, else jsonl",
    )
    to.add_argument(
        "--content",
        action="store_true",
        help="with what was judged, where that is kept (JSON lines alone); takes its key (GUARDRAILS_CONTENT_KEY, or --config)",
    )


def run(args: argparse.Namespace) -> int:
    """Write records, oldest first."""
    from guardrails.cli.progress import Progress
    from guardrails.records.export import WRITERS

    ending = Path(args.out or "").suffix.removeprefix(".")
    form = args.format or (ending if ending in WRITERS else "jsonl")
    if form == "parquet" and args.out is None:
        raise GuardrailsError("a Parquet file is written to a file: --out FILE")
    if args.content and form != "jsonl":
        raise GuardrailsError(f"contents are written as JSON lines, not as {form}: --format jsonl")
    with open_records(args) as records, Progress(sys.stderr) as progress:
        rows = records.rows(args, progress)
        if args.content:
            rows = _with_contents(rows, records.contents())
        if args.out is None:
            count = WRITERS[form](rows, sys.stdout.buffer)
            sys.stdout.flush()
        else:
            # Whoever reads the file sees all of it, or what was there before.
            part = Path(f"{args.out}.part")
            try:
                with part.open("wb") as out:
                    count = WRITERS[form](rows, out)
                os.replace(part, args.out)
            finally:
                part.unlink(missing_ok=True)
    print(f"{count:,} records" + (f" in {args.out}" if args.out else ""), file=sys.stderr)
    return 0


def _with_contents(rows: Iterator[Row], reader: ContentReader) -> Iterator[Row]:
    for row in rows:
        yield {**row, "content": reader.read_at(row["writer"], row["seq"], row["id"])}
