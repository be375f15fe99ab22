"""The did-you-mean of messages."""

from __future__ import annotations

from guardrails.spelling import suggest_name
from tests.cases import each_case


@each_case(
    ("name", "known", "hint"),
    [
        ("hate2", ["hate", "hate3", "on"], "did you mean 'hate' or 'hate3'?"),
        ("blok", ["block", "clock"], "did you mean 'block'?"),
        ("xyz", ["a", "b"], "one of: a, b"),
        ("xyz", [str(number) for number in range(20)], ""),
        ("xyz", [], ""),
        ("HATE", ["hate", "other"], "did you mean 'hate'?"),
    ],
)
def test_near_names_are_offered_else_all_if_few(name: str, known: list[str], hint: str) -> None:
    """A hint names what is near; where nothing is, all that is possible, if that is short."""
    assert suggest_name(name, known) == hint
