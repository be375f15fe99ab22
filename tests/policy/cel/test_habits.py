"""Habits in conditions: what is proposed instead, and what is wrong with each."""

from __future__ import annotations

from guardrails.policy.cel.cel import parse
from guardrails.policy.cel.habits import find_habit, propose_condition
from tests.cases import each_case


@each_case(
    ("text", "proposed"),
    [
        ("hate > 0,5", "hate > 0.5"),
        ("NOT hate > 0.5", "!(hate > 0.5)"),
        ("hate > 0.5 AND toxic > 0.5", "hate > 0.5 && toxic > 0.5"),
        ("hate => 0.5", "hate >= 0.5"),
        ('request.model = "a"', 'request.model == "a"'),
    ],
)
def test_a_whole_condition_is_proposed(text: str, proposed: str) -> None:
    """Which parses."""
    assert propose_condition(text) == proposed
    assert parse(proposed) is not None


@each_case(
    "text",
    ["hate > 0.5", "hate >", "", "request.model == 'a and b'", "hate > 0.8 && ((", "x" * 500 + " and y"],
)
def test_nothing_is_proposed_where_nothing_would_be_better(text: str) -> None:
    """Of a sound condition, of one whose meaning is not plain, and of one that is too long to read."""
    assert propose_condition(text) == ""


@each_case(("text", "at"), [("hate > 0,5", 8), ("hate > 0.5", 7)])
def test_a_habit_is_told_where_the_parser_stumbles(text: str, at: int) -> None:
    """And nothing where there is none."""
    found = find_habit(text, at)
    assert (found is not None) == ("," in text)
    assert found is None or (found[0] <= at and "point, not a comma" in found[1])
