"""MP4 films of fragments: what is not certain to be judged as players show it is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails.media.fragments.fragment import UncuttableFilm
from guardrails.media.fragments.mp4_boxes import LARGEST, Mp4Cutter
from guardrails.media.video.file_end import SPARE
from tests.cases import each_case
from tests.films import FRAGMENTS, film, scene

DATA = film(scene(30, size=(120, 80)), fps=10, g="10", packed=FRAGMENTS)
OLD = film(scene(30, size=(120, 80)), fps=10, g="10", packed={"movflags": "frag_keyframe+empty_moov"})


def at(kind: bytes, data: bytes = DATA, number: int = 0) -> int:
    """Return where the box of a type begins that is the first, or a later one."""
    found = -1
    for _ in range(number + 1):
        found = data.index(kind, found + 1)
    return found - 4


def put(where: int, new: bytes, data: bytes = DATA) -> bytes:
    """Return a film with other bytes at a place."""
    return data[:where] + new + data[where + len(new) :]


def without(kind: bytes, number: int = 0) -> bytes:
    """Return a film in which a box inside of others has another type."""
    return put(at(kind, number=number) + 4, b"free")


def box(kind: bytes, content: bytes = b"") -> bytes:
    """Return a box."""
    return (8 + len(content)).to_bytes(4) + kind + content


def longer(offset: int) -> bytes:
    """Return a film whose second run says that its samples begin so much later."""
    where = at(b"trun", number=1) + 16
    return put(where, (int.from_bytes(DATA[where : where + 4]) + offset).to_bytes(4))


def shown(number: int) -> int:
    """Return where the slice of the first picture of a fragment begins."""
    where = at(b"mdat", number=number) + 8
    while DATA[where + 4] & 0x1F != 5:
        where += 4 + int.from_bytes(DATA[where : where + 4])
    return where + 4


def ended(data: bytes) -> int:
    """Return how many fragments a film has."""
    cutter = Mp4Cutter()
    found = [*cutter.feed(data)]
    last = cutter.close()
    return len(found) + (last is not None)


MFRA = at(b"mfra")


@each_case(
    ("data", "count"),
    [
        (DATA, 4),
        (OLD, 4),
        (DATA[:MFRA], 3),
        (DATA[:MFRA] + box(b"free", b"x"), 4),
        (DATA[: at(b"moof", number=1)] + box(b"styp", b"isom") + box(b"sidx") + box(b"emsg", b"x") + DATA[at(b"moof", number=1) : MFRA], 3),
        (DATA[: at(b"moof", number=1)] + box(b"free") * 900 + DATA[at(b"moof", number=1) : MFRA], 3),
    ],
    ids=["as it is", "places of the file", "no index", "something behind", "boxes between", "many"],
)  # fmt: skip
def test_what_stands_beside_fragments_goes_out_with_them(data: bytes, count: int) -> None:
    """What a film says of itself, tables of places, events."""
    assert ended(data) == count


CASES: dict[str, Callable[[], bytes]] = {
    "a box that is not known": lambda: DATA[:MFRA] + box(b"uuid", bytes(16)),
    "much without a meaning": lambda: DATA[:MFRA] + box(b"free", bytes(SPARE)),
    "texts at the end": lambda: DATA[:MFRA] + box(b"udta"),
    "tracks twice": lambda: DATA[: at(b"moof")] + DATA[at(b"moov") : at(b"moof")] + DATA[at(b"moof") :],
    "tracks again later": lambda: DATA[:MFRA] + DATA[at(b"moov") : at(b"moof")],
    "a beginning twice": lambda: DATA[:MFRA] + DATA[: at(b"moov")],
    "samples before fragments": lambda: DATA[: at(b"moof")] + box(b"mdat", b"x") + DATA[at(b"moof") :],
    "samples without a fragment": lambda: DATA[:MFRA] + box(b"mdat", b"x"),
    "a fragment without samples": lambda: DATA[: at(b"mdat")] + DATA[at(b"moof", number=1) :],
    "no tracks": lambda: DATA[: at(b"moov")] + DATA[at(b"moof") :],
    "a box without an end": lambda: put(at(b"mdat"), bytes(4)),
    "a box that is too small": lambda: put(at(b"mdat"), (7).to_bytes(4)),
    "a fragment's box that is too large": lambda: put(at(b"moof"), (LARGEST + 1).to_bytes(4)),
    "a box that is larger than the one around it": lambda: put(at(b"traf"), (1 << 20).to_bytes(4)),
    "samples that end behind their fragment": lambda: longer(1),
    "samples that begin in the fragment's head": lambda: longer(-1),
    "samples of another fragment": lambda: put(at(b"trun", number=1) + 16, (-9_000 & 0xFFFFFFFF).to_bytes(4)),
    "samples at a place of the file that is not the fragment's": lambda: put(at(b"tfhd", OLD, 1) + 16, bytes(8), OLD),
    "no place of samples": lambda: put(at(b"trun") + 11, b"\4"),
    "no clock": lambda: without(b"tfdt"),
    "no head of a track": lambda: without(b"tfhd"),
    "a clock that goes back": lambda: put(at(b"tfdt", number=2) + 12, bytes(8)),
    "a track that nobody knows": lambda: put(at(b"tfhd") + 12, (9).to_bytes(4)),
    "more samples than a run has": lambda: put(at(b"trun") + 12, (1 << 16).to_bytes(4)),
    "a first picture that needs others": lambda: put(at(b"trun") + 20, (0x10000).to_bytes(4)),
    "encryption": lambda: put(at(b"tfdt") + 4, b"senc"),
    "something that breaks off": lambda: DATA[: MFRA - 3],
    "a head alone": lambda: DATA[: at(b"moof")],
}  # fmt: skip


@each_case("case", CASES)
def test_what_is_odd_is_refused(case: str) -> None:
    """Two readers might not read the same in it."""
    data = CASES[case]()
    assert data != DATA
    with pytest.raises(UncuttableFilm):
        ended(data)


def test_a_picture_that_is_wrongly_said_to_need_no_other_begins_nothing() -> None:
    """What it is decides."""
    found = [*Mp4Cutter().feed(put(shown(1), b"\x41"))]
    assert [each.random_ms is not None for each in found] == [True, False, True]
    with pytest.raises(UncuttableFilm, match="first picture"):
        ended(put(shown(0), b"\x41"))


def test_fragments_are_given_once_they_are_there() -> None:
    """Not later: nothing has to come behind one."""
    cutter = Mp4Cutter()
    end = at(b"moof", number=1)
    assert [*cutter.feed(DATA[: end - 1])] == []
    (first,) = cutter.feed(DATA[end - 1 : end])
    assert (first.start, first.end, first.frames) == (0, end, 10)
    assert DATA[first.core + 4 : first.core + 8] == b"moof"
