"""The texts of pictures' files are found wherever real programs write them, and nothing else is."""

from __future__ import annotations

import io
import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import PngImagePlugin

from guardrails.media.metadata.picture_texts import read_info, read_texts
from guardrails.media.metadata.written_texts import TOO_LARGE, TOO_MANY
from tests.cases import each_case
from tests.media.metadata_kit import (
    described,
    exif_of,
    extended_jpeg,
    iptc_of,
    jpeg,
    picture,
    png,
    with_iptc,
    xmp_of,
)

SAID = "words of somebody"
EXIF = exif_of({0x010E: SAID})


def found(data: bytes) -> dict[str, str]:
    """Return the texts of a file by their places."""
    return {each.place: each.text for each in read_texts(data)}


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(*chunks: bytes) -> bytes:
    """Return a PNG with chunks behind its head."""
    data = picture("PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def info_of(**how: bool) -> PngImagePlugin.PngInfo:
    """Return a text for a PNG."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Title", SAID, "en", "Title", **how)
    return info


CASES = {
    "exif.ImageDescription": picture("JPEG", exif=EXIF),
    "exif.ImageDescription of PNG": picture("PNG", exif=EXIF),
    "exif.ImageDescription of WebP": picture("WEBP", exif=EXIF),
    "exif.ImageDescription of AVIF": picture("AVIF", exif=EXIF),
    "xmp.dc:description": picture("JPEG", xmp=described(SAID)),
    "xmp.dc:description of WebP": picture("WEBP", xmp=described(SAID)),
    "xmp.dc:description of AVIF": picture("AVIF", xmp=described(SAID)),
    "xmp.dc:description of PNG": png(**{"XML:com.adobe.xmp": described(SAID).decode("latin-1")}),
    "xmp.dc:description in parts": extended_jpeg(described(SAID) + b" " * 150_000),
    "iptc.Caption-Abstract": with_iptc({120: SAID}),
    "jpeg.comment": picture("JPEG", comment=SAID.encode()),
    "png.Comment": png(Comment=SAID),
    "png.Comment packed": with_chunks(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SAID.encode()))),
    "png.Title": picture("PNG", pnginfo=info_of()),
    "png.Title packed": picture("PNG", pnginfo=info_of(zip=True)),
    "iptc.Caption-Abstract of PNG": with_chunks(
        chunk(b"tEXt", b"Raw profile type iptc\0\niptc\n   9\n" + iptc_of({120: SAID}).hex().encode())
    ),
    "gif.comment": picture("GIF", comment=SAID.encode()),
}
"""Where a text stands → a file of a real encoder, or a part put into one."""


@each_case("place", CASES)
def test_a_text_is_found_where_it_stands(place: str) -> None:
    """In each format, whole and packed, and by its name."""
    assert found(CASES[place])[place.partition(" ")[0]] == SAID


def test_texts_behind_pictures_of_one_file_are_found() -> None:
    """A phone's second picture has EXIF of its own."""
    second = picture("JPEG", exif=exif_of({0x010E: "of the second"}))
    assert found(picture("JPEG", exif=EXIF) + second).keys() == {"exif.ImageDescription"}
    assert {each.text for each in read_texts(picture("JPEG", exif=EXIF) + second)} == {SAID, "of the second"}


def test_a_sentence_in_other_bytes_is_found() -> None:
    """In a part that nobody documents, as letters of one byte or two; what has no words in a row is nothing."""
    said = "one two three four five words"
    for part in (said.encode(), b"\x07" + said.encode("utf-16-le"), said.encode("utf-16-be")):
        assert [each.text for each in read_texts(jpeg((0xE7, b"\1\2\0" + part + b"\0\xff")))] == [said]
    assert found(jpeg((0xE7, b"VENDOR 12 34 AB x1 y2 z3 0000000000000000")) + b"") == {}
    assert found(with_chunks(chunk(b"juNK", said.encode()))) == {"png.juNK": said}


def test_what_pillow_keeps_is_found() -> None:
    """A picture that was opened has its texts beside its pixels, and writes them again."""
    for place, data in CASES.items():
        image = Pillow.open(io.BytesIO(data))
        image.load()
        if place not in ("xmp.dc:description in parts", "iptc.Caption-Abstract of PNG"):
            assert SAID in {each.text for each in read_info(image.info)}, place


def test_bounds() -> None:
    """A packed bomb, too many texts and a long packet end by their bounds, and are told; what was found before counts."""
    bomb = with_chunks(
        chunk(b"zTXt", b"A\0\0" + zlib.compress(bytes(20_000_000), 9)),
        chunk(b"tEXt", b"B\0" + SAID.encode()),
    )
    texts = read_texts(bomb)
    assert ([each.text for each in texts], [*texts.left]) == ([SAID], [TOO_LARGE])
    texts = read_texts(with_chunks(*(chunk(b"tEXt", b"K\0word no %d" % each) for each in range(5_000))))
    assert (len([*texts]), [*texts.left]) == (1_000, [TOO_MANY])
    long = xmp_of("".join(f"<dc:subject>{'ab' * 5} {each} x</dc:subject>" for each in range(20_000)))
    assert TOO_MANY in read_texts(extended_jpeg(long)).left


@given(st.sampled_from(sorted(CASES)), st.integers(0, 1 << 20), st.binary(max_size=8))
def test_broken_files_raise_nothing(place: str, at: int, put: bytes) -> None:
    """Whatever a byte says, and wherever a file ends."""
    data = CASES[place]
    at %= len(data)
    read_texts(data[:at])
    read_texts(data[:at] + put + data[at + len(put) :])
