"""PNG, WebP, AVIF and BMP: their sizes, what is left of them without metadata, and how they can be broken."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from guardrails.media.errors import MediaError
from guardrails.media.images.chunks import outline_bmp, outline_iso, outline_png, outline_webp
from tests.cases import each_case

Make = Callable[..., bytes]
Draw = Callable[..., Image.Image]


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of PNG."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def code_of(walk: Callable[[bytes], object], data: bytes) -> str:
    """Return the code of the error that a walk gives."""
    with pytest.raises(MediaError) as caught:
        walk(data)
    return caught.value.code


def pixels(data: bytes) -> np.ndarray:
    """Return what Pillow makes of a file."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def test_a_png_without_metadata_has_the_same_pixels(draw: Draw, file_of: Make) -> None:
    """Texts, EXIF and profiles are gone, transparency stays, and how it is turned is known."""
    exif, texts = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112] = 3
    texts.add_text("Comment", "zqx-text")
    texts.add_itxt("XML:com.adobe.xmp", "zqx-xmp")
    image = draw().quantize(8)
    data = file_of(image, "png", pnginfo=texts, exif=exif, icc_profile=b"zqx-profile", transparency=2)
    found = outline_png(data)
    assert (found.width, found.height, found.frames, found.orientation) == (48, 32, 1, 3)
    assert b"zqx" not in found.clean
    assert not {b"tEXt", b"iTXt", b"eXIf", b"iCCP"} & {
        found.clean[at : at + 4] for at in range(len(found.clean))
    }
    assert (pixels(found.clean) == pixels(data)).all()


def test_a_png_has_one_size(draw: Draw, file_of: Make) -> None:
    """Readers take the first or the last."""
    data, other = file_of(draw(), "png"), file_of(draw(9, 9), "png")
    assert code_of(outline_png, data[:33] + other[8:33] + data[33:]) == "undecodable"


def test_frames_of_a_png_are_counted(film_of: Make) -> None:
    """A first picture that does not move is one more."""
    assert outline_png(film_of("png", 4)).frames == 4
    assert outline_png(film_of("png", 4, default_image=True)).frames == 4
    assert outline_png(film_of("png", 4)).clean.count(b"fcTL") == 4


@each_case(
    ("change", "code"),
    [
        (lambda data: data[:-4], "truncated"),
        (lambda data: data[:50], "truncated"),
        (lambda data: data.replace(b"IDAT", b"iDAT", 1), "undecodable"),
        (lambda data: data[:8] + chunk(b"tEXt", b"a\0b") + data[8:], "undecodable"),
        (lambda data: data[:33] + chunk(b"QQQQ", b"") + data[33:], "undecodable"),
        (lambda data: data[:33] + data[-12:], "undecodable"),
        (lambda data: data[:33] + chunk(b"acTL", bytes(8)) + data[33:], "undecodable"),
        (lambda data: data[:33] + chunk(b"acTL", b"\0\0\0\1\0\0\0\0") + data[33:], "undecodable"),
        (lambda data: data[:8] + chunk(b"IHDR", bytes(8) + b"\x08\2\0\0\0") + data[33:], "undecodable"),
    ],
)
def test_a_broken_png_is_named(draw: Draw, file_of: Make, change: Make, code: str) -> None:
    """Cut, changed, in the wrong order, with a needed part that nobody knows, empty, and with frames that are not there."""
    assert code_of(outline_png, change(file_of(draw(), "png"))) == code


def test_frames_of_a_png_that_says_none_are_left_out(draw: Draw, file_of: Make) -> None:
    """What nobody announces, nobody shows."""
    data = file_of(draw(), "png")
    found = outline_png(data[:-12] + chunk(b"fcTL", bytes(26)) + data[-12:])
    assert (found.frames, found.clean) == (1, data)


