"""Cuts a fragmented MP4 film into its fragments while it comes in (`fragment.py` says what those are).

The first boxes (`moov`) say which tracks there are; each `moof` says where the samples of its `mdat` lie, when they are shown,
and which need no other. Sources: ISO/IEC 14496-12 (boxes, runs of samples), and FFmpeg's reader for what that leaves open.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from guardrails.media.fragments.fragment import Fragment, TrackClock, UncuttableFilm
from guardrails.media.fragments.keyframes import PEEK, Anew, common_parameters
from guardrails.media.fragments.mp4_tracks import PICTURES, SOUND, Mp4Track, read_tracks, walk_boxes
from guardrails.media.video.file_end import SPARE

LARGEST: Final = 1 << 23
"""Bytes of a box that is read: of tracks, or of the samples of a fragment."""

BETWEEN: Final = frozenset((b"styp", b"sidx", b"ssix", b"prft", b"emsg", b"free", b"skip", b"mfra"))
"""Boxes beside fragments: types, places, clocks and events, nothing that is shown."""

ROOM: Final = (b"free", b"skip")

NOT_SYNC: Final = 0x10000
"""Bit of a sample's flags: it needs others."""

RUN: Final = ((0x100, 0), (0x200, 1), (0x400, 2), (0x800, 3))
"""Bits of a run, and which field of each sample they stand for: duration, size, flags, and when it is shown."""

MOST: Final = 1 << 16
"""Samples of one run: pictures of a quarter of an hour, at 60 a second."""

MOOF: Final = frozenset((b"mfhd", b"traf", b"free"))
TRAF: Final = frozenset((b"tfhd", b"tfdt", b"trun", b"sdtp", b"sbgp", b"sgpd", b"subs", b"free"))


@dataclass(slots=True)
class MoofSummary:
    """What a `moof` says: where its samples end, where that of the first picture begins, and as `Fragment` has it."""

    until: int = 0
    first: int = 0
    begin_ms: float | None = None
    end_ms: float | None = None
    random_ms: float | None = None
    frames: int = 0
    moved: tuple[int, ...] = ()
    clocks: tuple[TrackClock, ...] = ()


