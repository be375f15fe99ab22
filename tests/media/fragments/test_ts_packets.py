"""Transport streams: what is not certain to be judged as players show it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from guardrails.media.fragments.fragment import Fragment, UncuttableFilm
from guardrails.media.fragments.ts_packets import ROUND, TICKS, TsCutter
from guardrails.media.video.file_type import PACKET
from tests.cases import each_case
from tests.films import film, scene, tone

DATA = film(scene(30, size=(120, 80)), "ts", fps=10, g="10", sound=tone(3.0), woven=True)
PICTURES, SOUND, TABLE = 0x100, 0x101, 0x1000


def packets(data: bytes = DATA) -> Iterator[tuple[int, int, bool]]:
    """Yield where each packet of a stream begins, whose it is, and whether something begins in it."""
    for at in range(0, len(data), PACKET):
        yield at, int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF, bool(data[at + 1] & 0x40)


def first(number: int, *, begins: bool = True, nth: int = 0) -> int:
    """Return where a packet of a track or table begins."""
    return [at for at, of, begun in packets() if of == number and begun == begins][nth]


def put(where: int, new: bytes) -> bytes:
    """Return a stream with other bytes at a place."""
    return DATA[:where] + new + DATA[where + len(new) :]


def cut(data: bytes) -> list[Fragment]:
    """Return the fragments of a stream."""
    cutter = TsCutter()
    found = [*cutter.feed(data)]
    last = cutter.close()
    return found if last is None else [*found, last]


def later(ticks: int) -> bytes:
    """Return a stream whose pictures are all shown so much later, by a clock that begins anew."""
    data = bytearray(DATA)
    for at, of, begins in packets():
        if of == PICTURES and begins:
            payload = at + 5 + data[at + 4] if data[at + 3] & 0x20 else at + 4
            for place in (payload + 9, payload + 14)[: 1 + (data[payload + 7] >> 6 == 3)]:
                bits = int.from_bytes(data[place : place + 5])
                time = (bits >> 33 & 7) << 30 | (bits >> 17 & 0x7FFF) << 15 | bits >> 1 & 0x7FFF
                time = (time + ticks) % ROUND
                bits = (bits >> 36 << 36) | (time >> 30) << 33 | 1 << 32 | (time >> 15 & 0x7FFF) << 17
                data[place : place + 5] = (bits | 1 << 16 | (time & 0x7FFF) << 1 | 1).to_bytes(5)
    return bytes(data)


@each_case("ticks", [0, 5_000_000, ROUND - 200_000, ROUND - 300_000])
def test_the_clock_of_a_stream_may_begin_anew(ticks: int) -> None:
    """Time goes on: fragments say what has passed since the first picture."""
    times = [(round(each.begin_ms or 0), round(each.end_ms or 0)) for each in cut(later(ticks))]
    assert times == [(0, 1_000), (1_000, 2_000), (2_000, 3_000)]
    assert TICKS * 3_000 < ROUND


def test_fragments_begin_with_pictures_that_need_no_other() -> None:
    """What is sent of a sound until then belongs to the one before."""
    found = cut(DATA)
    assert [each.frames for each in found] == [10, 10, 10]
    begun = [at for at, of, _ in packets() if of == PICTURES and DATA[at + 3] & 0x20 and DATA[at + 5] & 0x40]
    assert [each.start for each in found] == [0, *begun[1:]]
    assert all(each.random_ms == each.begin_ms for each in found)


def test_what_of_a_sound_is_not_over_is_known() -> None:
    """The packets since something of it began last, so that it can be left out at an end."""
    for each in cut(DATA):
        own = [(at, begins) for at, of, begins in packets() if of == SOUND and each.start <= at < each.end]
        last = max(number for number, (_, begins) in enumerate(own) if begins)
        assert each.open == tuple((at, at + PACKET) for at, _ in own[last:])


CASES: dict[str, Callable[[], bytes]] = {
    "a packet that is none": lambda: put(10 * PACKET, b"H"),
    "a packet that is damaged": lambda: put(10 * PACKET + 1, b"\x80"),
    "a packet that is encrypted": lambda: put(10 * PACKET + 3, b"\xd0"),
    "a packet of a track that no table has": lambda: put(first(SOUND) + 1, b"\x44\x44"),
    "pictures before tables": lambda: DATA[first(PICTURES) :],
    "another table of programs": lambda: put(first(0, nth=1) + 14, b"\7"),
    "another table of tracks": lambda: put(first(TABLE, nth=1) + 17, b"\7"),
    "two tracks of pictures": lambda: put(first(TABLE) + 22, b"\x1b"),
    "a track of something else": lambda: put(first(TABLE) + 22, b"\6"),
    "no program": lambda: put(first(0) + 13, b"\0\0"),
    "a table that is cut off": lambda: put(first(TABLE) + 7, b"\xff"),
    "a table that is too small": lambda: put(first(TABLE) + 7, b"\1"),
    "a table that goes on": lambda: put(first(TABLE) + 1, b"\x10"),
    "a picture without a head": lambda: put(_payload(0), b"abc"),
    "a picture that does not say when": lambda: put(_payload(0) + 7, b"\0"),
    "a clock that goes back": lambda: put(_payload(10) + 9, b"\x21\0\1\0\1") if DATA[_payload(10) + 7] >> 6 == 2 else b"",
    "a first picture that needs others": lambda: put(first(PICTURES) + 5, b"\x10"),
    "something that breaks off": lambda: DATA[:-5],
    "tables alone": lambda: DATA[: first(PICTURES)],
}  # fmt: skip


def _payload(number: int) -> int:
    at = first(PICTURES, nth=number)
    return at + 5 + DATA[at + 4] if DATA[at + 3] & 0x20 else at + 4


@each_case("case", CASES)
def test_what_is_odd_is_refused(case: str) -> None:
    """Two readers might not read the same in it."""
    data = CASES[case]()
    assert data != DATA
    assert data
    with pytest.raises(UncuttableFilm):
        cut(data)


def test_a_picture_that_is_wrongly_said_to_need_no_other_begins_nothing() -> None:
    """What it is decides."""
    where = DATA.index(b"\0\0\1\x65", first(PICTURES, nth=10)) + 3
    assert [each.random_ms is not None for each in cut(put(where, b"\x41"))] == [True, False, True]
    with pytest.raises(UncuttableFilm, match="first picture"):
        cut(put(DATA.index(b"\0\0\1\x65") + 3, b"\x41"))
