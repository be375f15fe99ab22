"""The bound on decoded pixels: who waits for whom, what is dropped, and when pixels stop to count."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from guardrails.media import pixel_pool as module
from guardrails.media.errors import MediaError
from guardrails.media.pixel_pool import PixelPool, get_pixel_pool

WAIT_S = 20
"""No test waits so long unless it fails."""


def of(pixels: int) -> Any:
    """Return a view of so many pixels, as decoders make them."""
    return np.frombuffer(bytes(3 * pixels), dtype=np.uint8).reshape(1, pixels, 3)


def decoded(pool: PixelPool, pixels: int, *views: int, seconds: float = 0.0) -> list[Any]:
    """Decode a picture of so many pixels by its header, with views of so many."""
    return pool.decode(lambda: [of(each) for each in views or (pixels,)], pixels, seconds, lambda made: made)


class Frames:
    """Frames that are kept until they are released."""

    def __init__(self, made: list[Any]) -> None:
        self.made = made

    @property
    def ready(self) -> bool:
        """Whether they are."""
        return bool(self.made)

    def release(self) -> None:
        """Drop them."""
        self.made = []


def test_pixels_count_until_nobody_refers_to_them() -> None:
    """All that there are of a picture, however it is cut; before it is decoded those of its header."""
    pool = PixelPool(100)
    made = pool.decode(lambda: [of(pool.held_pixels)], 60, 0.0, lambda made: made)
    assert made[0].shape == (1, 60, 3)
    more = decoded(pool, 10, 10, 20)
    assert pool.held_pixels == 90
    part = more[1][:, 3:5]
    del made, more
    assert pool.held_pixels == 20
    del part
    assert pool.held_pixels == 0


def test_what_fails_holds_nothing() -> None:
    """What the decoder raises is raised, and its room is free."""
    pool = PixelPool(100)
    with pytest.raises(ZeroDivisionError):
        pool.decode(lambda: [1 // 0], 60, 0.0, lambda made: made)
    assert pool.held_pixels == 0


def test_there_is_no_room_while_others_hold_it() -> None:
    """It is an error of time, as that of busy decoders is; one of more than the bound has room when it is alone."""
    pool = PixelPool(100)
    made = decoded(pool, 60)
    for pixels in (41, 1_000):
        with pytest.raises(MediaError, match="100 pixels of other pictures") as caught:
            decoded(pool, pixels)
        assert caught.value.code == "timeout"
    assert len(decoded(pool, 40)) == 1
    del made
    assert decoded(pool, 1_000)[0].shape == (1, 1_000, 3)


def test_who_waits_goes_on_when_another_is_done() -> None:
    """Two threads have no more decoded at a time than there may be, and both are served."""
    pool = PixelPool(100)
    begun, go_on, most = threading.Event(), threading.Event(), []

    def first() -> None:
        made = decoded(pool, 80, seconds=WAIT_S)
        begun.set()
        assert go_on.wait(WAIT_S)
        del made

    def make() -> list[Any]:
        most.append(go_on.is_set())
        return [of(80)]

    one = threading.Thread(target=first)
    other = threading.Thread(target=lambda: pool.decode(make, 80, WAIT_S, lambda made: made))
    one.start()
    assert begun.wait(WAIT_S)
    other.start()
    other.join(0.05)
    assert (other.is_alive(), most) == (True, [])
    go_on.set()
    for thread in (one, other):
        thread.join(WAIT_S)
    assert (most, pool.held_pixels) == ([True], 0)


def test_what_is_kept_is_dropped_for_who_needs_the_room() -> None:
    """The oldest first, and no more than that."""
    pool = PixelPool(100, keep=90)
    kept = [Frames(decoded(pool, 30)) for _ in range(3)]
    for each in kept:
        pool.keep(each, 30)
    made = decoded(pool, 40)
    assert ([each.ready for each in kept], pool.held_pixels) == ([False, True, True], 100)
    del made


def test_no_more_is_kept_than_may_be() -> None:
    """The last one always is, as whoever had it decoded wants it."""
    pool = PixelPool(1_000, keep=50)
    kept = [Frames(decoded(pool, pixels)) for pixels in (20, 20, 20, 90)]
    ready = []
    for each in kept:
        pool.keep(each, each.made[0].shape[1])
        ready.append([some.ready for some in kept])
    assert ready == [[True] * 4, [True] * 4, [False, True, True, True], [False, False, False, True]]


def test_memory_is_given_back_after_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures do not count."""
    monkeypatch.setattr(module, "LARGE_PIXELS", 10)
    monkeypatch.setattr(module, "DUE_PIXELS", 40)
    pool = PixelPool(1_000)
    due = []
    for pixels in (9, 9, 9, 9, 9, 20, 20):
        decoded(pool, pixels)
        due.append(pool.due)
    pool.trim()
    assert (due, pool.due) == ([False] * 6 + [True], False)


def test_a_process_has_one() -> None:
    """With room for several large pictures."""
    assert get_pixel_pool() is get_pixel_pool()
    assert get_pixel_pool().held_pixels >= 0
