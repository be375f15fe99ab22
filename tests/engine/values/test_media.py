"""Bytes, pictures and contents among values."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Any

import numpy as np
from PIL import Image as Pillow

from guardrails.engine.values.known_types import adapter_of
from guardrails.engine.values.media import is_picture, read_bytes
from guardrails.engine.values.walk import find_leaves
from guardrails.engine.values.writer import replace_values
from guardrails.types import Audio, Image, Media, Text, ToolCall, Unchecked, Video
from tests.cases import each_case


def drawn(kind: str) -> bytes:
    """Return the file of a picture."""
    file = io.BytesIO()
    Pillow.new("RGB", (4, 4)).save(file, kind)
    return file.getvalue()


def packed() -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "a")
    return file.getvalue()


@each_case(
    ("data", "kind"),
    [
        (b"hello", Text),
        ("h\u00e9llo".encode(), Text),
        (b"", Text),
        (b"OggS is a word too", Text),
        (b"<p>markup</p>", Text),
        (drawn("PNG"), Image),
        (drawn("GIF"), Image),
        (drawn("TIFF"), Image),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Image),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", Video),
        (b"RIFF\0\0\0\0WAVEfmt ", Audio),
        (b"\x89PNG", Unchecked),
        (b"%PDF-1.7 written in letters", Unchecked),
        (packed(), Unchecked),
        (gzip.compress(b"a"), Unchecked),
        ("hello".encode("utf-16"), Unchecked),
        (b"a\0b", Unchecked),
    ],
)
def test_bytes_are_what_they_begin_like_or_a_text(data: bytes, kind: type) -> None:
    """Whatever stands in front of a text in UTF-8, it is read as one."""
    assert type(read_bytes(data)) is kind


@each_case(("data", "names"), [(b"%PDF-1.7", "PDF"), (packed(), "ZIP"), (b"\xff\xfeab", "4 bytes")])
def test_the_reason_names_the_type(data: bytes, names: str) -> None:
    """And what to do about it."""
    found: Any = read_bytes(data)
    assert names in found.reason
    assert "give what is written in it as a text" in found.reason
    assert found.kind == "part"


@each_case("value", [b"a", bytearray(b"a"), memoryview(b"a")])
def test_bytes_keep_their_type(value: Any) -> None:
    """Text goes back as UTF-8."""
    assert [each[:3] for each in find_leaves([value])] == [((0,), "a", True)]
    made = replace_values([value], {((0,), None): "\u00e9"})[0]
    assert (bytes(made), type(made)) == ("\u00e9".encode(), type(value))


def test_contents_stand_among_values() -> None:
    """Each is what it is, and takes what a redaction makes of it."""
    values = [Text("a"), Image(b"x"), ToolCall("f", '{"a": "b"}')]
    assert [(leaf if isinstance(leaf, str) else type(leaf)) for _, leaf, *_ in find_leaves(values)] == [
        "a",
        Image,
        ToolCall,
    ]
    made = replace_values(values, {((0,), None): "b", ((1,), None): b"y", ((2,), ("a",)): "c"})
    assert made == [Text("b"), Image(b"y"), ToolCall("f", '{"a": "c"}')]
    assert replace_values(Media(b"x"), {((), None): "pixels"}).source == "pixels"


def test_several_pictures_in_one_array_are_not_passed_over() -> None:
    """They are named with what to give instead."""
    for shape in ((2, 8, 8, 3), (1, 2, 8, 8, 4)):
        [(_, found, *_)] = find_leaves([np.zeros(shape, np.uint8)])
        assert isinstance(found, Unchecked)
        assert "give each picture of a batch by itself" in found.reason
    assert find_leaves([np.zeros((2, 8, 8, 16), np.float32)]) == []


@each_case(
    ("value", "certain"),
    [
        (Pillow.new("RGB", (2, 2)), True),
        (np.zeros((4, 4, 3), np.uint8), True),
        (np.zeros((8, 9), np.uint8), True),
        (np.zeros((8, 9, 1), np.uint8), True),
        (np.zeros((8, 9)), False),
        (np.zeros((4, 4), np.uint8), False),
        (np.zeros((4, 8, 768)), False),
        ("a", False),
    ],
)
def test_pictures_among_values_are_told_by_their_shape(value: Any, certain: bool) -> None:
    """An array of other shapes is numbers."""
    assert is_picture(value) is certain
    adapter = adapter_of(value)
    assert (adapter is not None and adapter.name == "pixels") is certain
