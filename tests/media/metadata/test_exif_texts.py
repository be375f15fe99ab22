"""Texts of EXIF are read in each encoding that programs write them in; broken blocks end where they break."""

from __future__ import annotations

import struct

from guardrails.media.metadata.exif_texts import read_exif
from guardrails.media.metadata.written_texts import WrittenTexts
from tests.cases import each_case
from tests.media.metadata_kit import described, exif_of, iptc_of

WIDE = "über den Fluss\0".encode("utf-16-le")


def read(block: bytes) -> dict[str, str]:
    """Return the texts of a block."""
    texts = WrittenTexts()
    read_exif(block, texts)
    return {each.place: each.text for each in texts}


CASES: dict[str, tuple[bytes, str]] = {
    "ASCII": (exif_of({0x010E: "a harbour"}), "a harbour"),
    "Artist": (exif_of({0x013B: "Jo Doe"}), "Jo Doe"),
    "Copyright": (exif_of({0x8298: "by Jo Doe"}), "by Jo Doe"),
    "XPComment": (exif_of({0x9C9C: WIDE}), "über den Fluss"),
    "XPTitle": (exif_of({0x9C9B: WIDE}), "über den Fluss"),
    "UserComment, ASCII": (exif_of({}, {0x9286: b"ASCII\0\0\0some words"}), "some words"),
    "UserComment, UTF-16 of the writer": (
        exif_of({}, {0x9286: b"UNICODE\0" + "some words".encode("utf-16-be")}),
        "some words",
    ),
    "UserComment, UTF-16 with a mark": (
        exif_of({}, {0x9286: b"UNICODE\0" + "some words".encode("utf-16")}),
        "some words",
    ),
    "UserComment, Japanese": (
        exif_of({}, {0x9286: b"JIS\0\0\0\0\0" + "港の写真".encode("iso2022_jp")}),
        "港の写真",
    ),
    "UserComment that says no encoding": (exif_of({}, {0x9286: b"\0" * 8 + "Köln".encode()}), "Köln"),
    "UserComment without a head": (exif_of({}, {0x9286: b"simply some words"}), "simply some words"),
    "GPSAreaInformation": (exif_of({}, None, {0x1C: b"ASCII\0\0\0at the harbour"}), "at the harbour"),
    "a tag that nobody knows": (exif_of({0xEA1E: "some words"}), "some words"),
    "XMP of TIFF": (exif_of({0x02BC: described("some words")}), "some words"),
    "IPTC of TIFF": (exif_of({0x8649: iptc_of({120: "some words"})}), "some words"),
    "notes of a maker": (
        exif_of({}, {0x927C: b"\0\1Vendor\0\2please read what these words say\0\xff"}),
        "please read what these words say",
    ),
}


@each_case("case", CASES)
def test_a_text_is_read(case: str) -> None:
    """As it was written."""
    block, said = CASES[case]
    assert [*read(block).values()] == [said]


def test_folders_that_lead_to_themselves_end() -> None:
    """Each is read once."""
    block = b"II*\0" + struct.pack("<IH", 8, 2) + struct.pack("<HHI4s", 0x010E, 2, 4, b"hey\0")
    block += struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    assert read(block) == {"exif.ImageDescription": "hey"}


def test_a_broken_block_is_searched() -> None:
    """Nobody knows what a lenient reader makes of it."""
    said = b"one two three four five words"
    for block in (b"no EXIF at all \0" + said, b"II*\0\x08\0\0\0\xff\0" + bytes(12) + said):
        assert [*read(block).values()] == [said.decode()]