@each_case("more", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0", "xmp": b"zqx", "icc_profile": b"zqx"}])
def test_a_webp_without_metadata_has_the_same_pixels(
    draw: Draw, file_of: Make, more: dict[str, bytes]
) -> None:
    """Of either kind; its size stands in it."""
    data = file_of(draw(70, 40), "webp", **more)
    found = outline_webp(data)
    assert (found.width, found.height, found.frames, found.trailing) == (70, 40, 1, 0)
    assert b"zqx" not in found.clean
    assert (pixels(found.clean) == pixels(data)).all()


def test_frames_of_a_webp_are_counted(film_of: Make) -> None:
    """And each has nothing but its picture."""
    data = film_of("webp", 4)
    found = outline_webp(data)
    assert (found.frames, found.clean) == (4, data)
    at = data.index(b"ANMF")
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    more = data[: at + 4] + (size + 12).to_bytes(4, "little") + data[at + 8 : at + 8 + size]
    more += b"zqx!\4\0\0\0zqx!" + data[at + 8 + size :]
    grown = more[:4] + (len(more) - 8).to_bytes(4, "little") + more[8:]
    assert outline_webp(grown).clean == data


@each_case(
    ("change", "code"),
    [
        (lambda data: data[:-4], "truncated"),
        (lambda data: data[:4] + (len(data) - 20).to_bytes(4, "little") + data[8:], "truncated"),
        (lambda data: b"RIFF\4\0\0\0WEBP", "undecodable"),
    ],
)
def test_a_broken_webp_is_named(draw: Draw, file_of: Make, change: Make, code: str) -> None:
    """Cut, with a part that does not fit, or empty."""
    assert code_of(outline_webp, change(file_of(draw(), "webp"))) == code


def test_a_webp_of_two_pictures_is_refused(draw: Draw, file_of: Make) -> None:
    """Each reader could show another: a still one behind a still one, or behind those that move."""
    still = file_of(draw(), "webp", lossless=True)[12:]
    head = b"VP8X\x0a\0\0\0" + bytes(4) + b"\x2f\0\0" + b"\x1f\0\0"
    frame = (
        b"ANMF" + (16 + len(still)).to_bytes(4, "little") + bytes(6) + b"\x2f\0\0\x1f\0\0" + bytes(4) + still
    )
    for body in (still * 2, head + still * 2, head + frame + still, head + still + frame):
        whole = b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body
        assert code_of(outline_webp, whole) == "undecodable"


def test_a_file_of_boxes_that_holds_two_kinds_is_two_pictures(draw: Draw, film_of: Make) -> None:
    """One that moves and a still one: which is shown is the reader's choice, and so both are judged, whatever it calls itself."""
    moves = film_of("avif", 4)
    for data in (moves, moves[:8] + b"avif" + moves[12:], moves[:8] + b"mif1" + moves[12:]):
        found = outline_iso(data)
        assert [pictures_in(each.clean) for each in (found, *found.more)] == [4, 1]


def pictures_in(data: bytes) -> int:
    """Return how many pictures Pillow finds."""
    return getattr(Image.open(io.BytesIO(data)), "n_frames", 1)


def test_a_file_of_boxes_says_once_what_it_holds(draw: Draw, file_of: Make, film_of: Make) -> None:
    """A file behind a file is what stands behind it; a second list of what is in it is refused, and so is a HEIC that moves."""
    data, other = file_of(draw(), "avif"), file_of(draw(seed=1), "avif")
    found = outline_iso(data + other)
    assert (found.clean, found.trailing) == (data, len(other))
    begin = int.from_bytes(data[:4], "big")
    meta = data[begin : begin + int.from_bytes(data[begin : begin + 4], "big")]
    assert meta[4:8] == b"meta"
    assert code_of(outline_iso, data[:begin] + meta + data[begin:]) == "undecodable"
    moves = film_of("avif", 2)
    assert code_of(outline_iso, moves[:8] + b"heic" + moves[12:]) == "unsupported_type"


def test_a_file_of_boxes_is_left_to_the_decoder(draw: Draw, file_of: Make) -> None:
    """It is known to be whole, and what stands behind it."""
    data = file_of(draw(), "avif")
    found = outline_iso(data)
    assert (found.format, found.frames, found.trailing) == ("avif", None, 0)
    assert (outline_iso(data + b"PK\3\4zip-zip").trailing, outline_iso(data + b"PK\3\4zip-zip").clean) == (
        11,
        data,
    )
    assert code_of(outline_iso, data[:-5]) == "truncated"
    assert code_of(outline_iso, data[: int.from_bytes(data[:4], "big")]) == "truncated"


@each_case("mode", ["1", "L", "P", "RGB"])
def test_a_bmp_ends_with_its_rows(draw: Draw, file_of: Make, mode: str) -> None:
    """Whatever its depth."""
    data = file_of(draw(37, 21).convert(mode), "bmp")
    assert (outline_bmp(data).width, outline_bmp(data).height, outline_bmp(data).trailing) == (37, 21, 0)
    assert outline_bmp(data + b"more").clean == data
    assert outline_bmp(data + b"more").trailing == 4
    assert code_of(outline_bmp, data[:-1]) == "truncated"


def test_a_bmp_from_the_top_down_is_as_high(draw: Draw, file_of: Make) -> None:
    """Its height is below zero."""
    data = file_of(draw(), "bmp")
    assert outline_bmp(data[:22] + (-32).to_bytes(4, "little", signed=True) + data[26:]).height == 32
    assert code_of(outline_bmp, data[:18] + bytes(4) + data[22:]) == "undecodable"


def test_a_bmp_of_the_oldest_kind_is_read() -> None:
    """Its head has numbers of half the size."""
    data = b"BM" + (26 + 4).to_bytes(4, "little") + bytes(4) + (26).to_bytes(4, "little")
    data += (12).to_bytes(4, "little") + b"\1\0\1\0\1\0\x18\0" + b"\1\2\3\0"
    assert (outline_bmp(data).width, outline_bmp(data).height, outline_bmp(data).trailing) == (1, 1, 0)
