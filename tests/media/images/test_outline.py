"""Outlines: the type of a file by its bytes, and by nothing that is said of it."""

from __future__ import annotations

import contextlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.media.errors import MediaError
from guardrails.media.images.outline import WRITTEN, declared_format, read_outline, sniff_format
from tests.cases import each_case

Make = Callable[..., bytes]
Draw = Callable[..., Image.Image]


def code_of(data: bytes, declared: str | None = None) -> str:
    """Return the code of the error that an outline gives."""
    with pytest.raises(MediaError) as caught:
        read_outline(data, declared)
    return caught.value.code


def test_each_format_is_known_by_its_bytes(each_file: tuple[str, bytes]) -> None:
    """And told as such to who declares the same."""
    name, data = each_file
    assert (sniff_format(data), read_outline(data, f"image/{name}").format) == (name, name)


def test_each_format_is_known_where_it_is_written_as_a_text(
    each_file: tuple[str, bytes], heic: bytes
) -> None:
    """As Base64 of either alphabet, and as a data URI in whatever case."""
    for data in (each_file[1], heic):
        for text in (b64encode(data).decode(), urlsafe_b64encode(data).decode()):
            assert WRITTEN.match(text)
            assert WRITTEN.match(f"DATA:image/x;base64,{text}")


@each_case(
    "text",
    [
        "",
        "iVBORw0KGgo",
        "AAAA" * 40,
        "/9j/ is how they begin",
        "a picture: data:image/png",
        b64encode(b"%PDF-1.4" * 40).decode(),
    ],
)
def test_another_text_is_no_picture(text: str) -> None:
    """Too short, other bytes, or words."""
    assert not WRITTEN.match(text)


@each_case(
    ("data", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><SVG>", "svg"),
        (b"<!DOCTYPE html><html>", "html"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"<script>", "markup"),
        (b"II*\0" + bytes(8), "tiff"),
        (b"MM\0*" + bytes(8), "tiff"),
        (b"8BPS", "psd"),
        (b"%!PS-Adobe", "postscript"),
        (b"%PDF-1.7", "pdf"),
        (b"PK\3\4", "zip"),
        (b"SIMPLE  = T", "fits"),
        (b"\0\0\0\x18ftypmp42" + bytes(12), "film"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "heic"),
        (b"RIFF\0\0\0\0AVI ", "riff"),
        (b"XXXX\0\0\0\0WEBP", "unknown"),
        (b"hello", "unknown"),
    ],
)
def test_other_types_are_named_and_not_read(data: bytes, name: str) -> None:
    """None of them ever meets a decoder."""
    assert sniff_format(data) == name
    if name != "heic":
        assert code_of(data) == "unsupported_type"


def test_a_format_can_be_left_out(draw: Draw, file_of: Make) -> None:
    """Then it is as any other type."""
    with pytest.raises(MediaError, match="files of type gif are not read; png are"):
        read_outline(file_of(draw(), "gif"), formats=("png",))


@each_case("said", ["image/jpeg", ".jpg", "jpeg", "IMAGE/JPG; charset=x", "pjpeg"])
def test_names_of_a_type_are_one(said: str) -> None:
    """Media types and suffixes alike."""
    assert declared_format(said) == "jpeg"


def test_what_is_said_must_agree(draw: Draw, file_of: Make) -> None:
    """Two who read a file must not read two things; who does not know says nothing."""
    data = file_of(draw(), "png")
    assert code_of(data, "image/jpeg") == "mistyped"
    assert code_of(b"<html></html>", ".png") == "mistyped"
    assert read_outline(data, "application/octet-stream").format == "png"
    with pytest.raises(MediaError, match="said to be something else, and its bytes are png"):
        read_outline(data, "zqx\n\x1b[2J")


def test_nothing_is_no_picture() -> None:
    """It has an error of its own."""
    assert code_of(b"") == "empty"


@given(
    st.binary(max_size=80),
    st.sampled_from(
        [
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"BM",
            b"\0\0\0\x14ftypavif",
            b"RIFF\x20\0\0\0WEBP",
        ]
    ),
)
def test_any_bytes_have_an_outline_or_a_named_error(data: bytes, head: bytes) -> None:
    """Nothing else is ever raised."""
    with contextlib.suppress(MediaError):
        read_outline(head + data)
