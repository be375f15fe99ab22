"""Cuts a text into the pieces that a large model or a service reads at a time, each with its span in the text.

A piece takes whole passages for as long as they fit, and begins with some of the text before it, which its span leaves out:
what stands on both sides of a border is read together once. The plain reading comes first; of those without invisible
characters and with spelling tricks undone only the pieces with other words. Nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from guardrails.inference.safety.passages import split_passages
from guardrails.text import TextView, deobfuscate_text, normalize_text, replace_surrogates
from guardrails.types import Unchecked

CONTEXT_DIVISOR: Final = 8
"""A piece begins with an eighth of its size of what stands before it."""

_WORD: Final = re.compile(r"\w+")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TextPieces:
    """What is read of a text, and where that stands in it: `reads` and `spans` side by side; `unchecked` is left out.

    `places` tell of each read in which reading of the text it begins where (None: in the plain one).
    """

    spans: tuple[Span, ...]
    reads: tuple[str, ...]
    places: tuple[tuple[TextView | None, int], ...]
    unchecked: tuple[Unchecked, ...] = ()

    def original(self, at: int, start: int, end: int) -> Span:
        """Return where in the text that stands which the read number `at` has from `start` to `end`."""
        reading, begin = self.places[at]
        span = (begin + start, begin + end)
        return span if reading is None else reading.original(*span)


def past_windows(most: int, span: Span) -> Unchecked:
    """Return what says that a text was left unread from where it had so many windows."""
    return Unchecked("limit", f"text past {most} windows, the policy's limits.windows", span=span)


def cut_pieces(text: str, size: int, most: int) -> TextPieces:
    """Cut a text into pieces of at most `size` characters, at most `most` of all its readings together."""
    safe = replace_surrogates(text)
    found: list[tuple[Span, str, tuple[TextView | None, int]]] = []
    left: tuple[Unchecked, ...] = ()
    for each in _readings(safe, size):
        if len(found) == most:
            left = (past_windows(most, (each[0][0], len(text))),)
            break
        found.append(each)
    spans, reads, places = zip(*found, strict=True) if found else ((), (), ())
    return TextPieces(spans, reads, places, left)


def _readings(text: str, size: int) -> Iterator[tuple[Span, str, tuple[TextView | None, int]]]:
    for start, end, begin in _cut(text, size):
        yield (start, end), text[begin:end], (None, begin)
    readings = deobfuscate_text(text) if text.isascii() else (normalize_text(text), *deobfuscate_text(text))
    for reading in readings:
        last = 0
        for start, end, begin in _cut(reading.text, size):
            first, until = reading.original(start, end)
            # What is invisible between two pieces belongs to the later one, so that spans leave nothing out.
            span = (min(last, first), len(text) if end == len(reading.text) else until)
            last = span[1]
            if _words(normalize("NFKC", text[slice(*span)])) != _words(reading.text[start:end]):
                yield span, reading.text[begin:end], (reading, begin)


def _words(text: str) -> list[str]:
    """Return what two readings are compared by: other quotation marks make no other text."""
    return _WORD.findall(text)


def _cut(text: str, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield start and end of each piece that holds anything, and where its context begins."""
    context = size // CONTEXT_DIVISOR
    room = size - context
    if len(text) <= room:
        yield from _whole(text, 0, len(text), 0)
        return
    start = end = 0
    for _, until in _parts(text, room):
        if until - start > room:
            yield from _whole(text, start, end, context)
            start = end
        end = until
    yield from _whole(text, start, end, context)


def _parts(text: str, room: int) -> Iterator[Span]:
    """Yield passages, those that do not fit in parts."""
    for start, end in split_passages(text):
        for at in range(start, end, room):
            yield at, min(at + room, end)


def _whole(text: str, start: int, end: int, context: int) -> Iterator[tuple[int, int, int]]:
    if not text[start:end].isspace() and end > start:
        yield start, end, max(0, start - context)
