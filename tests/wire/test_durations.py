"""Durations: what is read, what is refused, and that both directions agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire.durations import LONGEST, format_duration, parse_duration
from tests.cases import each_case


@each_case(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("15m", 900), ("24h", 86_400), ("30d", 2_592_000), ("2w", 1_209_600)],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    """A number and a unit."""
    assert parse_duration(text) == seconds


@each_case(
    "text", ["", "30", "d", "0s", "-1d", "1.5h", "1 h", "1h30m", "30D", "1y", "3months", "30d\n", "٣d"]
)
def test_anything_else_is_refused_with_a_cure(text: str) -> None:
    """The message shows how one is written."""
    with pytest.raises(ValueError, match="such as 90s, 15m"):
        parse_duration(text)


def test_a_slip_of_a_digit_is_refused() -> None:
    """Nobody means a thousand years."""
    with pytest.raises(ValueError, match="ten years"):
        parse_duration("366000d")


@given(st.integers(min_value=1, max_value=LONGEST))
def test_what_is_written_is_read_again(seconds: int) -> None:
    """Both directions agree on every whole number of seconds that has nine digits at most in its unit."""
    assert parse_duration(format_duration(seconds)) == seconds
