"""The process's bound on decoded pixels, over all checks together.

Pixels count from before a picture is decoded until nobody refers to its views any more, which their arrays tell themselves: a
detector holds what it looks at, and nothing else has to give anything back. What was decoded is kept for the next detector as far
as `keep` pixels of all pictures go, the oldest dropped first, and all of it is dropped where somebody else needs the room; a
picture that is wanted once more is decoded again (`decode_cache.LazySequence`). So a request with many pictures holds few of them
at a time.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final, Protocol, TypeVar

from guardrails.media.errors import MediaError

T = TypeVar("T")

MOST_PIXELS: Final = 100_000_000
"""Pixels that are decoded at a time, of three bytes each: six photos of 16 million at their full size, 300 MB."""

A_CORE: Final = 12_000_000
"""Pixels that each core may have decoded, where that is more: as many as a photo has."""

KEPT_PIXELS: Final = 32_000_000
"""Pixels that are kept for the next detector, 96 MB: thirty pictures of 1,024 pixels a side, or two large ones."""


LARGE_PIXELS: Final = 4_000_000
"""Pixels from which a picture counts for `due`: what smaller ones leave in the allocator is soon used again."""

DUE_PIXELS: Final = 32_000_000
"""Pixels of large pictures that are decoded until memory is given back: what their threads' allocators keep, 100 MB at most."""


class KeptFrames(Protocol):
    """What keeps decoded frames until it is released."""

    @property
    def ready(self) -> bool:
        """Whether it keeps any."""
        ...

    def release(self) -> None:
        """Keep them no longer; never waits for anything."""
        ...


class PixelPool:
    """At most so many pixels at a time, of which some are kept; safe to share by threads."""

    def __init__(self, most: int, keep: int = KEPT_PIXELS) -> None:
        self._most, self._keep = most, keep
        self._held = 0
        # What is freed comes by a queue that may be put to in the middle of anything, as arrays die wherever they die.
        self._freed: SimpleQueue[int] = SimpleQueue()
        self._turn = threading.Lock()
        self._kept: deque[tuple[weakref.ref[Any], int]] = deque()
        self._keeping = threading.Lock()
        self._since = 0

    @property
    def due(self) -> bool:
        """Whether so much was decoded since memory was given back that it should be once more."""
        return self._since >= DUE_PIXELS

    def trim(self) -> None:
        """Give memory that nobody uses back to the system: glibc keeps what each thread had. Takes some milliseconds."""
        self._since = 0
        if sys.platform.startswith("linux") and (
            given_back := getattr(ctypes.CDLL(None), "malloc_trim", None)
        ):
            given_back(0)

    @property
    def held_pixels(self) -> int:
        """Pixels that are decoded by now, or about to be."""
        with self._turn:
            self._settle()
            return self._held

    def decode(
        self, make: Callable[[], T], pixels: int, seconds: float, views: Callable[[T], Iterable[Any]]
    ) -> T:
        """Return what `make` decodes, once there is room for it.

        Args:
            make: decodes a picture.
            pixels: as many as it has by its header; one of more than the bound waits until it is alone.
            seconds: how long to wait at most.
            views: returns the arrays of pixels, [height, width, 3], of what was made.

        Raises:
            MediaError: `timeout`, where there is no room within that time; and what `make` raises.
        """
        taken = self._take(pixels, seconds)
        try:
            made = make()
            if pixels >= LARGE_PIXELS:
                self._since += pixels  # about as many, where several threads add to it
            for view in views(made):
                count = view.size // 3
                owner = view.base if hasattr(view.base, "base") else view  # slices of a view refer to that
                weakref.finalize(owner, self._freed.put, count).atexit = False
                taken -= count
        finally:
            self._freed.put(taken)  # below 0 where it has more views than one
        return made

    def keep(self, frames: KeptFrames, pixels: int) -> None:
        """Take note that decoded frames are kept; release the oldest of all that are where these are too many together."""
        with self._keeping:
            known = [(ref, count) for ref, count in self._kept if (of := ref()) is not None and of.ready]
            self._kept = deque([*known, (weakref.ref(frames), pixels)])
            held = sum(count for _, count in self._kept)
            while held > self._keep and len(self._kept) > 1:
                held -= self._release_oldest()
        self._freed.put(0)  # who waits may have them released now

    def _take(self, pixels: int, seconds: float) -> int:
        """Wait for room, those who came before first; return the pixels that were taken."""
        pixels = min(pixels, self._most)
        until = monotonic() + seconds
        if not self._turn.acquire(timeout=seconds):
            raise self._busy()
        try:
            self._settle()
            while self._held + pixels > self._most:
                with self._keeping:
                    while self._held + pixels > self._most and self._kept:
                        self._release_oldest()
                        self._settle()
                if self._held + pixels > self._most:
                    self._held -= self._freed.get(timeout=max(0.0, until - monotonic()))
            self._held += pixels
        except Empty:
            raise self._busy() from None
        finally:
            self._turn.release()
        return pixels

    def _settle(self) -> None:
        """Take note of what was freed."""
        while True:
            try:
                self._held -= self._freed.get_nowait()
            except Empty:
                return

    def _release_oldest(self) -> int:
        ref, count = self._kept.popleft()
        if (frames := ref()) is not None:
            frames.release()
        return count

    def _busy(self) -> MediaError:
        return MediaError("timeout", f"{self._most} pixels of other pictures are decoded already")


@cache
def get_pixel_pool() -> PixelPool:
    """Return the process's pool."""
    return PixelPool(max(MOST_PIXELS, A_CORE * (os.cpu_count() or 1)))


if hasattr(os, "register_at_fork"):  # what is decoded in the parent is none of the child's
    os.register_at_fork(after_in_child=get_pixel_pool.cache_clear)
