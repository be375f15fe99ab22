"""What is wrong with a text in a wrong format, as people and models read it."""

from __future__ import annotations

from guardrails.verdicts.format_failure import FormatProblem


def test_a_problem_says_where_and_what() -> None:
    """The JSON Pointer of the value, or the whole answer, and what was expected."""
    assert str(FormatProblem("/age", "must be of type integer")) == "/age: must be of type integer"
    assert str(FormatProblem("", "must be valid JSON")) == "the answer: must be valid JSON"
