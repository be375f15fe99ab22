"""`guardrails log export`: records in a file, or on standard output; those of one person, for them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from guardrails.cli.operate.log.arguments import add_filter, add_source, open_records
from guardrails.errors import GuardrailsError


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


def run(args: argparse.Namespace) -> int:
    """Write records, oldest first."""
    from guardrails.cli.progress import Progress
    from guardrails.records.export import WRITERS

    ending = Path(args.out or "").suffix.removeprefix(".")
    form = args.format or (ending if ending in WRITERS else "jsonl")
    if form == "parquet" and args.out is None:
        raise GuardrailsError("a Parquet file is written to a file: --out FILE")
    with open_records(args) as records, Progress(sys.stderr) as progress:
        rows = records.rows(args, progress)
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
