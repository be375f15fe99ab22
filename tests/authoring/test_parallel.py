"""Work on many things at a time."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.parallel import AHEAD, map_ordered, push_bounded
from tests.cases import each_case


@each_case("threads", [1, 2, 5])
def test_results_come_in_order(threads: int) -> None:
    """Each thing with its own result, whoever is done first."""
    assert list(map_ordered(range(100), lambda each: each * each, threads)) == [
        (each, each * each) for each in range(100)
    ]


def test_things_are_worked_on_at_the_same_time() -> None:
    """Two that wait for each other are both done."""
    meeting = threading.Barrier(2, timeout=30)
    assert [each for each, _ in map_ordered(range(2), lambda _each: meeting.wait(), 2)] == [0, 1]


def test_no_more_is_taken_than_is_needed_soon() -> None:
    """An endless source of things is no trouble."""
    taken = itertools.count()
    results = map_ordered(taken, lambda each: each, 2)
    assert [next(results)[0] for _ in range(10)] == [*range(10)]
    assert next(taken) <= 10 + 2 * AHEAD


@each_case("threads", [1, 3])
def test_what_is_raised_is_raised(threads: int) -> None:
    """By the work, and by the source of things, after what came before."""

    def source() -> itertools.chain[int]:
        return itertools.chain([1, 2], (1 // each for each in [0]))

    with pytest.raises(ZeroDivisionError):
        list(map_ordered(source(), lambda each: each, threads))
    with pytest.raises(ZeroDivisionError):
        list(map_ordered([1, 0], lambda each: 1 // each, threads))


@given(st.lists(st.integers()), st.integers(0, 5))
def test_the_greatest_are_kept(entries: list[int], most: int) -> None:
    """As many as are wanted."""
    heap: list[int] = []
    for each in entries:
        push_bounded(heap, each, most)
    assert sorted(heap) == sorted(entries)[len(entries) - min(most, len(entries)) :]
