"""Files of films' hashes: what is read is what was written, and what is wrong is told with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyErrors
from guardrails.media.hashes.film_hash_file import (
    FilmEntry,
    HashedFrame,
    format_film_entries,
    read_film_entries,
)
from tests.cases import each_case

ONE = "f8" * 32
SHA = "0a" * 32
TEXTS = st.text(max_size=20).map(lambda each: " ".join(filter(str.isprintable, each.split())))
LOOKS = st.builds(
    HashedFrame,
    st.binary(min_size=32, max_size=32),
    st.integers(0, 10**8),
    st.integers(0, 100),
    st.integers(0, 10**6),
)
FILMS = st.builds(
    FilmEntry,
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1),
    st.lists(LOOKS, min_size=1, max_size=4).map(tuple),
    st.sampled_from([b"", bytes.fromhex(SHA)]),
    st.just("custom.a"),
    st.just(""),
)


@given(st.lists(FILMS, min_size=1, max_size=3))
def test_what_is_written_is_read_again(films: list[FilmEntry]) -> None:
    """Also with line ends of Windows, a mark of its byte order, comments and empty lines."""
    written = format_film_entries(films)
    assert read_film_entries(written.encode(), "a") == films
    other = "\ufeff# films\r\n\r\n" + written.replace("\n", "\r\n")
    assert read_film_entries(other.encode(), "a") == films


def test_frames_are_as_vpdq_writes_them() -> None:
    """Number, quality, hash and seconds; a film without an id is named by its line, other keys are left alone."""
    line = {"frames": [f"31,98,{ONE},1.0335"], "sha256": SHA, "bank": {"name": "b"}, "category": " a \n b "}
    [film] = read_film_entries(json.dumps(line).encode(), "a")
    assert film == FilmEntry(
        "line 1", (HashedFrame(bytes.fromhex(ONE), 1_034, 98, 31),), bytes.fromhex(SHA), "a b"
    )


def test_a_film_may_have_the_digest_of_its_file_alone() -> None:
    """It is one of which no frame says anything."""
    assert (
        read_film_entries(json.dumps({"id": "a", "sha256": SHA, "frames": []}).encode(), "a")[0].frames == ()
    )


@each_case(
    ("line", "said"),
    [
        (b"{", "the line is no JSON"),
        (b"\xff", "the line is no JSON"),
        (b"[" * 100_000, "it is too deep"),
        (b"[]", "the line is no JSON object"),
        (b"{}", "frames is no list"),
        (b'{"frames": []}', "it has neither a frame nor a sha256"),
        (b'{"frames": [], "sha256": "0"}', "sha256 has no 64 hexadecimal digits"),
        (b'{"frames": [], "type": "md5"}', "type is not vpdq"),
        (b'{"frames": ["1,2"]}', "frame 0 is not 'number,quality,hash,seconds'"),
        (b'{"frames": [3]}', "frame 0 is not 'number,quality,hash,seconds'"),
        (b'{"frames": ["0,100,zz,0"]}', "the hash of frame 0 has no 64 hexadecimal digits"),
        (f'{{"frames": ["0,101,{ONE},0"]}}'.encode(), "number or quality of frame 0 is none"),
        (f'{{"frames": ["-1,10,{ONE},0"]}}'.encode(), "number or quality of frame 0 is none"),
        (f'{{"frames": ["0,10,{ONE},nan"]}}'.encode(), "the seconds of frame 0 are no number"),
        (f'{{"frames": ["0,10,{ONE},-1"]}}'.encode(), "the seconds of frame 0 are no number"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: bytes, said: str) -> None:
    """The others are read on, so that all errors are told at once."""
    good = f'{{"frames": ["0,10,{ONE},0"]}}\n'.encode()
    with pytest.raises(PolicyErrors) as caught:
        read_film_entries(good + line + b"\n" + line, "a.jsonl")
    assert [str(each) for each in caught.value] == [
        f"a.jsonl:{number}:1: malformed_film: {said}" for number in (2, 3)
    ]


def test_a_file_without_a_film_is_an_error() -> None:
    """It would find nothing."""
    with pytest.raises(PolicyErrors, match="empty_list"):
        read_film_entries(b"# nothing\n", "a")
