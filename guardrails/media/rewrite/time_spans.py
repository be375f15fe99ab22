"""Arithmetic of spans of time: which meet, and what remains after cutting.

Instants are whole numbers of any one unit. What a cut takes from the time is the sum of all before it, so that no error adds up,
and picture and sound, which count time in units of their own, stay together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

Span = tuple[int, int]
"""From the first instant to the one that is no more in it."""

MICRO = 1_000_000
"""Microseconds of a second: the unit in which clips and frames meet."""


def grow_clips(clips: Iterable[tuple[int, int]], by: int) -> list[Span]:
    """Return clips of milliseconds as spans of microseconds that begin and end so many milliseconds further out."""
    return merge_spans((max(0, (start - by) * 1_000), (end + by) * 1_000) for start, end in clips)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the same instants in spans that are sorted and do not touch, as all that follows here takes them."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def spans_meet(spans: Sequence[Span], start: int, end: int) -> bool:
    """Tell whether any instant from `start` to before `end` is in a span."""
    after = bisect_right(spans, start, key=lambda span: span[0])
    return (after > 0 and start < spans[after - 1][1]) or (after < len(spans) and spans[after][0] < end)


def remaining_spans(cuts: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    """Yield what of the time from `start` to before `end` is in no span."""
    for first, last in cuts:
        if first >= end:
            break
        if last > start:
            if first > start:
                yield start, first
            start = last
    if start < end:
        yield start, end


def count_cut_time(cuts: Sequence[Span], instant: int) -> int:
    """Return how much of the time before an instant is in spans."""
    return sum(min(end, instant) - start for start, end in cuts if start < instant)
