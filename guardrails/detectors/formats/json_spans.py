"""Finds the span of the value at a path in a JSON text without parsing the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR: Final = re.compile(r"[^\s,\]}]+")
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def locate(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Return the span of the value at `path` in a valid JSON text without repeated keys; of the last value that is
    there, where the path leads on.
    """
    at = _skip(text, 0)
    for step in path:
        member = next((place for key, place in _members(text, at) if key == step), None)
        if member is None:
            break
        at = member
    return _span(text, at)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _span(text: str, at: int) -> tuple[int, int]:
    at = _skip(text, at)
    if text[at] == '"':
        match = _STRING.match(text, at)
    elif text[at] in "[{":
        depth = 0
        for token in _TOKEN.finditer(text, at):
            depth += (token[0] in "[{") - (token[0] in "]}")
            if not depth:
                return at, token.end()
        return at, len(text)
    else:
        match = _SCALAR.match(text, at)
    return at, len(text) if match is None else match.end()


def _members(text: str, at: int) -> Iterator[tuple[str | int, int]]:
    """Yield the keys or indexes of a container and where their values begin."""
    if text[at] not in "[{":
        return
    named, index = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        key: str | int = index
        if named:
            end = _span(text, at)[1]
            key = json.loads(text[at:end])
            at = _skip(text, _skip(text, end) + 1)
        yield key, at
        index += 1
        at = _skip(text, _span(text, at)[1])
        at = _skip(text, at + 1) if text[at] == "," else at
