"""Fragments of a film: where each lies among the bytes that came, when it is shown, and shorter films that are made of some.

Nothing is decoded, and of what comes only the boxes and packets are kept that say what a fragment is: fragments are places,
whoever cuts keeps the bytes. Some fragments behind each other make a film of their own (`shorten_film`): behind the `head`,
without the tables of places, which say where fragments lie that are left out, and with no length of the whole film.

What a player could read in another way than who judges, or could not be judged piece by piece, is refused (`UncuttableFilm`):
samples that lie outside of their own fragment, encryption, texts, several tracks of pictures, and whatever is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Final, Protocol

AT_ONCE: Final = 1 << 20
"""Bytes that are read at once."""


class UncuttableFilm(Exception):
    """Why a film, or the rest of it, cannot be cut: it is to be judged as a whole."""


@dataclass(frozen=True, slots=True)
class TrackClock:
    """A number that says when a track goes on, and where it stands: at a place, in so many bytes."""

    track: int
    at: int
    size: int
    value: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a film, `[start, end)` among its bytes, that goes out at once.

    `core` is where that begins which a decoder needs. `begin_ms` and `end_ms` are when its pictures are shown, by the clock of
    the film, None where it has none. `random_ms` is when the first one is, where that needs no picture before it; a picture of
    this or of a later fragment that is shown before it might. `frames` are its pictures.

    What is written anew in a shorter film: `moved`, the places of eight bytes that say where `core` is; `clocks`; and `open`,
    packets at its end of something that goes on behind it, as (from, until), which are left out where nothing comes behind it.
    """

    start: int
    end: int
    core: int
    begin_ms: float | None = None
    end_ms: float | None = None
    random_ms: float | None = None
    frames: int = 0
    moved: tuple[int, ...] = ()
    clocks: tuple[TrackClock, ...] = ()
    open: tuple[tuple[int, int], ...] = ()


def shorten_film(
    source: IO[bytes], head: bytes, fragments: Sequence[Fragment], *, closed: bool
) -> Iterator[bytes]:
    """Yield, piece by piece, some fragments of a film, the first of which needs none before it, as a film in which each track
    begins at once; `closed`: the film ends with them, too.
    """
    yield head
    at, first = len(head), dict[int, int]()
    for each in fragments:
        new = {place: (place + 8, at.to_bytes(8)) for place in each.moved}
        for clock in each.clocks:
            since = clock.value - first.setdefault(clock.track, clock.value)
            new[clock.at] = (clock.at + clock.size, since.to_bytes(clock.size))
        if each is fragments[-1] and not closed:
            new |= {start: (end, b"") for start, end in each.open}
        done = each.core
        for start, (end, said) in sorted(new.items()):
            yield from _read(source, done, start)
            yield said
            at, done = at + start - done + len(said), end
        yield from _read(source, done, each.end)
        at += each.end - done


def _read(source: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    source.seek(start)
    while start < end:
        some = source.read(min(AT_ONCE, end - start))
        if not some:
            raise EOFError("the file ends before its fragment")
        yield some
        start += len(some)


class FragmentCutter(Protocol):
    """What cuts films of one kind."""

    head: bytes
    """What stands before each shorter film; empty as long as nothing can be cut."""

    def feed(self, data: bytes) -> Iterable[Fragment]:
        """Take what comes, and give the fragments that are all there by now; raises `UncuttableFilm`."""
        ...

    def close(self) -> Fragment | None:
        """Give what is left at the end, if anything is; raises `UncuttableFilm` where something is missing."""
        ...
