"""Items of EXIF and XMP in AVIF and HEIC are read without a decoder, and so are sentences in boxes for anything."""

from __future__ import annotations

import struct

from guardrails.media.metadata.box_texts import read_boxes
from guardrails.media.metadata.written_texts import WrittenTexts
from tests.media.metadata_kit import described, exif_of, picture

SAID = b"one two three four five words"


def read(data: bytes) -> dict[str, str]:
    """Return the texts of a file."""
    texts = WrittenTexts()
    read_boxes(data, texts)
    return {each.place: each.text for each in texts}


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I", len(content) + 8) + kind + content


def test_items_of_an_encoder_are_read() -> None:
    """Both of a real file."""
    data = picture("AVIF", exif=exif_of({0x010E: "a harbour"}), xmp=described("at sea"))
    assert read(data) == {"exif.ImageDescription": "a harbour", "xmp.dc:description": "at sea"}


def test_items_of_a_phone_are_read() -> None:
    """As Apple's place them: with numbers of four bytes, inside of the box that lists them."""
    packet = described("at sea")
    infe = box(b"infe", b"\3\0\0\0" + struct.pack(">IH", 7, 0) + b"mime\0application/rdf+xml\0")
    iloc = box(b"iloc", b"\2\0\0\0\x44\0" + struct.pack(">IIHHHII", 1, 7, 1, 0, 1, 0, len(packet)))
    meta = box(b"meta", bytes(4) + box(b"iinf", b"\1\0\0\0\0\0\0\1" + infe) + iloc + box(b"idat", packet))
    assert read(box(b"ftyp", b"heic\0\0\0\0mif1") + meta) == {"xmp.dc:description": "at sea"}


def test_loose_boxes_are_searched() -> None:
    """Whatever they are for."""
    assert read(box(b"ftyp", b"heic") + box(b"free", SAID)) == {"box.free": SAID.decode()}
    assert read(box(b"moov", box(b"udta", SAID))) == {"box.udta": SAID.decode()}
    assert read(box(b"mdat", SAID)) == {}
