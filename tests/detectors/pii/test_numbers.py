"""Rows for numbers: without a word only what is distinctive and valid, after one what it announces."""

from __future__ import annotations

from guardrails.detectors.patterns.table import PatternTable
from guardrails.detectors.pii.numbers import CHECKS, NUMBERS
from tests.cases import each_case

TABLE = PatternTable(NUMBERS)


def found(text: str) -> set[tuple[str, str]]:
    """Return entity and text of each finding."""
    return {(row.category.removeprefix("pii."), text[start:end]) for row, start, end in TABLE.search(text)}


@each_case(
    ("lead", "number", "entity"),
    [
        ("RRN ", "960121-1234567", "kr_rrn"),  # without a check digit, as since 2020
        ("RRN ", "9601211234567", "kr_rrn"),
        ("FRN ", "911124-5678901", "kr_frn"),
        ("GSTIN ", "27ABCDE1234F1Z5", "in_gstin"),
        ("USt-IdNr. ", "DE 136 695 976", "eu_vat_id"),
        ("VAT ", "de136695976", "eu_vat_id"),
        ("VAT ", "HU12892312", "eu_vat_id"),
        ("TVA ", "FR 83 404 833 048", "eu_vat_id"),
        ("BTW ", "NL 0044.95.445.B01", "eu_vat_id"),
        ("Handelsregister: ", "HRB 1", "de_handelsregister"),
        ("MBI ", "1EG4TE5MK73", "us_mbi"),
        ("Thai ID ", "1234567890121", "th_tnin"),
        ("NPI ", "1234-567-893", "us_npi"),
        ("Kennzeichen: ", "HH-AB-1234", "vehicle_registration"),
        ("transfer to ", "CHASUS33", "swift_bic"),
    ],
)  # fmt: skip
def test_a_word_announces_the_number(lead: str, number: str, entity: str) -> None:
    """With the word the form and its check are enough, without it nothing is found."""
    assert (entity, number) in found(f"the {lead}{number}, yes")
    assert entity not in {name for name, _ in found(f"the {number}, yes")}


@each_case("lead", ["CVV: ", "cvv=", "CVC2 ", "card security code is ", "Security code "])
def test_a_card_security_code_follows_its_name(lead: str) -> None:
    """Three or four digits right behind it; the digits alone are found."""
    assert ("card_security_code", "533") in found(f"pay, {lead}533 and go")
    assert found(f"{lead}53311") == found(f"{lead} none, 533 of them") == set()


@each_case(
    "text",
    [
        "RRN 961321-1234567", "GSTIN 00ABCDE1234F1Z5", "VAT DE123456789", "order DE123456789", "BIC ABSTRACT", "TRANSFER TO CUSTOMER", "cid=533", "id 1234567 a", "hardness HRB 90",
        "routing number 421042111", "NPI 1234567890", "TIN 123456789", "Kennzeichen: rot", "registration fee USD 500, ISO 9001", "build 27ABCDE1234F1Z5",
    ],
)  # fmt: skip
def test_invalid_numbers_are_not_found(text: str) -> None:
    """The word alone does not make a number."""
    assert found(text) == set()


def test_every_check_is_used() -> None:
    """No entity has a check and no row."""
    assert {f"pii.{name}" for name in CHECKS} <= {row.category for row in NUMBERS}
