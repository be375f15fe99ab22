"""Numbers as texts."""

from __future__ import annotations

import pytest

from guardrails import RequestError
from guardrails.engine.values.long_numbers import format_number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, ""),
        (True, ""),
        (99_999, ""),
        (100_000, "100000"),
        (-4111111111111111, "-4111111111111111"),
        (4111111111111111.0, "4111111111111111"),
        (123456.5, "123456.5"),
        (0.123456789, ""),
        (float("inf"), ""),
        (float("nan"), ""),
        (10**400, "1" + "0" * 400),
    ],
)
def test_long_numbers_are_texts(number: float, text: str) -> None:
    """A number is judged from six digits before the point; fractions of vectors are not."""
    assert format_number(number) == text


def test_a_number_too_long_to_write_is_refused() -> None:
    """Python writes no number of more than some thousand digits: that is a refused request, not a crash."""
    with pytest.raises(RequestError, match="too many digits"):
        format_number(10**5000)
