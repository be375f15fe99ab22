"""Reads the tracks of a fragmented MP4 film from its `moov` box, and clears the lengths in that.

Sources: ISO/IEC 14496-12 (boxes), 14496-15 (what stands before pictures of H.264 and H.265).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from guardrails.media.fragments.fragment import UncuttableFilm
from guardrails.media.fragments.keyframes import SAMPLES, Anew

PICTURES, SOUND = b"vide", b"soun"

PICTURE: Final = 78
"""Bytes of what is said of each sample of a picture before the boxes that say more."""

ELSEWHERE: Final = (b"url ", b"alis", b"rsrc")
"""What QuickTime's files say of where samples lie, in a box that is called as that of a track's kind."""

DEEP: Final = 4
"""Boxes of a track around one that says something: its media, what that needs, the table of samples."""

INSIDE: Final = frozenset((b"trak", b"mdia", b"minf", b"stbl", b"mvex"))
LENGTHS: Final[Mapping[bytes, tuple[int, int]]] = MappingProxyType(
    {b"mvhd": (16, 24), b"tkhd": (20, 28), b"mdhd": (16, 24)}
)
"""Where boxes say how long the whole film is, behind their head: in the short form and in the long one."""


@dataclass(slots=True)
class Mp4Track:
    """A track: its number, its kind, ticks a second, what tells that decoding can begin with a sample, and what samples are where
    nothing else is said: duration, size, flags.
    """

    number: int = 0
    kind: bytes = b""
    ticks: int = 0
    anew: Anew | None = None
    usual: tuple[int, int, int] | None = None


def walk_boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes in a part of a box: type, and where what is in each begins and ends."""
    while at < end:
        if end - at < 8:
            raise UncuttableFilm("a box is cut off")
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if size < 8 or at + size > end:  # large ones, and those without an end, are of no use in here
            raise UncuttableFilm("a box does not fit into the one around it")
        yield kind, at + 8, at + size
        at += size


def read_tracks(moov: bytes) -> tuple[dict[int, Mp4Track], bytes]:
    """Return the tracks of a `moov` by number, and the same box without lengths of the film.

    Raises:
        Uncut: it is no fragmented film, has samples of its own, or says something twice.
    """
    told = bytearray(moov)
    found: dict[int, Mp4Track] = {}
    usual: dict[int, tuple[int, int, int]] = {}
    try:
        for number, track in _read_moov(moov, 8, len(moov), told, usual):
            if number in found or not track.kind or not track.ticks:
                raise UncuttableFilm("its tracks are told twice, or not whole")
            found[number] = track
    except (IndexError, struct.error):
        raise UncuttableFilm("its tracks are malformed") from None
    if not usual or usual.keys() != found.keys():
        raise UncuttableFilm("it is not made of fragments")
    for number, track in found.items():
        track.usual = usual[number]
    return found, bytes(told)


def _read_moov(
    moov: bytes, at: int, end: int, told: bytearray, usual: dict[int, tuple[int, int, int]]
) -> Iterator[tuple[int, Mp4Track]]:
    for kind, start, until in walk_boxes(moov, at, end):
        if kind == b"trak":
            yield _track(moov, start, until, told)
        elif kind == b"mvex":
            for inner, where, _ in walk_boxes(moov, start, until):
                if inner == b"trex":
                    number, _, *fields = struct.unpack_from(">5I", moov, where + 4)
                    if number in usual:
                        raise UncuttableFilm("its tracks are told twice")
                    usual[number] = (fields[0], fields[1], fields[2])
        elif kind in LENGTHS:
            _clear_length(moov, kind, start, told)


def _track(moov: bytes, at: int, end: int, told: bytearray) -> tuple[int, Mp4Track]:
    """Return a track and its number."""
    track, seen = Mp4Track(), list[bytes]()
    for kind, start, until in _deep(moov, at, end):
        if kind in LENGTHS:
            _clear_length(moov, kind, start, told)
        if kind == b"hdlr" and moov[start + 8 : start + 12] in ELSEWHERE:
            continue
        if kind in FACTS:
            FACTS[kind](track, moov, start, until)
            seen.append(kind)
    if len(seen) != len(set(seen)):
        raise UncuttableFilm("its tracks are told twice")
    return track.number, track


def _number(track: Mp4Track, moov: bytes, at: int, end: int) -> None:
    (track.number,) = struct.unpack_from(">I", moov, at + (20 if moov[at] == 1 else 12))


def _ticks(track: Mp4Track, moov: bytes, at: int, end: int) -> None:
    (track.ticks,) = struct.unpack_from(">I", moov, at + (20 if moov[at] == 1 else 12))


def _kind(track: Mp4Track, moov: bytes, at: int, end: int) -> None:
    track.kind = moov[at + 8 : at + 12]


def _samples(track: Mp4Track, moov: bytes, at: int, end: int) -> None:
    if struct.unpack_from(">I", moov, at + 8)[0]:
        raise UncuttableFilm("it has samples outside of fragments")


def _coding(track: Mp4Track, moov: bytes, at: int, end: int) -> None:
    track.anew = _keyframe_test(moov, at, end)


FACTS: Final[Mapping[bytes, Callable[[Mp4Track, bytes, int, int], None]]] = MappingProxyType(
    {
        b"tkhd": _number,
        b"mdhd": _ticks,
        b"hdlr": _kind,
        b"stsd": _coding,
        b"stsz": _samples,
        b"stz2": _samples,
    }
)
"""What the boxes of a track say."""


def _keyframe_test(moov: bytes, at: int, end: int) -> Anew | None:
    """Return what tells that decoding can begin with a sample, None where that is not known."""
    entries = [*walk_boxes(moov, at + 8, end)]
    if len(entries) != 1 or entries[0][0] not in SAMPLES:
        return None
    kind, start, until = entries[0]
    name, where, tells = SAMPLES[kind]
    found = [inner for box, inner, _ in walk_boxes(moov, start + PICTURE, until) if box == name]
    return tells((moov[found[0] + where] & 3) + 1) if len(found) == 1 else None


def _deep(moov: bytes, at: int, end: int, deep: int = DEEP) -> Iterator[tuple[bytes, int, int]]:
    if not deep:
        raise UncuttableFilm("its boxes stand too deep in one another")
    for kind, start, until in walk_boxes(moov, at, end):
        if kind in INSIDE:
            yield from _deep(moov, start, until, deep - 1)
        else:
            yield kind, start, until


def _clear_length(moov: bytes, kind: bytes, at: int, told: bytearray) -> None:
    """Clear the length that a box says."""
    short, long = LENGTHS[kind]
    where, size = (long, 8) if moov[at] == 1 else (short, 4)
    told[at + where : at + where + size] = bytes(size)
