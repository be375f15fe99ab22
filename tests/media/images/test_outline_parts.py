"""Parts: what is kept of a file, and the one thing that is read of EXIF."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.media.images.outline_parts import (
    KeptStretches,
    count_trailing,
    read_exif_orientation,
    read_number,
)
from tests.cases import each_case


def exif(order: str, entries: list[tuple[int, int]]) -> bytes:
    """Return EXIF with these tags, each with a short number."""
    word: Literal["little", "big"] = "little" if order == "II" else "big"
    body = b"".join(
        tag.to_bytes(2, word)
        + (3).to_bytes(2, word)
        + (1).to_bytes(4, word)
        + value.to_bytes(2, word)
        + b"\0\0"
        for tag, value in entries
    )
    return (
        order.encode()
        + (42).to_bytes(2, word)
        + (8).to_bytes(4, word)
        + len(entries).to_bytes(2, word)
        + body
    )


@each_case("order", ["II", "MM"])
@each_case("head", [b"", b"Exif\0\0"])
def test_the_orientation_is_read_in_both_orders(order: str, head: bytes) -> None:
    """Whatever tags stand before it, and with the head of JPEG or without."""
    assert read_exif_orientation(head + exif(order, [(0x010F, 9), (0x0112, 6)])) == 6


@each_case("broken", [b"", b"II", b"XX*\0", exif("II", [(0x0112, 77)]), exif("MM", [(1, 2)])[:-9]])
def test_what_says_no_orientation_is_upright(broken: bytes) -> None:
    """So it is for whoever shows pictures."""
    assert read_exif_orientation(broken) == 1


@given(st.binary(max_size=200))
def test_no_exif_breaks_it(data: bytes) -> None:
    """Any bytes at all have an orientation."""
    assert 1 <= read_exif_orientation(b"II*\0\x08\0\0\0" + data) <= 8


def test_pillow_writes_what_is_read() -> None:
    """The same number comes out."""
    said: Any = Image.Exif()
    said[0x0112] = 8
    assert read_exif_orientation(said.tobytes()) == 8


@given(st.binary(min_size=1, max_size=60), st.lists(st.integers(0, 60), max_size=6).map(sorted))
def test_what_is_kept_is_what_was_there(data: bytes, cuts: list[int]) -> None:
    """Stretch by stretch; all of them are the file itself."""
    ends = [*(cut for cut in cuts if cut <= len(data)), len(data)]
    kept, start = KeptStretches(data), 0
    for end in ends:
        kept.keep(start, end)
        start = end
    assert kept.join() is data
    other = KeptStretches(data)
    other.keep(0, ends[0])
    other.replace(b"!")
    other.keep(ends[0], len(data))
    assert other.join() == data[: ends[0]] + b"!" + data[ends[0] :]


def test_padding_behind_the_end_means_nothing() -> None:
    """All else counts."""
    assert [count_trailing(b"abc" + rest, 3) for rest in (b"", b"\0\0\n", b"PK\0", b"\0PK")] == [0, 0, 2, 3]


def test_numbers_end_with_the_file() -> None:
    """What is not there has no value."""
    assert (read_number(b"\1\2", 0, 2), read_number(b"\1\2", 0, 2, "little")) == (258, 513)
    with pytest.raises(IndexError):
        read_number(b"\1\2", 1, 2)
