"""Azure's severities."""

from __future__ import annotations

from guardrails.proxy.routes.openai.azure_severity import FAMILIES, FOUR, severity, word
from tests.cases import each_case


@each_case(
    ("score", "eight", "four", "said"),
    [
        (0.0, 0, 0, "safe"),
        (0.2, 1, 0, "safe"),
        (0.25, 2, 2, "low"),
        (0.5, 4, 4, "medium"),
        (0.74, 5, 4, "medium"),
        (0.75, 6, 6, "high"),
        (1.0, 7, 6, "high"),
    ],
)
def test_a_score_is_told_in_levels_and_words(score, eight, four, said) -> None:
    """In eight levels, in four, and as a word."""
    assert (severity(score, 1), severity(score, FOUR), word(score)) == (eight, four, said)


def test_insults_are_hate() -> None:
    """Azure has no kind of its own for them."""
    assert FAMILIES["Hate"] == ("hate", "harassment")
    assert {*FAMILIES} == {"Hate", "SelfHarm", "Sexual", "Violence"}
