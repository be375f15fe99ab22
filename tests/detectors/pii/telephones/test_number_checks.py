"""Checks of what has the form of a telephone number."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.detectors.pii.telephones import number_checks as checks
from tests.cases import each_case


@each_case(
    ("check", "text", "good"),
    [
        (checks.is_international_number, "+49 30 901820", True),
        (checks.is_international_number, "+44 0000 0000", True),
        (checks.is_international_number, "0012025550143", False),
        (checks.is_national_number, "06 12 34 56 78", True),
        (checks.is_national_number, "01 02 03 04 05", False),
        (checks.is_announced_number, "0171 1234567", True),
        (checks.is_announced_number, "2024-01-02", False),
        (checks.is_announced_number, "169.254.169.254", False),
        (checks.is_announced_number, "12 500 000", False),
        (checks.is_announced_elsewhere, "0171 1234567", False),
        (checks.is_unnamed_number, "call me on ", True),
        (checks.is_unnamed_number, "order no. ", False),
        (checks.is_unnamed_number, '"call_id": ', False),
        (checks.begins_number, "12 ", False),
    ],
)
def test_what_may_be_a_number(check: Callable[[str], bool], text: str, good: bool) -> None:
    """By its digits and groups, and by what stands in front."""
    assert check(text) is good
