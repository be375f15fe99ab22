"""JSON whose numbers are written as they were read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire.lossless_json import Number, integer, unescaped, write
from tests.cases import each_case

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@each_case("text", ["1.10", "1e400", "-0", "-0.0", "1E5", "123456789012345678901234567890", "0"])
def test_numbers_keep_their_form(text: str) -> None:
    """What was read is written again, character by character."""
    value = json.loads(text, parse_float=Number, parse_int=integer)

    assert write(value) == text
    assert write({"a": [value]}) == f'{{"a":[{text}]}}'


@given(VALUES, st.booleans())
def test_what_is_written_reads_the_same(value: object, ascii_only: bool) -> None:
    """Any JSON value survives, also as pure ASCII."""
    text = write(value, ascii_only=ascii_only)

    assert json.loads(text) == value
    assert text.isascii() or not ascii_only


def test_a_number_is_a_float() -> None:
    """Its value can be compared; its text is the form in which it was written."""
    number = Number("1.10")

    assert number == 1.1
    assert str(number) == "1.10"
    with pytest.raises(ValueError, match="Out of range"):
        write(float("nan"))


@each_case(
    ("text", "read"),
    [
        ("plain", "plain"),
        (r"a\nb\/c\q", "a\nb/cq"),
        (r"\u0041\u00e9", "Aé"),
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d", "\ud83d"),
        (r"\u00", "u00"),
    ],
)
def test_escapes_are_read_where_a_text_is_cut_off(text: str, read: str) -> None:
    """Pairs of surrogates are one character, half a pair is itself, and what is no escape loses its backslash."""
    assert unescaped(text) == read
