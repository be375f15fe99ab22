"""Spans: what meets them, what they leave of a time, and what they take from it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.rewrite.time_spans import (
    Span,
    count_cut_time,
    grow_clips,
    merge_spans,
    remaining_spans,
    spans_meet,
)
from tests.cases import each_case

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6)


def instants(spans: list[Span]) -> set[int]:
    """Return all that spans hold, one by one."""
    return {instant for start, end in spans for instant in range(start, end)}


@each_case(
    ("clips", "by", "expected"),
    [
        ([(1_000, 2_000)], 500, [(500_000, 2_500_000)]),
        ([(200, 300)], 500, [(0, 800_000)]),
        ([(3_000, 4_000), (1_000, 2_500)], 250, [(750_000, 4_250_000)]),
        ([(5, 6), (1, 2)], 0, [(1_000, 2_000), (5_000, 6_000)]),
        ([], 500, []),
    ],
)
def test_clips_grow(clips: list[Span], by: int, expected: list[Span]) -> None:
    """On both sides, not to before the beginning; what touches then is one."""
    assert grow_clips(clips, by) == expected


@given(SPANS)
def test_merged_spans_hold_the_same(spans: list[Span]) -> None:
    """Sorted, none empty, and with a gap between each two."""
    found = merge_spans(spans)
    assert instants(found) == instants(spans)
    assert all(start < end for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))


@given(SPANS, st.integers(0, 60), st.integers(1, 20))
def test_what_is_kept_and_what_is_met(spans: list[Span], start: int, size: int) -> None:
    """Each instant of a time is either in a span or kept."""
    cuts, end = merge_spans(spans), start + size
    left = instants([*remaining_spans(cuts, start, end)])
    assert left == set(range(start, end)) - instants(cuts)
    assert spans_meet(cuts, start, end) is (len(left) < size)


@given(SPANS, st.integers(0, 70))
def test_what_is_taken(spans: list[Span], instant: int) -> None:
    """As much as there is in spans before an instant: what follows never changes its order."""
    cuts = merge_spans(spans)
    assert count_cut_time(cuts, instant) == len(instants(cuts) & set(range(instant)))
