"""Whole answers of JSON, read and written."""

from __future__ import annotations

import pytest

from guardrails import BackendError
from guardrails.wrapping.sdk.body_formats import JSON, JSON_FORMAT, parse_answer, unreadable_answer
from tests.cases import each_case


def test_json_is_read_and_written_as_it_came() -> None:
    """Numbers too."""
    assert JSON_FORMAT.fits(JSON)
    assert not JSON_FORMAT.fits("text/plain")
    answer = JSON_FORMAT.read(b'{"n": 1.50}', JSON, {})
    assert JSON_FORMAT.write(answer) == b'{"n":1.50}'


@each_case("raw", [b"\xff", b"[]", b"x", b'{"a":1,"A":2}'])
def test_what_is_no_object_is_the_models_fault(raw: bytes) -> None:
    """Also one that could be read in two ways."""
    with pytest.raises(BackendError, match="cannot be judged"):
        JSON_FORMAT.read(raw, JSON, {})


def test_an_object_is_read() -> None:
    """As JSON says."""
    assert parse_answer('{"a": [1, 1.5, null]}') == {"a": [1, 1.5, None]}


@each_case(
    "written",
    ["", "[]", "1", "{", '{"a": NaN}', '{"a": 1, "a": 1}', '{"b": {"a": 1, "a": 2}}', '{"content": 1, "Content": 2}',
     r'{"a": "\ud83d"}', "[" * 70 + "]" * 70, '{"a":' * 70 + "1" + "}" * 70],
)  # fmt: skip
def test_what_two_parsers_could_read_in_two_ways_is_no_answer(written: str) -> None:
    """Keys that stand there twice, in another case too; half a surrogate pair; what nests too deep; what is no object."""
    with pytest.raises(BackendError, match="cannot be judged"):
        parse_answer(written)


def test_a_piece_of_a_stream_may_end_within_a_pair() -> None:
    """The other half comes with the next one."""
    assert parse_answer(r'{"a": "\ud83d"}', halves=True) == {"a": "\ud83d"}


def test_the_error_is_a_bad_gateway() -> None:
    """It says why, in words of our own."""
    assert (unreadable_answer("x").status, str(unreadable_answer("x"))) == (
        502,
        "the model's answer cannot be judged: x",
    )
