"""`guardrails fmt`: formats policies in their files; with `--check`, exit status 1 instead."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import add_plugins
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from guardrails.policy.loading.source import Source

STDIN: Final = "-"
ENDINGS: Final = (".yaml", ".yml")


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_plugins(to)
    to.add_argument(
        "policies",
        nargs="*",
        metavar="FILE|FOLDER|-",
        help="policy files, files of tests, folders of them; - prints what standard input becomes",
    )
    to.add_argument("--policy", "-p", action="append", default=[], metavar="FILE", help="the same, by option")
    to.add_argument(
        "--check", action="store_true", help="write nothing; exit status 1 if a file is not formatted"
    )
    to.add_argument("--diff", action="store_true", help="write nothing; print what would change")
    to.add_argument("--json", action="store_true", help="print what was done as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Format each file; return 1 if one is not formatted and `--check` or `--diff` was given."""
    from guardrails.policy.editing.edits import replace_file, unified_diff

    given = [*args.policies, *args.policy]
    if not given:
        raise GuardrailsError("name the policy files to format, or a folder of them")
    if given == [STDIN]:
        before, after = _format_content(sys.stdin.buffer.read(), "standard input")
        print(unified_diff(before, after) if args.diff else "" if args.check else after.text, end="")
        return int((args.check or args.diff) and before.text != after.text)
    keep = args.check or args.diff
    changed: list[str] = []
    errors: list[GuardrailsError] = []
    paths = list(dict.fromkeys(_files(given)))
    for path in paths:
        try:
            before, after = _format_content(_content(path), str(path))
            if before.text == after.text:
                continue
            if not keep:
                replace_file(before, after, path)
        except GuardrailsError as told:  # the other files are formatted all the same
            errors.append(told)
            continue
        changed.append(str(path))
        if args.diff and not args.json:
            print(unified_diff(before, after), end="")
    if args.json:
        print(json.dumps({"files": len(paths), "changed": changed, "errors": [str(each) for each in errors]}))
    else:
        _print(changed, len(paths), keep=keep, style=Style(sys.stdout))
    for error in errors:
        print(error, file=sys.stderr)
    return 2 if errors else int(keep and bool(changed))


def _print(changed: list[str], of: int, *, keep: bool, style: Style) -> None:
    done = "would be formatted" if keep else "formatted"
    for path in changed:
        print(f"{style.bold(path)}: {done}")
    print(style.dim(f"{len(changed)} of {of} {done}"))


def _files(given: Iterable[str]) -> Iterator[Path]:
    for name in given:
        path = Path(name)
        if path.is_dir():
            found = sorted(each for ending in ENDINGS for each in path.rglob(f"*{ending}") if _is_ours(each))
            if not found:
                raise GuardrailsError(f"{name}: has no policy files (*.yaml that begin with format: 1)")
            yield from found
        elif name == STDIN:
            raise GuardrailsError("standard input is formatted alone")
        else:
            yield path


def _is_ours(path: Path) -> bool:
    """Tell whether a file in a folder is a policy or one of tests; other YAML is left alone."""
    from guardrails.policy.testing.test_files import is_test_file

    return is_test_file(path) or any(line.startswith(b"format:") for line in _content(path).splitlines())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GuardrailsError(f"{path}: {error.strerror}") from error


def _format_content(content: bytes, file: str) -> tuple[Source, Source]:
    from guardrails.policy.editing.canonical_form import format_source
    from guardrails.policy.loading.source import read_yaml
    from guardrails.policy.schema import PolicyDoc
    from guardrails.policy.testing.test_fields import TestsDoc
    from guardrails.policy.testing.test_files import is_test_file

    source = read_yaml(content, file)
    return source, format_source(source, TestsDoc if is_test_file(Path(file)) else PolicyDoc)
