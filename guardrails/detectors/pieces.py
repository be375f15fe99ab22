"""Pieces: a text goes in, what a large model or a service reads of it at a time comes out, each with its span in the text.

A piece takes whole passages for as long as they fit, and begins with some of the text before it, which its span leaves out:
what stands on both sides of a border is read together once. The plain reading comes first; of the readings in which
spelling tricks are undone only the pieces that read otherwise. No text goes in twice, and nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from guardrails.inference.passages import passages
from guardrails.text import revealed, surrogates_replaced
from guardrails.types import Unchecked

CONTEXT: Final = 8
"""A piece begins with an eighth of its size of what stands before it."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pieces:
    """What is read of a text, and where that stands in it: `reads` and `spans` side by side; `unchecked` is left out."""

    spans: tuple[Span, ...]
    reads: tuple[str, ...]
    unchecked: tuple[Unchecked, ...] = ()


def pieces(text: str, size: int, most: int) -> Pieces:
    """Cut a text into pieces of at most `size` characters, at most `most` of all its readings together."""
    safe = surrogates_replaced(text)
    spans: list[Span] = []
    reads: list[str] = []
    for span, read in _readings(safe, size):
        if len(spans) == most:
            left = Unchecked("limit", f"text past {most} windows", span=(span[0], len(text)))
            return Pieces(tuple(spans), tuple(reads), (left,))
        spans.append(span)
        reads.append(read)
    return Pieces(tuple(spans), tuple(reads))


def _readings(text: str, size: int) -> Iterator[tuple[Span, str]]:
    for start, end, begin in _cut(text, size):
        yield (start, end), text[begin:end]
    for reading in revealed(text):
        last = 0
        for start, end, begin in _cut(reading.text, size):
            first, until = reading.original(start, end)
            # What is invisible between two pieces belongs to the later one, so that spans leave nothing out.
            span = (min(last, first), len(text) if end == len(reading.text) else until)
            last = span[1]
            if text[slice(*span)] != reading.text[start:end]:
                yield span, reading.text[begin:end]


def _cut(text: str, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield start and end of each piece that holds anything, and where its context begins."""
    context = size // CONTEXT
    room = size - context
    start = end = 0
    for _, until in _parts(text, room):
        if until - start > room:
            yield from _whole(text, start, end, context)
            start = end
        end = until
    yield from _whole(text, start, end, context)


def _parts(text: str, room: int) -> Iterator[Span]:
    """Yield passages, those that do not fit in parts."""
    for start, end in passages(text):
        for at in range(start, end, room):
            yield at, min(at + room, end)


def _whole(text: str, start: int, end: int, context: int) -> Iterator[tuple[int, int, int]]:
    if not text[start:end].isspace() and end > start:
        yield start, end, max(0, start - context)
