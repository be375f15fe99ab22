"""The terms of a condition, and where each stands in its text."""

from __future__ import annotations

import pytest

from guardrails.policy.cel.cel import CelError
from guardrails.policy.cel.terms import ConditionPart, ConditionText
from tests.cases import each_case


def shape(part: ConditionPart, text: str) -> object:
    """Return a part as a term's text, or as what joins its parts and these."""
    if part.kind == "term":
        return text[part.low : part.high]
    return (part.kind, *(shape(each, text) for each in part.parts))


TREES = {
    "one term": ("hate > 0.5", "hate > 0.5"),
    "both": ("a > 1 && b > 2", ("and", "a > 1", "b > 2")),
    "either, and not": ("a > 1 || !(b > 2)", ("or", "a > 1", ("not", "b > 2"))),
    "brackets say what belongs together": (
        "(a > 1 || b > 2) && c > 3",
        ("and", ("or", "a > 1", "b > 2"), "c > 3"),
    ),
    "and before or": ("a > 1 || b > 2 && c > 3", ("or", "a > 1", ("and", "b > 2", "c > 3"))),
    "one or the other": ("a > 1 ? b > 2 : c > 3", ("if", "a > 1", "b > 2", "c > 3")),
    "one within the other": (
        "a > 1 ? (b > 2 ? c > 3 : d > 4) : e > 5",
        ("if", "a > 1", ("if", "b > 2", "c > 3", "d > 4"), "e > 5"),
    ),
    "brackets around a term": ("((a > 1))", "a > 1"),
    "brackets within a term": ("(a + b) > (c)", "(a + b) > (c)"),
    "what is quoted joins nothing": ("x == '&& ) ?' || y == \":\"", ("or", "x == '&& ) ?'", 'y == ":"')),
    "a colon that is quoted": ("a > 1 ? x == ':' : y == 'b'", ("if", "a > 1", "x == ':'", "y == 'b'")),
    "lines and blanks": ("  a > 1\n  &&\n  b > 2  ", ("and", "a > 1", "b > 2")),
    "a list is one term": ("a in ['x', 'y'] && b > 2", ("and", "a in ['x', 'y']", "b > 2")),
}
"""A condition → its terms and what joins them."""


@each_case("case", TREES)
def test_terms_stand_where_they_are_written(case: str) -> None:
    """Each term is a stretch of the text, without the brackets and blanks around it."""
    text, expected = TREES[case]
    assert shape(ConditionText(text).tree, text) == expected


def test_terms_come_in_the_order_of_the_text() -> None:
    """All that is joined by nothing further, from left to right."""
    text = "(a > 1 || b > 2) && !(c > 3)"
    assert [text[each.low : each.high] for each in ConditionText(text).tree.terms()] == [
        "a > 1",
        "b > 2",
        "c > 3",
    ]


def test_comments_are_blanks() -> None:
    """What is behind them stays where it was."""
    text = "a > 1 // so (\n || b > 2"
    read = ConditionText(text)
    assert len(read.text) == len(text)
    assert shape(read.tree, read.text) == ("or", "a > 1", "b > 2")


def test_what_is_no_condition_is_refused() -> None:
    """It cannot be taken apart."""
    with pytest.raises(CelError):
        ConditionText("a > ")