class Mp4Cutter:
    """Cuts a fragmented MP4 film."""

    def __init__(self) -> None:
        self.head = b""
        self._kept = bytearray()
        """The box that is read, or the head of the next one."""
        self._at = 0
        """Where `_kept` begins."""
        self._left = 0
        """Bytes of a box that need not be read."""
        self._then: Callable[[], Iterator[Fragment]] = lambda: iter(())
        """What is done at the end of that box."""
        self._start = 0
        self._first = b""
        self._tracks: dict[int, Mp4Track] = {}
        self._core: int | None = None
        self._moof = MoofSummary()
        self._clock: dict[int, int] = {}
        self._anew: Anew | None = None
        self._peeked = bytearray()
        self._said: bytes | None = None
        self._ended, self._spare = False, 0

    def feed(self, data: bytes) -> Iterator[Fragment]:
        """Take what comes."""
        view = memoryview(data)
        while len(view):
            if self._left:
                passed = min(self._left, len(view))
                self._peek(view[:passed])
                self._left -= passed
                self._at += passed
            else:
                passed = min(self._bytes_needed() - len(self._kept), len(view))
                self._kept += view[:passed]
                if len(self._kept) < self._bytes_needed():
                    view = view[passed:]
                    continue
                self._box()
            view = view[passed:]
            if not self._left:
                yield from self._then()

    def _peek(self, view: memoryview) -> None:
        """Keep what is looked at of the first picture."""
        if self._core is not None and (first := self._moof.first):
            start, end = max(0, first - self._at), max(0, first + PEEK - self._at)
            self._peeked += view[start:end]

    def _bytes_needed(self) -> int:
        """Return how many bytes are needed to go on: the head of a box, or all of one that is read."""
        kept = self._kept
        if len(kept) < 8:
            return 8
        size, kind = int.from_bytes(kept[:4]), bytes(kept[4:8])
        if size == 1:
            return 16
        return size if kind in (b"ftyp", b"moov", b"moof") and 8 <= size <= LARGEST else 8

    def _box(self) -> None:
        """Read a box, or go past it."""
        kept, at = bytes(self._kept), self._at
        size, kind = int.from_bytes(kept[:4]), kept[4:8]
        head = 16 if size == 1 else 8
        size = int.from_bytes(kept[8:16]) if size == 1 else size
        if size < head:
            raise UncuttableFilm("a box has no end")
        read = {b"ftyp": self._ftyp, b"moov": self._moov, b"moof": self._moof_read}.get(kind)
        if read is not None:
            if head != 8 or size > LARGEST:
                raise UncuttableFilm("a box of tracks or samples is too large")
            read(kept)
        elif kind == b"mdat":
            self._mdat(at + head, at + size)
        elif kind not in BETWEEN or self._ended:
            raise UncuttableFilm("it has boxes that are not known")
        self._spare += size * (kind in ROOM)
        if self._spare > SPARE:
            raise UncuttableFilm("much of it has no meaning")
        self._ended = self._ended or kind == b"mfra"
        self._at += len(kept)
        self._kept.clear()
        self._left = size - len(kept)
        self._then = self._done if kind == b"mdat" else lambda: iter(())

    def _ftyp(self, kept: bytes) -> None:
        if self._at:
            raise UncuttableFilm("it begins twice")
        self._first = kept

    def _moov(self, kept: bytes) -> None:
        if self.head:
            raise UncuttableFilm("its tracks are told twice")
        self._tracks, told = read_tracks(kept)
        kinds = [track.kind for track in self._tracks.values()]
        if kinds.count(PICTURES) != 1 or any(kind not in (PICTURES, SOUND) for kind in kinds):
            raise UncuttableFilm(
                "it has more than one track of pictures, or something else than pictures and sound"
            )
        self._anew = next(track.anew for track in self._tracks.values() if track.kind == PICTURES)
        if self._anew is None:
            raise UncuttableFilm("its pictures are coded in a way that is not known here")
        self.head = self._first + told

    def _moof_read(self, kept: bytes) -> None:
        if not self.head or self._core is not None or self._ended:
            raise UncuttableFilm("a fragment stands where none may")
        self._moof, self._core = self._fragment(kept, self._at), self._at

    def _mdat(self, start: int, end: int) -> None:
        if self._core is None:
            raise UncuttableFilm("it has samples outside of fragments")
        if self._moof.until > end:
            raise UncuttableFilm("a sample lies outside of its fragment")

    def _done(self) -> Iterator[Fragment]:
        """Yield the fragment that ends here."""
        core, found = self._core, self._moof
        assert core is not None  # an `mdat` alone is none
        assert self._anew is not None  # what has no such track has no fragments
        if found.random_ms is not None:
            said = self._anew(bytes(self._peeked))
            found.random_ms = None if said is None else found.random_ms
            self._said = common_parameters(self._said, said)
        self._peeked.clear()
        if self._start == 0 and found.random_ms is None:
            raise UncuttableFilm("its first picture needs others")
        yield Fragment(
            self._start, self._at, core,
            found.begin_ms, found.end_ms, found.random_ms, found.frames, found.moved, found.clocks,
        )  # fmt: skip
        self._start, self._core = self._at, None

    def close(self) -> Fragment | None:
        """Give what stands behind the last fragment."""
        if self._kept or self._left or self._core is not None or not self._start:
            raise UncuttableFilm("it breaks off")
        return Fragment(self._start, self._at, self._at) if self._at > self._start else None

    def _fragment(self, kept: bytes, at: int) -> MoofSummary:
        """Return what a `moof` says that begins at a place of the film."""
        found, seen = MoofSummary(until=at + len(kept)), set[int]()
        for kind, start, end in walk_boxes(kept, 8, len(kept)):
            if kind not in MOOF:
                raise UncuttableFilm("a fragment has boxes that are not known")
            if kind == b"traf":
                number = self._traf(kept, start, end, at, found, first=not seen)
                if number in seen:
                    raise UncuttableFilm("a fragment has a track twice")
                seen.add(number)
        return found

    def _traf(self, kept: bytes, start: int, end: int, at: int, found: MoofSummary, *, first: bool) -> int:
        """Take what a fragment has of one track, and return its number."""
        inside = [*walk_boxes(kept, start, end)]
        kinds = [kind for kind, _, _ in inside]
        once = kinds.count(b"tfhd") == kinds.count(b"tfdt") == 1
        if not once or kinds[:1] != [b"tfhd"] or not TRAF.issuperset(kinds):
            raise UncuttableFilm("a fragment does not say what and when its samples are")
        if b"trun" in kinds and kinds.index(b"trun") < kinds.index(b"tfdt"):
            raise UncuttableFilm("a fragment says too late when its samples are")
        try:
            _, where, until = inside[0]
            number, usual, moved = self._tfhd(kept[where:until], where, at, first=first)
            track = self._tracks[number]
            said = next((where, until) for kind, where, until in inside if kind == b"tfdt")
            began = _clock(number, kept[slice(*said)], at + said[0])
            clock = began.value
            if clock < self._clock.get(number, 0):
                raise UncuttableFilm("its clock goes back")
            self._clock[number] = clock
            found.moved += moved
            found.clocks += (began,)
            shown: list[tuple[int, int, int]] = []
            for kind, where, until in inside:
                if kind == b"trun":
                    if track.kind == PICTURES and not shown:
                        found.first = at + int.from_bytes(kept[where + 8 : where + 12])
                    clock = _run(kept, where, until, usual, clock, shown, found, at)
        except (KeyError, struct.error):
            raise UncuttableFilm("a fragment is malformed") from None
        if track.kind == PICTURES and shown:
            _picture_times(found, track, shown)
        return number

    def _tfhd(
        self, said: bytes, where: int, place: int, *, first: bool
    ) -> tuple[int, tuple[int, int, int], tuple[int, ...]]:
        """Return a track's number, what its samples are where their run does not say it, and what says where the fragment is."""
        flags, number = struct.unpack_from(">II", said)
        usual = [*(self._tracks[number].usual or (0, 0, 0))]
        moved: tuple[int, ...] = ()
        at = 8
        if flags & 1:
            if struct.unpack_from(">Q", said, at) != (place,):
                raise UncuttableFilm("a fragment has its samples elsewhere")
            moved = (place + where + at,)
            at += 8
        elif not (flags & 0x20000 or first):
            raise UncuttableFilm("a fragment does not say where its samples are")
        at += 4 * bool(flags & 2)
        for bit, field in ((8, 0), (0x10, 1), (0x20, 2)):
            if flags & bit:
                (usual[field],) = struct.unpack_from(">I", said, at)
                at += 4
        return number, (usual[0], usual[1], usual[2]), moved


