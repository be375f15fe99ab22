"""`guardrails scan`: writes a file with a verdict on each file below a folder; exit status 1 if one is blocked or unread."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import UNAVAILABLE, add_floor, add_policy, add_records
from guardrails.cli.progress import Progress, format_clock
from guardrails.errors import GuardrailsError
from guardrails.types import Action, Stage

if TYPE_CHECKING:
    from guardrails.authoring.checked_files import FileTree
    from guardrails.authoring.scan.scan import ScanTally

LEFT_OUT: Final = {
    "excluded": "left out by --include and --exclude (a folder counts once)",
    "links": "links, which are not followed (--follow-links)",
    "special": "pipes, sockets or devices",
}
CHANGED: Final = {
    "gone": "judged before are not there any more, and out of the file of verdicts",
    "again": "judged before were judged again: changed, by another policy, or not judged whole",
    "aside": "judged before are not asked for now; their verdicts stay as they are",
}
SLOWEST: Final = 3
"""Files that people are told took longest."""

MOST_JOBS: Final = 256
"""Files that are judged at a time at most, but for more cores."""

INTERRUPTED: Final = 130
"""The exit status after Ctrl-C."""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument("folder", metavar="FOLDER", help="every file below it is judged, hidden ones too")
    add_policy(to)
    add_floor(to)
    to.add_argument(
        "--stage",
        "-s",
        default="input",
        choices=[stage.value for stage in Stage],
        help="where the files stand; input if not given, as for check: use output for what a model made",
    )
    to.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="where the verdicts go, a line of JSON for each file; where they are there already, the scan goes on from them",
    )
    to.add_argument(
        "--fresh", action="store_true", help="judge all files again, and begin the file of verdicts anew"
    )
    for option, what in (("--include", "judge only these"), ("--exclude", "leave these out")):
        to.add_argument(
            option,
            action="append",
            default=[],
            metavar="GLOB",
            help=f"{what}: '*.png' is for names of files and folders, 'a/*.png' for names below FOLDER; may be repeated",
        )
    add_records(to)
    to.add_argument("--follow-links", action="store_true", help="follow links to files and folders")
    to.add_argument(
        "--jobs",
        "-j",
        type=int,
        metavar="N",
        help="files that are judged at a time; one for each core if not given",
    )
    to.add_argument("--json", action="store_true", help="print the summary as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Judge each file that was not judged yet; return 1 if one is blocked or cannot be judged, 3 where we are to blame alone."""
    from guardrails.authoring.checked_files import FilePatterns, FileTree
    from guardrails.authoring.scan.judges import start_judges
    from guardrails.authoring.scan.scan import Scan, ScanTally, decide_fates
    from guardrails.authoring.scan.verdict_file import LineFate, open_verdicts
    from guardrails.guard import Guard
    from guardrails.records.configuration import choose_records

    root, began = Path(args.folder), time.monotonic()
    jobs = _jobs(args.jobs)
    if not root.is_dir():
        raise GuardrailsError(f"{root}: no such folder (guardrails check judges single files)")
    records = choose_records(args.records, os.environ)
    guard, tally = Guard.load(args.policy, floor=args.floor, records=records), ScanTally()
    folder = FileTree(root, FilePatterns(args.include, args.exclude), follow=args.follow_links)
    whole = True
    with open_verdicts(
        Path(args.out), decide_fates(guard, folder, args.stage, tally), fresh=args.fresh
    ) as verdicts:
        folder.pass_over(verdicts.identity)
        try:
            with (
                Progress(sys.stderr) as progress,
                start_judges(args.policy, guard, args.stage, jobs, args.floor) as all_,
            ):
                Scan(folder, verdicts, tally).run(all_, _watching(progress, folder))
        except KeyboardInterrupt:
            whole = False
    summary = {
        "folder": args.folder,
        "out": args.out,
        "policy": guard.policy.ref.to_dict(),
        "floor": None if guard.floor is None else guard.floor.ref.to_dict(),
        "stage": args.stage,
        "whole": whole,
        **tally.to_dict(),
        "left_out": {name: folder.left_out[name] for name in LEFT_OUT},
        "gone": verdicts.fates[LineFate.GONE],
        "again": verdicts.fates[LineFate.STALE],
        "aside": verdicts.fates[LineFate.ASIDE],
        "seconds": round(time.monotonic() - began, 3),
    }
    print(json.dumps(summary) if args.json else "\n".join(_render_summary(summary, Style(sys.stdout))))
    if not whole:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    if tally.is_unavailable:
        return UNAVAILABLE
    return 0 if tally.clean else 1


def _jobs(given: int | None) -> int:
    """Return how many files are judged at a time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = max(MOST_JOBS, cores)
    if given is not None and not 1 <= given <= most:
        raise GuardrailsError(f"--jobs {given}: 1 to {most} files can be judged at a time")
    return given or cores


def _watching(progress: Progress, folder: FileTree) -> Callable[[ScanTally], None]:
    """Return what draws how far a scan is; all files are counted meanwhile, where somebody looks on."""
    total: list[int] = []
    if progress.shown:
        again = folder.copy()
        threading.Thread(target=lambda: total.append(sum(1 for _ in again)), daemon=True).start()

    def watch(tally: ScanTally) -> None:
        left = max(tally.judged, total[0] - tally.kept) if total else None
        progress.draw(tally.judged, left, f"{tally.actions['block']:,} blocked")

    return watch


def _render_summary(summary: Mapping[str, Any], style: Style) -> Iterator[str]:
    """Yield the lines that people read."""
    from guardrails.authoring.checked_files import display_name

    before = f", {summary['kept']:,} judged before" if summary["kept"] else ""
    yield f"{summary['judged']:,} files judged in {format_clock(summary['seconds'])}{before}"
    counts = [
        f"{style.action(action)} {summary['actions'][str(action)]:,}"
        for action in sorted(Action, reverse=True)
    ]
    failed = sum(summary["errors"].values())
    yield "   ".join([*counts, *([style.bad(f"NOT JUDGED {failed:,}")] if failed else [])])
    for name in ("kinds", "rules", "errors"):
        if summary[name]:
            yield f"{style.dim(name)}  " + ", ".join(
                f"{each} {count:,}" for each, count in summary[name].items()
            )
    for name, what, count in (("blocked", "rules", summary["actions"]["block"]), ("failed", "error", failed)):
        for entry in summary[name]:
            yield f"  {style.bad(name)}  {display_name(entry['path'])}: {entry[what]}"
        if count > len(summary[name]):
            yield f"  {style.bad(name)}  and {count - len(summary[name]):,} more"
    for entry in summary["slowest"][:SLOWEST]:
        yield f"  {style.dim('slow')}  {display_name(entry['path'])}: {entry['ms']:,.0f} ms"
    for name, what in (LEFT_OUT | CHANGED).items():
        count = summary["left_out"][name] if name in LEFT_OUT else summary[name]
        if count:
            yield f"{count:,} {what}"
    yield f"the verdicts are in {display_name(summary['out'])}"
