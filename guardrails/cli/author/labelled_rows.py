"""What commands on labelled rows share: their arguments, their rows and the saved report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardrails.cli import add_policy
from guardrails.cli.author.logged_traffic import LOG, open_logged
from guardrails.cli.progress import Progress
from guardrails.errors import GuardrailsError
from guardrails.types import Stage

if TYPE_CHECKING:
    from guardrails.authoring.reports.report_source import ReportSource
    from guardrails.authoring.rows import ContentRow, LabelCounts

FORMS: Final = """
labelled rows, one JSON object a line (also .jsonl.gz, or - for standard input):
  {"text": "...", "label": "hate"}                     the category that it is of
  {"text": "...", "label": "benign"}                   of none
  {"text": "...", "kind": "response", "labels": {"hate": 0, "violence": 1}}
or a table as spreadsheets save it (.csv in UTF-8), whose first line names the columns:
  text,label                                           or text,labels.hate,labels.violence,lang
or a folder of pictures, in which folders are labels:  weapons/a.jpg  violence.graphic/b.png  benign/c.webp
what is not labelled is not known: such a row does not count for the category
"""
"""What a file of labelled rows looks like, for the end of a command's help."""

TEXT: Final = 100
"""Characters of an example that a terminal shows."""


def add_rows(to: argparse.ArgumentParser, epilog: str, *, jobs: int) -> None:
    """Add what each command on labelled rows takes; `epilog` goes on after the forms of rows."""
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.epilog = FORMS + epilog
    add_policy(to)
    to.add_argument("--on", required=True, nargs="+", metavar="FILE", help="labelled rows, see below")
    to.add_argument(
        "--labels",
        metavar="FILE",
        help='for --on log:FOLDER, the records of decisions there: lines {"id": "vd_…", "label": "benign"} name those to take, '
        "of which the contents were kept",
    )
    to.add_argument(
        "--stage",
        "-s",
        choices=[stage.value for stage in Stage],
        help="where texts and pictures stand, whatever the rows say (pictures: input)",
    )
    to.add_argument("--report", metavar="FILE", help="write an .html file for people, with plots")
    to.add_argument("--examples", type=int, default=5, metavar="N", help="show the N worst of each kind (5)")
    to.add_argument("--no-text", action="store_true", help="show no texts, only where they stand")
    to.add_argument(
        "--jobs", "-j", type=int, default=jobs, metavar="N", help=f"rows judged at a time ({jobs})"
    )
    to.add_argument("--json", action="store_true", help="print the result as one JSON object")


def check_arguments(args: argparse.Namespace) -> None:
    """Raise where arguments of `add_rows` are out of range."""
    if args.examples < 0:
        raise GuardrailsError("--examples must be 0 or more")
    if args.jobs < 1:
        raise GuardrailsError("--jobs must be 1 or more")
    if len(args.on) > 1 and "-" in args.on:
        raise GuardrailsError("--on takes either files or - for standard input")
    if any(each.startswith(LOG) for each in args.on) != (args.labels is not None) or (
        args.labels and len(args.on) > 1
    ):
        raise GuardrailsError(
            "--on log:FOLDER takes --labels FILE, and nothing beside it: "
            'lines such as {"id": "vd_…", "label": "benign"} say which records of that log to take, and what they are'
        )


def read_all_rows(args: argparse.Namespace) -> Iterator[ContentRow]:
    """Yield the rows of all files, or those of a log that are labelled."""
    from guardrails.authoring.rows import read_rows

    if args.labels is not None:
        yield from _read_labelled(args)
        return
    for path in args.on:
        for row in read_rows(path):
            moved = args.stage is not None and row.stands_alone
            yield replace(row, stage=args.stage) if moved else row


def _read_labelled(args: argparse.Namespace) -> Iterator[ContentRow]:
    """Yield the labelled rows of a log, and say at the end of how many there is nothing to judge."""
    from guardrails.authoring.replay.labelled_records import LabelledRecords

    with open_logged(args.on[0]) as traffic:
        if traffic.contents is None:
            raise GuardrailsError(
                f"{args.on[0]}: rows are the contents that were kept, and their key is not here: set GUARDRAILS_CONTENT_KEY"
            )
        rows = LabelledRecords(traffic, args.labels)
        yield from rows
        if rows.without_content:
            print(f"{rows.without_content:,} labelled records have no content that was kept", file=sys.stderr)