def _picture_times(found: MoofSummary, track: Mp4Track, shown: list[tuple[int, int, int]]) -> None:
    """Take when pictures are shown, as (from, until, flags) in ticks."""
    scale = 1_000 / track.ticks
    found.frames = len(shown)
    found.begin_ms = min(start for start, _, _ in shown) * scale
    found.end_ms = max(end for _, end, _ in shown) * scale
    first, _, flags = shown[0]
    found.random_ms = None if flags & NOT_SYNC else first * scale


def _clock(track: int, said: bytes, place: int) -> TrackClock:
    size = 8 if said[:1] == b"\1" else 4
    (value,) = struct.unpack_from(">Q" if size == 8 else ">I", said, 4)
    return TrackClock(track, place + 4, size, value)


def _run(
    kept: bytes,
    at: int,
    end: int,
    usual: tuple[int, int, int],
    clock: int,
    shown: list[tuple[int, int, int]],
    found: MoofSummary,
    place: int,
) -> int:
    """Take the samples of a run, the first of which is decoded at `clock`, and return when what follows it is."""
    version_flags, count, offset = struct.unpack(">IIi", kept[at:end][:12])
    long, flags = version_flags >> 24, version_flags & 0xFFFFFF
    if not flags & 1 or offset < int.from_bytes(kept[:4]) + 8:
        raise UncuttableFilm("a run does not say where its samples are")
    rows_at = at + 12 + (4 if flags & 4 else 0)
    fields = [field for bit, field in RUN if flags & bit]
    rows = kept[rows_at : rows_at + 4 * len(fields) * count]
    if count > MOST or rows_at + 4 * len(fields) * count > end:
        raise UncuttableFilm("a run is cut off, or too long")
    said = struct.iter_unpack(f">{len(fields)}I", rows) if fields else ((),) * count
    for number, row in enumerate(said):
        sample = [*usual, 0]
        for field, value in zip(fields, row, strict=True):
            sample[field] = value
        if number == 0 and flags & 4:
            (sample[2],) = struct.unpack_from(">I", kept, at + 12)
        late = sample[3] - (1 << 32) if long and sample[3] >> 31 else sample[3]
        shown.append((clock + late, clock + late + sample[0], sample[2]))
        clock += sample[0]
        offset += sample[1]
    found.until = max(found.until, place + offset)
    return clock
