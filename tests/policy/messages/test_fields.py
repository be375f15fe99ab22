"""What is wrong with texts by language and with helplines, in the words of the loader."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails import Guard
from guardrails.errors import PolicyErrors
from tests.cases import each_case

LINE = "helplines: {}\n"


@each_case(
    ("given", "told"),
    [
        ("{AT: {text: a}}", "missing_field: helplines.AT in the policy needs 'source' - such as source: https://"),
        ("{AT: {text: a, source: b}}", "missing_field: helplines.AT in the policy needs 'date' - such as date: 2027-03-31"),
        ("{AT: {text: a, source: '', date: 2026-11-01}}", "helplines.AT.source must not be empty"),
        ("{AT: {text: a, source: b, date: 2026-13-01}}", "helplines.AT.date: '2026-13-01' is no day of the calendar"),
        ("{AT: {text: a, source: b, date: today}}", "helplines.AT.date 'today' must be a date such as 2027-03-31"),
        ("{UK: {text: a, source: b, date: 2026-11-01}}", "'UK' is no code of a country or a language; write GB"),
        ("{austria: {text: a, source: b, date: 2026-11-01}}", "write one such as AT, a language such as de, or both: de-AT"),
        ("{AT: '555-0100'}", "helplines.AT must be a mapping, not the text '555-0100'"),
        ("[a]", "helplines must be a mapping, not a list"),
    ],
)  # fmt: skip
def test_a_helpline_without_source_and_day_is_none(
    guard_of: Callable[..., Guard], given: str, told: str
) -> None:
    """Nobody would know whether the number is right; each problem names the place and the cure."""
    with pytest.raises(PolicyErrors) as caught:
        guard_of(LINE.format(given))
    assert told in str(caught.value)


def test_helplines_of_countries_languages_and_both_are_fine(guard_of: Callable[..., Guard]) -> None:
    """`NO` is Norway, as this YAML has no other word for false."""
    line = "{text: a, source: b, date: 2026-11-01}"
    given = ", ".join(f"{name}: {line}" for name in ("NO", "de", "de-AT", "zh-Hant-TW", "mi"))
    assert guard_of(LINE.format("{" + given + "}")).policy.ref.name
