"""`guardrails check`: judges texts, files, pictures, films or standard input; exit status 1 if one is blocked, 3 if one
could not be judged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import add_floor, add_policy, exit_status
from guardrails.cli.content_arguments import (
    add_application_text,
    add_contents,
    add_context,
    open_report_beside,
    read_contents,
    read_context,
)
from guardrails.cli.progress import Progress
from guardrails.errors import GuardrailsError, describe_unavailable
from guardrails.processor.collection import pause_collection
from guardrails.taxonomy import describe_not_seen
from guardrails.types import Action, Verdict

if TYPE_CHECKING:
    from guardrails.engine.core.observers import FilmRecord
    from guardrails.guard import Guard
    from guardrails.policy.compiled import CompiledPolicy

OUT: Final = "--out is for one picture or film"

NAMES: Final[Mapping[str, str]] = {"image": "picture", "video": "film", "audio": "sound"}
"""What people call what a file holds."""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_contents(to)
    add_policy(to)
    add_floor(to)
    add_context(to)
    add_application_text(to)
    to.add_argument(
        "--out", metavar="FILE", help="write the picture or film that the policy leaves to a file"
    )
    to.add_argument(
        "--report",
        metavar="FILE",
        help="write an .html file for people; what is blocked or redacted is masked in it",
    )
    to.add_argument(
        "--report-unblurred",
        action="store_true",
        help="show what is blocked or redacted in the report, as it is",
    )
    to.add_argument("--json", action="store_true", help="print each verdict as one line of JSON")


def run(args: argparse.Namespace) -> int:
    """Judge each content; return 1 if one is blocked, 3 if none is but one could not be judged."""
    with pause_collection():
        from guardrails.guard import Guard
        from guardrails.inference.onnx import defer_sessions

    contents, context = list(read_contents(args.content, as_text=args.text)), read_context(args)
    if args.out is not None:
        _check_out(Path(args.out), contents)
    with _reporting(args) as save:
        with defer_sessions(), pause_collection():
            guard = Guard.load(args.policy, floor=args.floor, application_text=args.application_text)
        verdicts, judged = list[Verdict](), []
        style = Style(sys.stdout)
        for name, content in contents:
            verdict, told = _judge(guard, content, args, context)
            verdicts.append(verdict)
            if args.out is not None:
                _save(Path(args.out), verdict)
            if args.json:
                print(json.dumps(verdict.to_dict(), ensure_ascii=False))
            else:
                print(
                    "\n".join(
                        _render_verdict(
                            name if len(contents) > 1 else "", content, verdict, guard.floor, style
                        )
                    )
                )
                if hint := _elsewhere(guard, content, verdict):
                    print(f"  {style.dim('note')}     {hint}")
            if save is not None:
                judged.append((name, content, verdict, told))
        if save is not None:
            save(_report(guard, judged, covered=not args.report_unblurred))
    return exit_status(verdicts)


def _judge(
    guard: Guard, content: Any, args: argparse.Namespace, context: Mapping[str, Any]
) -> tuple[Verdict, Sequence[FilmRecord]]:
    """Judge a content; show on a terminal how far a film is watched, and return what was seen and heard of it, too."""
    from guardrails.engine.core.observers import Observer, observe_checks

    class Watcher(Observer):
        def on_progress(self, seconds: float, of: float | None, listening: bool) -> None:
            if not args.json:
                note = "seconds watched, listening" if listening else "seconds watched"
                progress.draw(int(seconds), None if of is None else max(int(seconds), round(of)), note)

        def on_film(self, film: FilmRecord) -> None:
            told.setdefault(film.path, film)  # not what it became

    told: dict[str, FilmRecord] = {}
    with Progress(sys.stderr) as progress, observe_checks(Watcher()):
        verdict = guard.check(content, args.stage, **context)
    return verdict, [*told.values()]


def _reporting(args: argparse.Namespace) -> AbstractContextManager[Callable[[str], None] | None]:
    """Return what saves the report, or None where none is asked for; raise where it cannot be written."""
    if args.report is None and args.report_unblurred:
        raise GuardrailsError("--report-unblurred is for --report")
    return open_report_beside(args.report, () if args.text else args.content)


def _report(
    guard: Guard, judged: Sequence[tuple[str, Any, Verdict, Sequence[FilmRecord]]], *, covered: bool
) -> str:
    """Return the report; a text is named by its number there, as a name is not masked."""
    from guardrails.authoring.reports.check_report import CheckedContent, render_report
    from guardrails.engine.media.film_settings import film_limits
    from guardrails.engine.media.picture_decoding import limits_of

    named = [
        CheckedContent(f"text {number}" if name is content else name, content, verdict, (*told,))
        for number, (name, content, verdict, told) in enumerate(judged, 1)
    ]
    policies = guard.pipeline.policies
    return render_report(
        named,
        covered=covered,
        limits=limits_of(policies),
        film_limits=film_limits(policies),
        at=datetime.fromtimestamp(time.time(), UTC),
    )


def _check_out(path: Path, contents: Sequence[tuple[str, Any]]) -> None:
    """Raise `GuardrailsError` where what is left of contents could not be written, before any work is done for it."""
    from guardrails.media.limits import FORMATS
    from guardrails.media.video.file_type import HEAD

    [content, *others] = [given for _, given in contents] or [None]
    if others or not isinstance(content, bytes | Path):
        raise GuardrailsError(OUT)
    if path.is_dir():
        raise GuardrailsError(f"{path}: it is a folder; name the file to write")
    if not path.parent.is_dir():
        raise GuardrailsError(f"{path}: No such file or directory: make {path.parent} first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise GuardrailsError(f"{path}: it may not be written; name another place")
    head = content[:HEAD] if isinstance(content, bytes) else _read_head(content, HEAD)
    kind = _type(head)
    is_kept = kind in FORMATS and kind != "heic"  # of others what is left may be of another type
    if is_kept and not _may_end(path.suffix, head, kind):
        raise GuardrailsError(f"{path}: what is left is of type {kind}; give it the ending .{kind}")


def _read_head(path: Path, size: int) -> bytes:
    """Return the first bytes of a file; raises `GuardrailsError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise GuardrailsError(f"{path}: {error.strerror}") from error


def _save(path: Path, verdict: Verdict) -> None:
    """Write the picture or film that is left; nothing where it is blocked."""
    left = verdict.content
    if not isinstance(left, bytes | Path):
        if verdict.blocked:
            return
        raise GuardrailsError(OUT)
    try:
        data = left if isinstance(left, bytes) else left.read_bytes()
        kind = _type(data)
        if not _may_end(path.suffix, data, kind):
            raise GuardrailsError(f"{path}: what is left is of type {kind}; give it the ending .{kind}")
        path.write_bytes(data)
    except OSError as error:
        raise GuardrailsError(f"{path}: {error.strerror}") from error


def _type(data: bytes) -> str:
    """Return the type of a file by its bytes."""
    from guardrails.media.images.outline import sniff_format
    from guardrails.media.video.file_type import HEAD, detect_file_type

    of = detect_file_type(data[:HEAD])
    return sniff_format(data) if of is None else of.format


def _may_end(suffix: str, data: bytes, kind: str) -> bool:
    """Tell whether a file may have an ending: one that says nothing, or what it is; films of one reader are told apart by
    nobody.
    """
    from guardrails.media.images.outline import KNOWN, declared_format
    from guardrails.media.video.file_type import HEAD, NAMED, detect_file_type

    of, said = detect_file_type(data[:HEAD]), suffix.lower().removeprefix(".")
    if said in NAMED:
        return of is not None and NAMED[said] == of.reader
    return declared_format(suffix) not in KNOWN or declared_format(suffix) == kind


def _render_verdict(
    name: str, content: Any, verdict: Verdict, floor: CompiledPolicy | None, style: Style
) -> Iterator[str]:
    """Yield the lines that people read."""
    from guardrails.authoring.checked_files import display_name
    from guardrails.authoring.reports.timeline import describe_nearness, describe_watch

    took = style.dim(f"{verdict.timings_ms['total']:.2f} ms")
    yield f"{style.decision(verdict)}  {verdict.stage}  policy {verdict.policy.name} {verdict.policy.version}  {took}"
    if floor is not None:
        yield f"  {style.dim('floor')}    {floor.ref.name} {floor.ref.version}"
    if name:
        yield f"  {style.dim('content')}  {name}"
    if verdict.unavailable is not None:
        yield f"  {style.dim('cause')}    {describe_unavailable(verdict)}"
    for rule in (*verdict.rules, *verdict.shadow):
        note = "" if rule.reason == "matched" else f", because of {rule.reason}"
        shadow = ", shadow only" if rule in verdict.shadow else ""
        message = f": {rule.message}" if rule.message else ""
        yield f"  {style.dim('rule')}     {style.bold(rule.id)} ({rule.action}, {rule.severity}{note}{shadow}){message}"
    problems = [problem for failure in verdict.format_failures for problem in failure.problems]
    yield from (f"  {style.dim('wrong')}    {display_name(str(problem))}" for problem in problems)
    for finding in verdict.findings:
        where = f" at {finding.span[0]}..{finding.span[1]}" if finding.span else ""
        where += (
            " from {:.2f} s to {:.2f} s".format(*(ms / 1_000 for ms in finding.clip)) if finding.clip else ""
        )
        where += " at {}, {}, {} x {} pixels".format(*finding.box) if finding.box else ""
        where += f" in {finding.path}" if finding.path else ""
        where += (
            f" by way of {finding.origin}" if finding.origin and (finding.clip or not finding.box) else ""
        )
        where += f" on {on.list} as {on.id}, {describe_nearness(on)}" if (on := finding.listed) else ""
        quoted = f" {content[slice(*finding.span)]!r}" if isinstance(content, str) and finding.span else ""
        yield f"  {style.dim('found')}    {finding.category} {finding.score:.2f}{where} by {finding.detector}{quoted}"
    for film in verdict.coverage.films:
        yield "  " + style.dim(f"watched  {describe_watch(film)}{f' in {film.path}' if film.path else ''}")
    for error in verdict.errors:
        yield f"  {style.dim('failed')}   {error.detector}: {error.error}"
    for entry in verdict.coverage.unchecked:
        yield f"  {style.dim('unread')}   {entry.kind}: {entry.reason} {entry.path}".rstrip()
    unseen = describe_not_seen(verdict.coverage.not_seen)
    yield from ([f"  {style.dim('unseen')}   in pictures: {unseen}"] if unseen else [])
    if verdict.action is Action.REDACT:
        yield f"  {style.dim('becomes')}  {_becomes(verdict.content)}"


def _elsewhere(guard: Guard, content: Any, verdict: Verdict) -> str:
    """Return what helps who asks at a stage at which no rule judges, so that everything passes; empty where one does."""
    on = {stage for policy in guard.pipeline.policies for rule in policy.rules for stage in rule.on}
    if not isinstance(content, str) or not on or verdict.stage in on:
        return ""
    names = ", ".join(stage.value for stage in type(verdict.stage) if stage in on)
    return f"no rule judges at {verdict.stage}: the rules are on {names}, see --stage"


def _becomes(content: Any) -> str:
    """Return what people read of the content that a policy leaves."""
    if isinstance(content, bytes):
        from guardrails.engine.values.media_types import medium
        from guardrails.media.video.file_type import HEAD

        return f"a {NAMES[medium(content[:HEAD]).kind]} of {len(content):,} bytes (--out FILE writes it)"
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
