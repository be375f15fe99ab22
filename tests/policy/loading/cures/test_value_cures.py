"""Values that cannot stand where they do: how they are named, and what to write instead."""

from __future__ import annotations

from guardrails.policy.loading.cures.value_cures import describe, suggest_value
from tests.cases import each_case


@each_case(
    ("value", "text"),
    [
        (None, "nothing (null)"), (True, "true"), (3, "the number 3"), (0.5, "the number 0.5"), ("a", "the text 'a'"),
        ("a" * 80, "the text"), ([1], "a list"), ({}, "a mapping"),
    ],
)  # fmt: skip
def test_values_are_described(value: object, text: str) -> None:
    """A value is named by its kind, and shown if it is short."""
    assert describe(value) == text


@each_case(
    ("value", "literal", "others", "cure"),
    [
        ("1", ["1"], [], "write it without quotes"),
        ("yes", [], ["true or false"], "write true"),
        ("a", [], ["a list"], "write a list: [a]"),
        (5, [], ["a text"], "put it in quotes"),
        ("blok", ["'block'", "'flag'"], [], "did you mean 'block'?"),
        ("xyz", ["'block'", "'flag'"], [], ""),
    ],
)
def test_a_value_is_put_right(value: object, literal: list[str], others: list[str], cure: str) -> None:
    """Where it is plain what was meant."""
    assert suggest_value(("x",), value, literal, others) == cure
