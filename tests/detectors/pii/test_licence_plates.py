"""Vehicle registrations: the forms of many countries, each whole, and no words."""

from __future__ import annotations

import re

from guardrails.detectors.pii.licence_plates import FORMS, PLATE
from tests.cases import each_case

PLATES = [
    "AB51 ABC", "BD62XYZ", "LN14-HGT", "aa02 aaa", "A123 BCD", "ABC 123D", "AIZ 1234", "B AB 1234", "HH-AB-1234", "KA EF 12H",
    "AA-229-AA", "AB 123 CD", "1234 BCD", "GB-12-AB", "12-ABC-3", "34 ABC 1234", "06JK12", "81 A 12", "KA53ME3456", "DL3CJI0001",
    "APP-456CV", "7ABC123", "ABC-1234", "123 ABC", "ABC1D23", "\u4eacA12345",
]  # fmt: skip
OTHERS = ["parked", "b ab 1234", "82 ABC 123", "AB00 ABC", "2024-01-02", "12345", "1.2.3", "BAB-"]


@each_case("plate", PLATES)
def test_the_forms_of_countries_are_known(plate: str) -> None:
    """Each example by at least one form."""
    assert any(re.fullmatch(form, plate) for form in FORMS)


@each_case("text", OTHERS)
def test_words_and_numbers_are_none(text: str) -> None:
    """Small letters are not taken where all digits stand together, nor are numbers alone."""
    assert not any(re.fullmatch(form, text) for form in FORMS)


def test_words_of_context_are_in_small_letters_and_once() -> None:
    """They are compared without case."""
    assert len({*PLATE}) == len(PLATE)
    assert all(word == word.lower() for word in PLATE)
