"""Cuts an MPEG transport stream into its fragments while it comes in (`fragment.py` says what those are).

A fragment begins with the packet in which a picture begins that needs no other (`random_access_indicator`), and ends before the
next one. Sound that belongs to it may come before and after. Sources: ISO/IEC 13818-1 (packets, tables of programs, clocks).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from guardrails.media.fragments.fragment import Fragment, UncuttableFilm
from guardrails.media.fragments.keyframes import PEEK, STREAMS, Anew, common_parameters
from guardrails.media.video.file_type import PACKET

PROGRAMS: Final = 0
"""Where the table of programs stands."""

TABLES: Final = frozenset((*range(1, 0x20), 0x1FFF))
"""Where tables stand that say nothing of pictures and sound, and packets that are empty."""

SOUND: Final = frozenset((0x03, 0x04, 0x0F, 0x11, 0x81, 0x87))
"""Types of tracks of sound: MPEG, AAC and AC-3."""

TICKS: Final = 90
"""Of the clock, in a millisecond."""

ROUND: Final = 1 << 33
"""Ticks after which the clock begins anew."""


@dataclass(slots=True)
class OpenFragment:
    """The fragment that is not at its end: where it begins, when its pictures are shown, and what is not over yet."""

    start: int
    begin_ms: float | None = None
    end_ms: float | None = None
    random_ms: float | None = None
    frames: int = 0
    peeked: bytearray = field(default_factory=bytearray)
    """The first bytes of its pictures."""
    places: dict[int, list[int]] = field(default_factory=dict)
    """Of each track of sound, the packets of what began last."""

    def take(self, shown_ms: float, until_ms: float, *, random: bool) -> None:
        """Take a picture."""
        self.random_ms = shown_ms if random else self.random_ms
        self.begin_ms = shown_ms if self.begin_ms is None else min(self.begin_ms, shown_ms)
        self.end_ms = until_ms if self.end_ms is None else max(self.end_ms, until_ms)
        self.frames += 1


class TsCutter:
    """Cuts a transport stream."""

    def __init__(self) -> None:
        self.head = b""
        self._kept = b""
        self._at = 0
        self._tables: dict[int, bytes] = {}
        """What the tables say, by where they stand."""
        self._packets: dict[int, bytes] = {}
        self._program = self._pictures = -1
        self._sounds: frozenset[int] = frozenset()
        self._open = OpenFragment(0)
        self._anew: Anew = STREAMS[0x1B]
        self._said: bytes | None = None
        self._ticks: int | None = None
        self._passed = self._step = 0

    def feed(self, data: bytes) -> Iterator[Fragment]:
        """Take what comes."""
        data = self._kept + data
        whole = len(data) - len(data) % PACKET
        for at in range(0, whole, PACKET):
            found = self._packet(data[at : at + PACKET])
            if found is not None:
                yield found
            self._at += PACKET
        self._kept = data[whole:]

    def close(self) -> Fragment | None:
        """Give the last fragment."""
        if self._kept or not self.head or not self._open.frames:
            raise UncuttableFilm("it breaks off")
        return self._close_fragment()

    def _packet(self, packet: bytes) -> Fragment | None:
        """Take a packet; return the fragment that ends before it, if one does."""
        if packet[0] != 0x47 or packet[1] & 0x80 or packet[3] & 0xC0:
            raise UncuttableFilm("its packets are damaged or encrypted")
        number, begins = (packet[1] & 0x1F) << 8 | packet[2], bool(packet[1] & 0x40)
        adapted, filled = bool(packet[3] & 0x20), bool(packet[3] & 0x10)
        payload = packet[5 + packet[4] :] if adapted else packet[4:]
        if number in (PROGRAMS, self._program):
            self._table(number, packet, payload if begins else b"")
        elif number == self._pictures:
            random = adapted and packet[4] > 0 and bool(packet[5] & 0x40)
            found = self._begin_picture(payload, random=random) if begins and filled else None
            if filled and len(self._open.peeked) < PEEK:
                self._open.peeked += payload
            return found
        elif number in self._sounds:
            if begins:
                self._open.places[number] = []
            self._open.places.setdefault(number, []).append(self._at)
        elif number not in TABLES:
            raise UncuttableFilm("it has packets that no table tells of")
        return None

    def _table(self, number: int, packet: bytes, payload: bytes) -> None:
        """Take a table, which says the same each time."""
        start = 1 + payload[0] if payload else 0
        size = int.from_bytes(payload[start + 1 : start + 3]) & 0xFFF
        said = payload[start : start + 3 + size]
        if not payload or size < 9 or len(said) < 3 + size or self._tables.get(number, said) != said:
            raise UncuttableFilm("its tables are malformed, or change")
        if number in self._tables:
            return
        self._tables[number], self._packets[number] = said, packet
        if number == PROGRAMS:
            rows = [said[at : at + 4] for at in range(8, 3 + size - 4, 4)]
            programs = [row for row in rows if row[:2] != b"\0\0"]
            if len(programs) != 1:
                raise UncuttableFilm("it has more than one program, or none")
            self._program = int.from_bytes(programs[0][2:]) & 0x1FFF
            return
        self._tracks(said[12 + (int.from_bytes(said[10:12]) & 0xFFF) : -4])
        self.head = self._packets[PROGRAMS] + packet

    def _tracks(self, rows: bytes) -> None:
        kinds: dict[int, int] = {}
        while rows:
            kinds[int.from_bytes(rows[1:3]) & 0x1FFF] = rows[0]
            rows = rows[5 + (int.from_bytes(rows[3:5]) & 0xFFF) :]
        pictures = [number for number, kind in kinds.items() if kind in STREAMS]
        if len(pictures) != 1 or not SOUND.union(STREAMS).issuperset(kinds.values()):
            raise UncuttableFilm(
                "it has more than one track of pictures, or something else than pictures and sound"
            )
        self._anew = STREAMS[kinds[pictures[0]]]
        self._pictures, self._sounds = pictures[0], frozenset(kinds).difference(pictures)

    def _begin_picture(self, payload: bytes, *, random: bool) -> Fragment | None:
        """Take the beginning of a picture; return the fragment before it, if one ends here."""
        times = _times(payload)
        if times is None:
            if random or self._ticks is None:
                raise UncuttableFilm("a picture that needs no other does not say when it is shown")
            self._open.frames += 1
            return None
        shown, decoded = times
        if self._ticks is None and not random:
            raise UncuttableFilm("its first picture needs others")
        ahead = 0 if self._ticks is None else (decoded - self._ticks) % ROUND
        late = (shown - decoded) % ROUND
        if max(ahead, late) > ROUND // 2:
            raise UncuttableFilm("its clock goes back")
        self._ticks, self._passed, self._step = decoded, self._passed + ahead, ahead or self._step
        found = self._close_fragment() if random and self._open.frames else None
        shown_ms = (self._passed + late) / TICKS
        self._open.take(shown_ms, shown_ms + self._step / TICKS, random=random)
        return found

    def _close_fragment(self) -> Fragment:
        """Return the fragment that ends here, and begin the next one."""
        was, self._open = self._open, OpenFragment(self._at)
        said = None if was.random_ms is None else self._anew(bytes(was.peeked))
        if said is None:
            was.random_ms = None
            if was.start == 0:
                raise UncuttableFilm("its first picture needs others")
        self._said = common_parameters(self._said, said)
        places = sorted(at for some in was.places.values() for at in some)
        return Fragment(
            was.start, self._at, was.start, was.begin_ms, was.end_ms, was.random_ms, was.frames,
            open=tuple((at, at + PACKET) for at in places),
        )  # fmt: skip


def _times(payload: bytes) -> tuple[int, int] | None:
    """Return when a picture is shown and when it is decoded, in ticks; None where it does not say it."""
    if payload[:3] != b"\0\0\1" or len(payload) < 9:
        raise UncuttableFilm("a picture begins with no head")
    flags = payload[7] >> 6
    if not flags & 2:
        return None
    if len(payload) < (19 if flags == 3 else 14):
        raise UncuttableFilm("the head of a picture is cut off")
    shown = _time(payload, 9)
    return shown, _time(payload, 14) if flags == 3 else shown


def _time(payload: bytes, at: int) -> int:
    """Return one of the times, of which 33 bits stand in five bytes."""
    high, middle, low = (
        payload[at] >> 1 & 7,
        *(int.from_bytes(payload[at + n : at + n + 2]) >> 1 for n in (1, 3)),
    )
    return high << 30 | middle << 15 | low
