"""Numbers, bounds, dates and names that are written in another way than a policy takes them."""

from __future__ import annotations

from guardrails.policy.loading.cures.number_cures import read_number, suggest_bound, suggest_form
from tests.cases import each_case


@each_case(
    ("field", "text", "whole", "words"),
    [
        ("score", "0,8", False, "write 0.8"),
        ("score", "80 %", False, "write 0.8 for 80 %"),
        ("score", "0.8", False, "without quotes"),
        ("characters", "200_000", True, "200000"),
        ("characters", "200 000", True, "200000"),
        ("deadline_ms", "10s", True, "alone: 10000"),
        ("picture_bytes", "20 MB", True, "alone: 20000000"),
        ("characters", "many", True, ""),
    ],
)
def test_a_number_is_read(field: str, text: str, whole: bool, words: str) -> None:
    """With the decimal, the separators and the units of elsewhere; what is none is left alone."""
    hint = read_number(field, text, whole=whole)
    assert words in hint if words else hint == ""


@each_case(("value", "hint"), [(80, "write score: 0.8 for 80 %"), (0.5, ""), (1000, "")])
def test_a_percentage_past_one_is_a_share(value: float, hint: str) -> None:
    """Where one is the most."""
    assert suggest_bound("score", value, 1.0) == hint


@each_case(
    ("form", "text", "hint"),
    [
        ("a date", "31.12.2027", "write 2027-12-31"),
        ("a date", "12/31/2027", "write 2027-12-31"),
        ("a date", "03/04/2027", "write the year first, then month and day: 2027-MM-DD"),
        ("a date", "soon", ""),
        ("letters", "Größe der Bank", "such as grosse-der-bank"),
        ("letters", "!", ""),
    ],
)
def test_a_form_is_proposed(form: str, text: str, hint: str) -> None:
    """Dates with the year first, names in lower case."""
    assert suggest_form(form, text) == hint
