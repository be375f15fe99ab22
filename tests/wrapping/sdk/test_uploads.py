"""Files of calls, as they would be sent."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from guardrails import RequestError
from guardrails.wire.forms import Upload
from guardrails.wrapping.sdk.uploads import BYTES, add_files, form_headers, read_uploads, split_files
from tests.cases import each_case


class Pipe(io.RawIOBase):
    """Something that is read once, without a name."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        """Return all that is left."""
        data, self._data = self._data, b""
        return data


def read_before(data: bytes) -> io.BytesIO:
    """Return a file of which some was read."""
    file = io.BytesIO(data)
    file.read(1)
    return file


@each_case(
    ("file", "upload"),
    [
        (b"x", Upload(b"x", "upload", BYTES)),
        (io.BytesIO(b"x"), Upload(b"x", "upload", BYTES)),
        (read_before(b"xy"), Upload(b"xy", "upload", BYTES)),
        (Pipe(b"x"), Upload(b"x", "upload", BYTES)),
        (("a.png", b"x"), Upload(b"x", "a.png", "image/png")),
        (("a.png", b"x", None), Upload(b"x", "a.png", "image/png")),
        (("a.png", b"x", "image/webp"), Upload(b"x", "a.png", "image/webp")),
        (("a.zqx", io.BytesIO(b"x")), Upload(b"x", "a.zqx", BYTES)),
        ((None, b"x"), Upload(b"x", "upload", BYTES)),
    ],
)
def test_a_file_is_an_upload(file: Any, upload: Upload) -> None:
    """Of the name and the type that the SDK's HTTP library would give it."""
    assert read_uploads({"image": file}) == {"image": [upload]}


def test_an_open_file_has_its_own_name(tmp_path: Path) -> None:
    """Without the folder."""
    (tmp_path / "a.png").write_bytes(b"x")
    with (tmp_path / "a.png").open("rb") as file:
        assert read_uploads([("mask", file)]) == {"mask": [Upload(b"x", "a.png", "image/png")]}


def test_files_of_one_field_stand_in_a_list() -> None:
    """In their order."""
    found = read_uploads([("image[]", b"x"), ("mask", b"z"), ("image[]", b"y")])
    assert {name: [each.data for each in some] for name, some in found.items()} == {
        "image[]": [b"x", b"y"],
        "mask": [b"z"],
    }


@each_case(
    "file",
    [
        ("a.png", b"x", "image/png", {"x-a": "b"}),
        ("a.png",),
        "text",
        ("a.png", "text"),
        io.StringIO("x"),
        (1, b"x"),
        ("a.png", b"x", 1),
        None,
    ],
)
def test_what_could_be_read_as_something_else_is_refused(file: Any) -> None:
    """Headers of its own, texts, and what is no file."""
    with pytest.raises(RequestError) as caught:
        read_uploads({"image": file})
    assert caught.value.code == "unguarded_body"


@each_case(
    ("fields", "files"),
    [
        ({"image": "x"}, {"image": b"x"}),
        ({"image[]": "x"}, {"image": b"x"}),
        ({}, [("image", b"x"), ("Image[]", b"y")]),
        ({"A": 1, "a": 2}, {"image": b"x"}),
    ],
)
def test_a_field_that_stands_there_twice_is_refused(fields: Any, files: Any) -> None:
    """However it is spelled."""
    with pytest.raises(RequestError, match="twice"):
        add_files(fields, files)


def test_a_body_goes_out_as_it_came_in() -> None:
    """Fields, and files as the SDK takes them."""
    body = add_files({"prompt": "a", "tags": ["b"], "n": 1}, {"image": ("a.png", b"x"), "mask": b"y"})
    fields, files = split_files(body)
    assert fields == {"prompt": "a", "tags": ["b"], "n": 1}
    assert files == [("image", ("a.png", b"x", "image/png")), ("mask", ("upload", b"y", BYTES))]
    assert split_files({"prompt": "a"}) == ({"prompt": "a"}, [])


@each_case("given", [None, {}, {"Content-Type": "x"}, {"content-type": "x; boundary=y"}])
def test_the_type_of_a_form_names_no_boundary(given: Any) -> None:
    """The HTTP library chooses one that nobody knows."""
    assert form_headers(given) == {"Content-Type": "multipart/form-data"}
    assert form_headers({"x-a": os.sep}) == {"x-a": os.sep, "Content-Type": "multipart/form-data"}
