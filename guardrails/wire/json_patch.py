"""A body's bytes in, the same bytes without one of its fields, or with another value in it, out: the rest is as it was written.

The body was parsed by `wire.parse` before, so that it is a JSON object in which no name stands twice.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from guardrails.wire import strict_json

SPACE = re.compile(r"[ \t\r\n]*")
VALUES = json.JSONDecoder(parse_float=str, parse_int=str)
"""Reads names, and values, the form of whose numbers nobody looks at."""


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member of an object stands: from its name to the end of its value, which begins at `value`."""

    start: int
    value: int
    end: int
    before: int
    """The end of the member before it; -1 where it is the first."""


def without(raw: bytes, name: str) -> bytes:
    """Return a body without a field, with the comma and the space that set it apart."""
    text = raw.decode()
    found = _find(text, name)
    if found is None:
        return raw
    if found.before >= 0:
        return (text[: found.before] + text[found.end :]).encode()
    end, comma = found.end, _skip(text, found.end)
    if text[comma] == ",":
        end = _skip(text, comma + 1)
    return (text[: found.start] + text[end:]).encode()


def saying(raw: bytes, name: str, value: Any) -> bytes:
    """Return a body that says this in a field, which stands first where there was none."""
    text, new = raw.decode(), strict_json.dump(value).decode()
    found = _find(text, name)
    if found is not None:
        return (text[: found.value] + new + text[found.end :]).encode()
    start = text.index("{") + 1
    comma = "" if text[_skip(text, start)] == "}" else ","
    return f"{text[:start]}{strict_json.dump(name).decode()}:{new}{comma}{text[start:]}".encode()


def _find(text: str, name: str) -> _Member | None:
    """Return where a field stands in an object, None where it does not."""
    at, before = _skip(text, text.index("{") + 1), -1
    while text[at] == '"':
        start = at
        key, at = VALUES.raw_decode(text, start)
        value = _skip(text, _skip(text, at) + 1)
        _, end = VALUES.raw_decode(text, value)
        if key == name:
            return _Member(start, value, end, before)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
        before = end
    return None


def _skip(text: str, at: int) -> int:
    """Return where the space that stands at a place ends."""
    space = SPACE.match(text, at)
    assert space is not None  # it may be empty
    return space.end()
