"""What phones write behind a picture is read to its last byte, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.images.outline import read_outline
from guardrails.media.uploads.trailing import MOST, find_trailing_parts, may_have_parts
from tests.cases import each_case
from tests.films import film, scene
from tests.media.uploads_kit import (
    COUNTRY,
    EDITED,
    TIME,
    google_motion_photo,
    photo,
    samsung_motion_photo,
    samsung_trailer,
)


@pytest.fixture(scope="module")
def moving() -> bytes:
    """A short film."""
    return film(scene(8))


def parts_of(data: bytes) -> list[tuple[str, str]] | None:
    """Return the kinds and the names of what stands behind a picture."""
    found = find_trailing_parts(data, read_outline(data))
    return None if found is None else [(each.kind, each.name) for each in found]


def test_the_film_of_a_motion_photo_is_a_part(moving: bytes) -> None:
    """As Google's phones write it, and Samsung's, with the other parts of the trailer."""
    data = google_motion_photo(moving)
    [found] = find_trailing_parts(data, read_outline(data)) or []
    assert (found.kind, found.data) == ("film", moving)
    edited = (EDITED, "PhotoEditor_Re_Edit_Data", b'{"title": "at the lake"}')
    assert parts_of(samsung_motion_photo(moving, edited)) == [
        ("number", "Image_UTC_Data"),
        ("text", "PhotoEditor_Re_Edit_Data"),
        ("number", "MCC_Data"),
        ("film", "MotionPhoto_Data"),
    ]
    assert may_have_parts(data)
    assert not may_have_parts(photo())


def test_a_heic_has_them_in_boxes(moving: bytes) -> None:
    """Behind the picture's own."""
    ftyp = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    meta, mdat = b"\0\0\0\x0cmeta\0\0\0\0", b"\0\0\0\x10mdat12345678"
    trailer = samsung_trailer([(TIME, "Image_UTC_Data", b"1625848323000")])
    boxes = b"".join(
        (8 + len(inner)).to_bytes(4, "big") + name + inner
        for name, inner in ((b"mpvd", moving), (b"sefd", trailer))
    )
    assert parts_of(ftyp + meta + mdat + boxes) == [("film", ""), ("number", "Image_UTC_Data")]


def test_a_picture_in_a_trailer_is_a_part() -> None:
    """A second shot; one that has something behind its own end is not understood."""
    data = photo() + samsung_trailer([(0x0AB3, "Dual_Shot_1", photo())])
    assert parts_of(data) == [("picture", "Dual_Shot_1")]
    nested = photo() + samsung_trailer([(0x0AB3, "Dual_Shot_1", photo() + b"PK\3\4 archive")])
    assert parts_of(nested) is None


def changed(data: bytes, *, at: int, to: bytes) -> bytes:
    """Return bytes of which some, counted from behind, are others."""
    return data[: len(data) - at] + to + data[len(data) - at + len(to) :]


TRAILER = samsung_trailer([(TIME, "Image_UTC_Data", b"1625848323000"), (COUNTRY, "MCC_Data", b"262")])


@each_case(
    "tail",
    [
        b"PK\3\4" + bytes(100) + b"x",
        b"<?php echo 1; ?>",
        b"x" + TRAILER,
        TRAILER + b"x",
        TRAILER[1:],
        changed(TRAILER, at=8, to=b"\xff\xff\0\0"),
        changed(TRAILER, at=12, to=b"\xff\xff\xff\x7f"),
        samsung_trailer([(0x0A20, "Hidden", b"MZ\x90\0\xff\xfe" * 20)]),
        samsung_trailer([(TIME, "Image_UTC_Data", b"1")] * (MOST + 1)),
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\xff\xff\xff\xffmoov",
        b"\0\0\0\x09mpvd",
    ],
)
def test_what_is_not_understood_is_not_read(tail: bytes) -> None:
    """Nor anything beside it: it is what stands behind the end of a picture, as before."""
    assert parts_of(photo() + tail) is None


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_may_stand_there(tail: bytes) -> None:
    """Nothing is raised, with the marks of parts and without, and what is found is a stretch of what stands there."""
    data = photo(size=(16, 16))
    for each in (tail, b"\0\0\0\x10ftyp" + tail, tail + b"SEFT", TRAILER[:-12] + tail + b"SEFT"):
        found = find_trailing_parts(data + each, read_outline(data + each))
        assert all(part.data in each for part in found or ())
