"""Pictures that come again: what is remembered, and that nothing is taken for looked at that is not."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from guardrails.media.errors import MediaError
from guardrails.media.images.decode_cache import DecodedShape, LazySequence, ShapeCache
from guardrails.media.limits import PictureLimits

SHAPE = DecodedShape(4, 3, 1, alpha=False, animated=False)


def test_a_file_is_known_by_its_digest_and_its_limits() -> None:
    """Under others it may look otherwise, or be refused."""
    shapes = ShapeCache()
    shapes.add(("a", PictureLimits()), SHAPE)
    assert shapes.get(("a", PictureLimits())) == SHAPE
    assert shapes.get(("b", PictureLimits())) is None
    assert shapes.get(("a", PictureLimits(detail=10))) is None


def test_the_least_recently_used_go_first() -> None:
    """And there are never more than may be, also when that becomes less."""
    shapes = ShapeCache(most=4)
    for name in "abcd":
        shapes.add((name, PictureLimits()), SHAPE)
    shapes.get(("a", PictureLimits()))
    shapes.add(("e", PictureLimits()), SHAPE)
    assert [name for name in "abcde" if shapes.get((name, PictureLimits()))] == ["a", "c", "d", "e"]
    shapes.hold(0.5)
    assert [name for name in "abcde" if shapes.get((name, PictureLimits()))] == ["d", "e"]


def test_what_comes_later_is_made_once() -> None:
    """When somebody wants one of them; how many there are is known before."""
    made: list[int] = []

    def make() -> Sequence[int]:
        made.append(1)
        return (7, 8, 9)

    later = LazySequence(3, make)
    assert (len(later), later.ready) == (3, False)
    assert made == []
    assert ([*later], later[0], later[-1], [*later[::2]], later.ready) == ([7, 8, 9], 7, 9, [7, 9], True)
    assert made == [1]


def test_what_is_released_is_made_again() -> None:
    """What was there before they were wanted counts as made; who keeps them is told each time."""
    made: list[int] = []
    kept: list[Sequence[int]] = []

    def make() -> Sequence[int]:
        made.append(1)
        return (7, 8)

    later = LazySequence(2, make, (7, 8), lambda _, some: kept.append(some))
    assert ([*later], made, kept) == ([7, 8], [], [(7, 8)])
    later.release()
    assert (later.ready, [*later], [*later], made, kept) == (False, [7, 8], [7, 8], [1], [(7, 8), (7, 8)])


def test_an_error_is_raised_for_whoever_asks() -> None:
    """Each time: nobody gets frames that are not there."""

    def make() -> Sequence[int]:
        raise MediaError("timeout", "it took too long")

    later = LazySequence(2, make)
    for _ in range(2):
        with pytest.raises(MediaError, match="too long"):
            later[0]
    with pytest.raises(MediaError, match="another number of frames"):
        [*LazySequence(2, lambda: (1, 2, 3))]
    assert not later.ready


def test_several_threads_may_want_one() -> None:
    """It is made by the first of them."""
    made: list[int] = []
    all_there = threading.Barrier(4)

    def make() -> Sequence[int]:
        made.append(1)
        return (5,)

    def want() -> None:
        all_there.wait(30)
        seen.append(later[0])

    seen: list[int] = []
    later = LazySequence(1, make)
    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (seen, made) == ([5, 5, 5, 5], [1])
