"""The arguments that name contents and their context for `Guard.check`.

Shared by all commands that judge single contents, so that they take the same and mean the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from guardrails.errors import GuardrailsError
from guardrails.types import Stage

PAIRS: Final = {
    "user": "who asks (request.user.KEY), as your authentication would say, such as --user tier=staff",
    "client": "what the client says of itself (request.client.KEY)",
    "metadata": "a free value (request.metadata.KEY)",
}
TEXTS: Final = {
    "tenant": "for whom it is (request.tenant)",
    "model": "the model that is asked (request.model)",
    "prompt": "what a reply answers to",
    "system": "the system prompt that a reply is given under; in messages, the one that is the application's own",
}
"""Options with the context of a check, each an argument of `Guard.check`."""


def add_contents(to: argparse.ArgumentParser) -> None:
    """Add what is judged, and where it stands."""
    to.add_argument(
        "content",
        nargs="+",
        metavar="TEXT|FILE|-",
        help="a text, a file (a picture, a film, a sound, a text; a .json file may hold messages, a chat request or a "
        "response), or - for standard input",
    )
    to.add_argument(
        "--stage", "-s", default="input", choices=[stage.value for stage in Stage], help="where a text stands"
    )
    to.add_argument(
        "--text", action="store_true", help="take every argument as a text, also if a file has that name"
    )


def add_context(to: argparse.ArgumentParser) -> None:
    """Add the context that conditions may read."""
    group = to.add_argument_group(
        "context", "what conditions may ask for; a VALUE may be JSON: 3, true, [1, 2]"
    )
    for name, what in PAIRS.items():
        group.add_argument(
            f"--{name}", action="append", default=[], metavar="KEY=VALUE", help=f"{what}; may be repeated"
        )
    for name, what in TEXTS.items():
        group.add_argument(f"--{name}", metavar="TEXT", help=what)


def add_application_text(to: argparse.ArgumentParser) -> None:
    """Add the texts that are the application's own."""
    to.add_argument(
        "--application-text",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a file with a system message of the application's own, which may have {slots}; may be repeated",
    )


def read_context(args: argparse.Namespace) -> dict[str, Any]:
    """Return the context as `Guard.check` takes it; what was not given is left out.

    Raises:
        GuardrailsError: something is no KEY=VALUE, or a key is given twice.
    """
    pairs = {name: _pairs(name, getattr(args, name)) for name in PAIRS if getattr(args, name)}
    return pairs | {name: value for name in TEXTS if (value := getattr(args, name)) is not None}


def _pairs(name: str, given: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (key and equals):
            raise GuardrailsError(f"--{name} {each}: write KEY=VALUE, such as --{name} tier=staff")
        if key in found:
            raise GuardrailsError(f"--{name} {key}: given twice")
        found[key] = _value(f"request.{name}.{key}", value)
    return found


def _value(name: str, given: str) -> Any:
    """Return a value: what conditions read as a text is one, else JSON is what it says, and all else a text."""
    from guardrails.policy.names import CONTEXT

    if name in CONTEXT and CONTEXT[name][0] == "string":
        return given
    try:
        return json.loads(given, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return given


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def read_contents(given: Sequence[str], *, as_text: bool) -> Iterator[tuple[str, Any]]:
    """Yield the contents with what people call each.

    Args:
        given: texts, names of files, or `-`.
        as_text: take all of them as texts.

    Raises:
        GuardrailsError: a file is not there, or cannot be read.
    """
    from guardrails.authoring.checked_files import TEXTS, decode_text, read_content
    from guardrails.engine.values.media_types import MEDIA

    for argument in given:
        if as_text or not argument:
            yield argument, argument
        elif argument == "-":
            yield "standard input", decode_text(sys.stdin.buffer.read(), "standard input")
        elif is_file(argument):
            yield argument, read_content(Path(argument))
        elif not any(char.isspace() for char in argument) and argument.lower().endswith((*TEXTS, *MEDIA)):
            raise GuardrailsError(f"{argument}: no such file (add --text if it is meant as a text)")
        elif _is(Path.is_dir, argument):
            raise GuardrailsError(f"{argument}: a folder, not a file (add --text if it is meant as a text)")
        else:
            yield argument, argument


def is_file(argument: str) -> bool:
    """Tell whether an argument is the name of a file."""
    return _is(Path.is_file, argument)


def open_report_beside(
    report: str | None, contents: Sequence[str]
) -> AbstractContextManager[Callable[[str], None] | None]:
    """Return what saves a report, None where none is asked for; raise where it cannot be written or would replace a content."""
    if report is None:
        return nullcontext()
    from guardrails.authoring.reports.check_report import open_report

    path = Path(report)
    if any(path.samefile(each) for each in contents if is_file(report) and is_file(each)):
        raise GuardrailsError(f"{path}: the report would take the place of what is checked")
    return open_report(path)


def _is(kind: Callable[[Path], bool], argument: str) -> bool:
    try:
        return kind(Path(argument))
    except (OSError, ValueError):  # too long for a name, or with a NUL: a text
        return False
