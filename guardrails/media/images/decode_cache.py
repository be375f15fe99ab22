"""Remembers what decoding a file told by the file's digest, so that decoding it again can wait.

A conversation comes again with each turn, with all its pictures, and of those a cache has what every detector found. So a file
that was decoded before, under the same limits, is not decoded before detectors are asked: its frames are `LazySequence`. Whoever
wants one has all decoded then, or gets the error that the decoder raises: nobody can mistake them for frames that were looked at.
So are frames of pictures whose pixels count (`pixel_pool.py`), which are dropped and decoded again as room is needed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar, overload

from guardrails.fork_safety import fork_safe_lock
from guardrails.media.errors import MediaError
from guardrails.media.limits import PictureLimits

T = TypeVar("T")

REMEMBERED: Final = 1_024
"""Files that one guard remembers at most."""

Key = tuple[str, PictureLimits]
"""The digest of a file, and under which limits it was decoded."""


class DecodedShape(NamedTuple):
    """What the decoding of a file told besides its pixels."""

    width: int
    height: int
    frames: int
    alpha: bool
    animated: bool


class ShapeCache:
    """What was decoded lately; the least recently used go first. Safe to share by threads."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most, self._share = most, 1.0
        self._by_key: OrderedDict[Key, DecodedShape] = OrderedDict()
        self._lock = fork_safe_lock()

    def hold(self, share: float) -> None:
        """Hold at most that share of the files from now on."""
        with self._lock:
            self._share = share
            self._trim()

    def get(self, key: Key) -> DecodedShape | None:
        """Return what is known of a file."""
        with self._lock:
            found = self._by_key.get(key)
            if found is not None:
                self._by_key.move_to_end(key)
            return found

    def add(self, key: Key, shape: DecodedShape) -> None:
        """Remember a file that was decoded."""
        with self._lock:
            self._by_key[key] = shape
            self._by_key.move_to_end(key)
            self._trim()

    def _trim(self) -> None:
        while len(self._by_key) > self._most * self._share:
            self._by_key.popitem(last=False)


class LazySequence(Sequence[T]):
    """So many things that are made when somebody wants one of them; safe to share by threads. They are kept until they are
    released, and made again by who wants them after that.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[], Sequence[T]],
        made: Sequence[T] | None = None,
        keep: Callable[[LazySequence[T], Sequence[T]], None] = lambda _, made: None,
    ) -> None:
        """Take how many there are, and what makes them, or `made` them; `keep` is called with these whenever they are kept."""
        self._count, self._make = count, make
        self._made = made
        self._keep = keep
        self._lock = fork_safe_lock()
        if made is not None:
            keep(self, made)

    def __len__(self) -> int:
        return self._count

    @property
    def ready(self) -> bool:
        """Whether they are kept."""
        return self._made is not None

    def release(self) -> None:
        """Keep them no longer; those who have them still do."""
        self._made = None

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        """Return some of them; raises `MediaError` where they are not as many as there were, and whatever making them does."""
        return self._all()[at]

    def __iter__(self) -> Iterator[T]:
        """Yield all of them, made once; raises likewise."""
        return iter(self._all())

    def _all(self) -> Sequence[T]:
        with self._lock:
            made = self._made  # which may be released at any time
            if made is None:
                made = self._make()
                if len(made) != self._count:
                    raise MediaError("undecodable", "the decoder gives another number of frames than before")
                self._made = made
                self._keep(self, made)
        return made
