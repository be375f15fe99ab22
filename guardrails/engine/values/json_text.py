"""JSON texts that stand in a body, such as the arguments of a call: parses one, and writes one."""

from __future__ import annotations

import re
from math import inf
from typing import Any, Final

from guardrails.engine.values.walk import Found
from guardrails.errors import RequestError
from guardrails.wire import strict_json
from guardrails.wire.lossless_json import unescaped, write
from guardrails.wire.pointers import Path

_LITERAL: Final = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\Z)(\s*:)?', re.DOTALL)
_OPENS: Final = re.compile(r"\s*[\[{]")


def parse_json_text(text: str) -> tuple[Any, bool]:
    """Parse a JSON text that stands in a body. The second value is False if it is none, or if two parsers could read it in two
    ways.
    """
    try:
        # How deep it nests counts with what it stands in, where its strings are looked at.
        return strict_json.parse_text(text, halves=True, fold_keys=False, finite=True, depth=inf), True
    except RequestError:
        return None, False


def is_unsound_json(text: str) -> bool:
    """Tell whether a text begins as a mapping or a list of JSON does, and is none, or one that could be read in two ways."""
    return _OPENS.match(text) is not None and not parse_json_text(text)[1]


def find_literals(text: str, path: Path = ()) -> list[Found]:
    """Return what each literal of a text says that is no sound JSON, below a path; the last one may be cut. What stands behind a
    key is found below it, whatever it is part of.
    """
    found: list[Found] = []
    where = path
    for literal in _LITERAL.finditer(text):
        said = unescaped(literal[1])
        if literal[2] is not None:
            where = (*path, said)
        found.append((where, said, False, "value" if literal[2] is None else "key"))
    return found


def write_arguments(value: object) -> str | None:
    """Return the JSON text of a call's arguments, None where they are no JSON: nobody knows what a call was called with."""
    try:
        return write(value)
    except (TypeError, ValueError, RecursionError):
        return None


def write_json_text(value: Any) -> str:
    """Write a JSON text that can be sent as UTF-8."""
    text = write(value, space=" ")
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        return write(value, ascii_only=True, space=" ")
    return text
