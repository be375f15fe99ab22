"""Conditions that are half written: the place of what is missing or too much, and the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.policy.cel.cel import parse
from guardrails.policy.cel.half_conditions import find_half
from tests.cases import each_case


@each_case(
    ("text", "at", "message", "whole"),
    [
        ("hate >=", 7, "nothing stands behind '>='", "hate >= 0.8"),
        ("hate > 0.8 &&", 13, "nothing stands behind '&&'", "hate > 0.8"),
        ("&& hate > 0.8", 0, "nothing stands before '&&'", "hate > 0.8"),
        (">= 0.8", 0, "nothing stands before '>='", "hate >= 0.8"),
        ("(hate > 0.8", 11, "the '(' is not closed", "(hate > 0.8)"),
        ("hate > 0.8)", 10, "there is a ')' too many", "hate > 0.8"),
        ('hate > 0.8 && request.model == "a', 31, "a text in quotes does not end", 'request.model == "a"'),
        ("hate 0.8", 5, "between hate and 0.8 an operator is missing", "hate >= 0.8"),
    ],
)
def test_a_half_is_completed(text: str, at: int, message: str, whole: str) -> None:
    """The message names what is missing; the hint ends in a condition that parses."""
    found = find_half(text)
    assert found is not None
    assert found[:2] == (at, message)
    assert found[2].endswith(whole)
    assert parse(whole) is not None


@each_case("text", ["hate > 0.8", "", "hate > 0.8 &&& ((", "))(("])
def test_what_cannot_be_completed_is_left(text: str) -> None:
    """A whole condition, and what is broken in several ways."""
    assert find_half(text) is None


@given(st.text(alphabet="ab01.<>=!&|()\"' ", max_size=20))
def test_any_text_is_taken(text: str) -> None:
    """The place lies within the text."""
    found = find_half(text)
    assert found is None or 0 <= found[0] <= len(text)
