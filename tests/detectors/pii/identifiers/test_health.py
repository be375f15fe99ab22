"""Numbers of patients and doctors: published examples pass, and one wrong digit does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.pii.identifiers.health import HEALTH
from tests.cases import each_case

VALID = {
    "us_npi": ["1234567893", "1245319599", "1003000126"],
    "medical_licence": ["BB1388568", "GL0285191", "K92993548"],
    "de_health_insurance": ["A123456780", "a000500015", "Z999999997"],
    "de_social_security": ["15070649C103", "65 070803 A 019", "38551285K051"],
    "de_lanr": ["123456601", "555555501"],
    "de_bsnr": ["021234568"],
}
INVALID = {
    "us_npi": ["1234567890", "3234567893", "123456789"],
    "medical_licence": ["BG8207031", "BB138856"],
    "de_health_insurance": ["A123456787", "1123456780", "A12345678"],
    "de_social_security": ["15070649C100", "15420649C103", "15070049C103", "150706491103"],
    "de_lanr": ["123456901", "12345660", "000000001"],
    "de_bsnr": ["000000000", "02123456"],
}


def test_every_check_has_examples() -> None:
    """No scheme goes untested."""
    assert {*VALID} == {*INVALID} == {*HEALTH}


@each_case(("name", "text"), [(name, text) for name, texts in VALID.items() for text in texts])
def test_published_examples_pass(name: str, text: str) -> None:
    """With separators or without."""
    assert HEALTH[name](text)


@each_case(("name", "text"), [(name, text) for name, texts in INVALID.items() for text in texts])
def test_what_breaks_the_rule_is_refused(name: str, text: str) -> None:
    """Wrong checks, lengths and dates."""
    assert not HEALTH[name](text)


@given(st.sampled_from(["us_npi", "de_health_insurance"]), st.integers(0, 30), st.integers(1, 9))
def test_one_wrong_digit_is_refused(name: str, place: int, change: int) -> None:
    """Whichever digit it is, and whatever it becomes."""
    text = VALID[name][0]
    digits = [at for at, char in enumerate(text) if char.isdecimal()]
    at = digits[place % len(digits)]
    assert not HEALTH[name](text[:at] + str((int(text[at]) + change) % 10) + text[at + 1 :])
