"""Encodings that are read together with what stands around them: escapes within words, and texts in cipher.

A text shows them by marks (`ContextDecoder.marks`): an escape, or words of every English text in cipher. Marks that are near
enough to each other are one stretch, which is read as a whole with `AROUND` characters on either side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from guardrails.detectors.encodings.chains import Stretch, to_ascii
from guardrails.detectors.encodings.payloads import Payload
from guardrails.text.matching import linear_patterns as re2

AROUND: Final = 120
"""Characters around a mark that are read together with it."""

NEAR: Final = 80
"""Characters within which another mark must stand, where one alone is no evidence."""


@dataclass(frozen=True)
class ContextDecoder:
    """An encoding that is read with its context.

    Attributes:
        name: the encoding.
        gate: RE2 of what every payload holds.
        marks: RE2 of a mark.
        read: decodes a stretch of a text.
        telling: RE2 of the marks that are evidence alone; "" if all are.
    """

    name: str
    gate: str
    marks: str
    read: Callable[[str, int, int], Iterator[Payload]]
    telling: str = ""

    @cached_property
    def _marks(self) -> Any:
        return re2.compile(self.marks)

    @cached_property
    def _telling(self) -> Any:
        return re2.compile(self.telling)

    def find_marks(self, text: str) -> list[Stretch]:
        """Return the marks of a text that are evidence: alone, or as another stands near."""
        hay = to_ascii(text)
        places = [match.span() for match in self._marks.finditer(hay)]
        if not self.telling:
            return places
        return [
            place
            for at, place in enumerate(places)
            if (at > 0 and place[0] - places[at - 1][1] <= NEAR)
            or (at + 1 < len(places) and places[at + 1][0] - place[1] <= NEAR)
            or self._telling.fullmatch(hay[place[0] : place[1]])
        ]

    def find(self, text: str) -> Iterator[Payload]:
        """Yield what the stretches around the marks say, in order."""
        marks = self.find_marks(text)
        first = 0
        for at, (_, stop) in enumerate(marks):
            if at + 1 == len(marks) or marks[at + 1][0] - stop > 2 * AROUND:
                yield from self.read(text, max(0, marks[first][0] - AROUND), min(len(text), stop + AROUND))
                first = at + 1


# Percent escapes (RFC 3986), and those of JScript: a phrase may be escaped in part.
_PERCENT: Final = r"(?:%[0-9A-Fa-f]{2}|%u[0-9A-Fa-f]{4})"
_PERCENT_RUN: Final = re.compile(rf"{_PERCENT}+")


def _decode_bytes(run: str) -> list[tuple[str, int]]:
    """Return the characters of a run of escapes, and how many characters of it each takes."""
    found: list[tuple[str, int]] = []
    for part in re.split(r"(%u[0-9A-Fa-f]{4})", run):
        if part.startswith("%u"):
            code = int(part[2:], 16)
            found.append((chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd", 6))
        elif part:
            said = unquote_to_bytes(part).decode("utf-8", "replace")
            # A byte that is no UTF-8 became one character; several may too, and their run ends where it does.
            found += [(char, 3 * (1 if char == "\ufffd" else len(char.encode()))) for char in said]
    return found


def _read_percent(text: str, begin: int, end: int) -> Iterator[Payload]:
    yield _unquote(text, begin, end, _PERCENT_RUN, _decode_bytes)


# Quoted-printable (RFC 2045): escapes, and lines that go on.
_PRINTABLE: Final = r"=(?:[0-9A-F]{2}|[ \t]*\r?\n)"
_PRINTABLE_RUN: Final = re.compile(rf"(?:{_PRINTABLE})+")
_SOFT_BREAK: Final = re.compile(r"(=[ \t]*\r?\n)")


def _decode_printable(run: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for part in _SOFT_BREAK.split(run):
        if part.endswith("\n"):
            found.append(("", len(part)))
        elif part:
            found += _decode_bytes(part.replace("=", "%"))
    return found


def _read_printable(text: str, begin: int, end: int) -> Iterator[Payload]:
    yield _unquote(text, begin, end, _PRINTABLE_RUN, _decode_printable)


def _unquote(
    text: str,
    begin: int,
    end: int,
    runs: re.Pattern[str],
    decode: Callable[[str], Sequence[tuple[str, int]]],
) -> Payload:
    """Return a stretch with its escapes decoded, each character with its place."""
    parts: list[str] = []
    starts: list[int] = []
    at = begin
    for run in runs.finditer(text, begin, end):
        start, stop = run.span()
        parts.append(text[at:start])
        starts.extend(range(at, start))
        place = start
        for char, width in decode(run[0]):
            if char:
                parts.append(char)
                starts.append(min(place, stop - 3))
            place += width
        at = stop
    parts.append(text[at:end])
    starts.extend(range(at, end + 1))
    return Payload("".join(parts), begin, end, starts)


PERCENT: Final = ContextDecoder("percent", _PERCENT, rf"{_PERCENT}+", _read_percent)
_PRINTABLE_MARK: Final = r"=[0-9A-F]{2}=[0-9A-F]{2}|=(?:20|09)[A-Za-z]"
PRINTABLE: Final = ContextDecoder(
    "quoted-printable",
    rf"(?:{_PRINTABLE_MARK})(?s:.){{0,{NEAR}}}(?:{_PRINTABLE_MARK})|=[0-9A-F]{{2}}=[0-9A-F]{{2}}=[0-9A-F]{{2}}",
    r"(?:=[0-9A-F]{2}){2,}|=(?:20|09)[A-Za-z]",
    _read_printable,
    r"(?:=[0-9A-F]{2}){3,}",
)
