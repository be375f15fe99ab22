"""`guardrails check`: texts, files or standard input in, verdicts out; exit status 1 if one is blocked."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails.cli import add_policy
from guardrails.cli.show import Style
from guardrails.errors import GuardrailsError
from guardrails.types import Action, Stage

if TYPE_CHECKING:
    from guardrails.types import Verdict

TEXT_FILES = (".txt", ".md", ".json", ".jsonl", ".yaml", ".yml", ".csv", ".log", ".html")
"""Endings by which an argument is surely meant as a file, so that a misspelt name is not judged as a text."""


def arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    to.add_argument(
        "content",
        nargs="+",
        metavar="TEXT|FILE|-",
        help="a text, a file (a .json file may hold messages, a chat request or a response), or - for standard input",
    )
    add_policy(to)
    to.add_argument(
        "--stage", "-s", default="input", choices=[stage.value for stage in Stage], help="where a text stands"
    )
    to.add_argument(
        "--text", action="store_true", help="take every argument as a text, also if a file has that name"
    )
    to.add_argument("--json", action="store_true", help="print each verdict as one line of JSON")


def run(args: argparse.Namespace) -> int:
    """Judge each content; return 1 if one is blocked."""
    from guardrails.guard import Guard

    contents = list(_contents(args.content, as_text=args.text))
    guard = Guard.load(args.policy)
    style = Style(sys.stdout)
    blocked = False
    for name, content in contents:
        verdict = guard.check(content, args.stage)
        blocked = blocked or verdict.blocked
        if args.json:
            print(json.dumps(verdict.to_dict(), ensure_ascii=False))
        else:
            print("\n".join(_shown(name if len(contents) > 1 else "", content, verdict, style)))
    return 1 if blocked else 0


def _contents(given: list[str], *, as_text: bool) -> Iterator[tuple[str, Any]]:
    for argument in given:
        if as_text:
            yield argument, argument
        elif argument == "-":
            yield "standard input", _decoded(sys.stdin.buffer.read(), "standard input")
        elif _is_file(argument):
            yield argument, _file(Path(argument))
        elif argument.endswith(TEXT_FILES) and not any(char.isspace() for char in argument):
            raise GuardrailsError(f"{argument}: no such file (add --text if it is meant as a text)")
        else:
            yield argument, argument


def _is_file(argument: str) -> bool:
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL: a text
        return False


def _file(path: Path) -> Any:
    """Return what a file holds: a conversation or body if it is JSON of that form, else its text."""
    try:
        text = _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise GuardrailsError(f"{path}: {error.strerror}") from error
    if path.suffix != ".json":
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        raise GuardrailsError(f"{path}: not JSON: {error}") from error
    is_messages = (
        isinstance(value, list) and bool(value) and all(isinstance(e, dict) and "role" in e for e in value)
    )
    is_body = isinstance(value, dict) and not {"messages", "choices", "role"}.isdisjoint(value)
    return value if is_messages or is_body else text


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GuardrailsError(
            f"{name}: not UTF-8 text (byte {error.start}); only text can be checked here"
        ) from error


def _shown(name: str, content: Any, verdict: Verdict, style: Style) -> Iterator[str]:
    """Yield the lines that people read."""
    took = style.dim(f"{verdict.timings_ms['total']:.2f} ms")
    yield f"{style.action(verdict.action)}  {verdict.stage}  policy {verdict.policy.name} {verdict.policy.version}  {took}"
    if name:
        yield f"  {style.dim('content')}  {name}"
    for rule in (*verdict.rules, *verdict.shadow):
        note = "" if rule.reason == "matched" else f", because of {rule.reason}"
        shadow = ", shadow only" if rule in verdict.shadow else ""
        message = f": {rule.message}" if rule.message else ""
        yield f"  {style.dim('rule')}     {style.bold(rule.id)} ({rule.action}, {rule.severity}{note}{shadow}){message}"
    for finding in verdict.findings:
        where = f" at {finding.span[0]}..{finding.span[1]}" if finding.span else ""
        where += f" in {finding.path}" if finding.path else ""
        quoted = f" {content[slice(*finding.span)]!r}" if isinstance(content, str) and finding.span else ""
        yield f"  {style.dim('found')}    {finding.category} {finding.score:.2f}{where} by {finding.detector}{quoted}"
    for error in verdict.errors:
        yield f"  {style.dim('failed')}   {error.detector}: {error.error}"
    for entry in verdict.coverage.unchecked:
        yield f"  {style.dim('unread')}   {entry.kind}: {entry.reason} {entry.path}".rstrip()
    if verdict.action is Action.REDACT:
        shown = (
            verdict.content
            if isinstance(verdict.content, str)
            else json.dumps(verdict.content, ensure_ascii=False)
        )
        yield f"  {style.dim('becomes')}  {shown}"
