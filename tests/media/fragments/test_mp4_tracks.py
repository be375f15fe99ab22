"""What a film of fragments says of its tracks."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import pytest

from guardrails.media.fragments.fragment import UncuttableFilm
from guardrails.media.fragments.mp4_tracks import DEEP, PICTURES, SOUND, read_tracks, walk_boxes
from tests.cases import each_case
from tests.films import FRAGMENTS, SIZE, film, scene, tone

DATA = film(scene(10), fps=10, packed=FRAGMENTS, sound=tone(1.0), woven=True)
WHOLE = film(scene(10), fps=10)


def moov(data: bytes = DATA) -> bytes:
    """Return the box that says which tracks a film has."""
    return next(
        data[start - 8 : end] for kind, start, end in walk_boxes(data, 0, len(data)) if kind == b"moov"
    )


def box(kind: bytes, content: bytes = b"") -> bytes:
    """Return a box."""
    return (8 + len(content)).to_bytes(4) + kind + content


def inside(*path: bytes, data: bytes) -> tuple[int, int]:
    """Return where what is in a box begins and ends, that stands in others."""
    start, end = 8, len(data)
    for name in path:
        start, end = next((at, until) for kind, at, until in walk_boxes(data, start, end) if kind == name)
    return start, end


def test_tracks_are_told_with_their_kinds() -> None:
    """And how many ticks a second have, and that decoding can begin with some pictures."""
    found, _ = read_tracks(moov())
    assert [(track.kind, track.anew is not None) for track in found.values()] == [
        (PICTURES, True),
        (SOUND, False),
    ]
    assert [*found] == [1, 2]
    assert found[2].ticks == 48_000


@each_case("long", [False, True])
def test_lengths_of_the_film_are_cleared(long: bool) -> None:
    """A part of it has another one; nothing else is changed."""
    given = bytearray(moov())
    at = inside(b"mvhd", data=bytes(given))[0]
    version, where, size = (1, at + 24, 8) if long else (0, at + 16, 4)
    given[at] = version
    given[where : where + size] = b"\x11" * size
    _, told = read_tracks(bytes(given))
    assert told[where : where + size] == bytes(size)
    given[where : where + size] = bytes(size)
    assert told == bytes(given)


def again(name: bytes, *path: bytes) -> bytes:
    """Return tracks in which one box stands twice."""
    given = moov()
    start, end = inside(*path, name, data=given)
    given = given[:end] + given[start - 8 : end] + given[end:]
    for depth in range(len(path) + 1):
        at = inside(*path[:depth], data=moov())[0] - 8 if depth else 0
        grown = int.from_bytes(given[at : at + 4]) + end - start + 8
        given = given[:at] + grown.to_bytes(4) + given[at + 4 :]
    return given


CASES: dict[str, Callable[[], bytes]] = {
    "no film of fragments": lambda: moov(WHOLE),
    "a track twice": lambda: again(b"trak"),
    "a number twice": lambda: again(b"tkhd", b"trak"),
    "ticks twice": lambda: again(b"mdhd", b"trak", b"mdia"),
    "a kind twice": lambda: again(b"hdlr", b"trak", b"mdia"),
    "samples said twice": lambda: again(b"trex", b"mvex"),
    "no kind": lambda: moov().replace(b"hdlr", b"free", 1),
    "no samples said": lambda: moov().replace(b"trex", b"free", 1),
    "a box that is cut off": lambda: moov()[:-3],
    "a head that is cut off": lambda: box(b"moov", box(b"trak", box(b"tkhd"))),
    "nothing": lambda: box(b"moov"),
    "boxes in boxes": lambda: box(b"moov", box(b"trak", box(b"mdia", box(b"mdia", box(b"mdia", box(b"mdia")))))),
}  # fmt: skip


@each_case("case", CASES)
def test_what_is_odd_is_refused(case: str) -> None:
    """As it is not known what a reader would make of it."""
    with pytest.raises(UncuttableFilm):
        read_tracks(CASES[case]())


def test_boxes_do_not_stand_in_boxes_without_end() -> None:
    """However deep, it is refused."""
    given = b""
    for _ in range(3_000 * DEEP):
        given = box(b"mdia", given)
    with pytest.raises(UncuttableFilm, match="too deep"):
        read_tracks(box(b"moov", box(b"trak", given)))


@each_case(
    ("coder", "tag"),
    [
        ("libx264", b"avc1"),
        ("libx265", b"hev1"),
        ("libvpx-vp9", b"vp09"),
        ("libsvtav1", b"av01"),
        ("mpeg4", b""),
    ],
)
def test_pictures_of_these_coders_are_known(coder: str, tag: bytes) -> None:
    """And of no others."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options=FRAGMENTS) as made:
        options = {"x265-params": "log-level=none"} if coder == "libx265" else {}
        stream = made.add_stream(coder, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for pixels in scene(3):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        made.mux(stream.encode(None))
    given = moov(out.getvalue())
    (track,) = read_tracks(given)[0].values()
    assert tag in given
    assert (track.anew is not None) is bool(tag)


@each_case("coded", [b"encv", b"mp4v", b"hev1"])
def test_pictures_that_are_coded_otherwise_are_not_known(coded: bytes) -> None:
    """Encrypted ones, old ones, and those that lack what belongs to them."""
    given = moov().replace(b"avc1", coded)
    assert all(track.anew is None for track in read_tracks(given)[0].values())