@contextmanager
def count_progress(args: argparse.Namespace) -> Iterator[Callable[[int], None]]:
    """Give what shows on a terminal how many rows are done; raises `RowError` at once for what is wrong in any of them."""
    from guardrails.authoring.rows import UNLABELLED, LabelCounts

    labels = LabelCounts()
    with Progress(sys.stderr) as progress:
        counts = [_count_rows(path, args.labels, labels) for path in args.on]
        _refuse_unknown(labels, wanted=getattr(args, "label", None))
        if labels.rows:
            print(f"rows by label: {labels.describe()}", file=sys.stderr)
        if {*labels.rows} == {UNLABELLED}:
            print(
                "no row has a label, so nothing can be said of what is right: call the column, or the field, label",
                file=sys.stderr,
            )
        total = None if None in counts else sum(filter(None, counts))
        yield lambda done: progress.draw(done, total, "rows judged")


def _count_rows(path: str, labelled: str | None, labels: LabelCounts) -> int | None:
    """Return how many rows a file has, or a log, by the file of its labels."""
    from guardrails.authoring.replay.labelled_records import count_labels
    from guardrails.authoring.rows import count_rows

    return count_rows(path, labels) if labelled is None else count_labels(labelled, labels)


def _refuse_unknown(labels: LabelCounts, wanted: str | None) -> None:
    """Raise where rows have labels that nobody knows: whether they are harm is for their author to say."""
    from guardrails.authoring.labels.label_names import BENIGN
    from guardrails.spelling import suggest_name
    from guardrails.taxonomy import CATEGORIES

    unknown = [name for name in labels.unknown() if name != wanted]
    if unknown:
        lines = [
            f"{labels.first[name]}: label {name!r} ({labels.rows[name]:,} row{'s' if labels.rows[name] > 1 else ''}) "
            "is no category, and no word for harmless: "
            + (suggest_name(name, [BENIGN, *CATEGORIES]) or "is that harm, and of which kind?")
            for name in unknown
        ]
        cure = (
            f"write {BENIGN} for what is harmless, a category such as hate, or custom.{{name}} for harm of your own, "
            "and leave it empty where it is not known"
        )
        raise GuardrailsError("\n".join([*lines, cure]))


def prepare_report(args: argparse.Namespace) -> AbstractContextManager[Callable[[str], None] | None]:
    """Return what saves the report, or None where none is asked for; raise where it cannot be written."""
    if args.report is None:
        return nullcontext()
    from guardrails.authoring.reports.check_report import open_report

    path = Path(args.report)
    given = [Path(each) for each in (*args.on, args.policy, args.labels or args.policy)]
    if path.exists() and any(each.exists() and path.samefile(each) for each in given):
        raise GuardrailsError(f"{path}: the report would take the place of what is read")
    return open_report(path)


def describe_source(args: argparse.Namespace, *options: str) -> ReportSource:
    """Return what a report on labelled rows is made from; `options` are arguments of the command that belong to it."""
    from guardrails.authoring.reports.report_source import ReportSource

    given = {name: getattr(args, name) for name in ("labels", "stage", *options)}
    more = [word for name, value in given.items() if value for word in (f"--{name}", str(value))]
    return ReportSource.of(args.policy, args.on, more)


def shorten_line(text: str) -> str:
    """Return the beginning of a text on one line, with nothing in it that a terminal would obey."""
    from guardrails.authoring.markup import show_invisible

    line = show_invisible(" ".join(text.split()))
    return line if len(line) <= TEXT else f"{line[: TEXT - 1]}…"


def align_columns(lines: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> Iterator[str]:
    """Yield the lines of a table; the columns `left` hold texts, the others numbers, which stand at the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield f"  {'  '.join(cells).rstrip()}"
