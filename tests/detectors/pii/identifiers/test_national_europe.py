"""Check digits: published examples pass, and one wrong digit does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.pii.identifiers.national_europe import EUROPE
from tests.cases import each_case

VALID = {
    "uk_nhs": ["943 476 5919"],
    "de_tax_id": ["86095742719", "47036892816"],
    "de_id_card": ["L01X00T47", "L01X00T471", "T220001293"],
    "fr_nir": ["1 85 05 78 006 084 91", "255081416802538"],
    "es_dni": ["12345678Z", "X1234567L", "x1234567l", "1111111G"],
    "it_codice_fiscale": ["RSSMRA85T10A562S"],
    "nl_bsn": ["111222333"],
    "be_national_number": ["85.07.30-033.28"],
    "pt_nif": ["123456789", "501442600"],
    "pl_pesel": ["44051401359"],
    "pl_nip": ["123-456-32-18", "526-10-40-828", "5261040828"],
    "se_personnummer": ["811218-9876", "640823-3234"],
    "no_fodselsnummer": ["01010750160", "15076500565"],
    "dk_cpr": ["211062-5629"],
    "fi_hetu": ["131052-308T"],
    "ch_ahv": ["756.9217.0769.85"],
    "at_svnr": ["1237 010180"],
    "ie_pps": ["1234567T", "1234567FA"],
    "uk_nino": ["AB123456C"],
}
# The others have no check digit, or remainders that share one.
SURE = [
    "uk_nhs",
    "de_tax_id",
    "fr_nir",
    "es_dni",
    "it_codice_fiscale",
    "nl_bsn",
    "be_national_number",
    "pl_pesel",
    "pl_nip",
    "se_personnummer",
    "no_fodselsnummer",
    "fi_hetu",
    "ch_ahv",
    "at_svnr",
    "ie_pps",
]


def test_every_check_has_an_example() -> None:
    """No scheme goes untested."""
    assert {*VALID} == {*EUROPE}


@each_case(("name", "text"), [(name, text) for name, texts in VALID.items() for text in texts])
def test_published_examples_pass(name: str, text: str) -> None:
    """With separators or without; too few digits and none at all are refused or not the check's to see."""
    assert EUROPE[name](text)
    if "." in text or " " in text:
        assert EUROPE[name](text.replace(".", "").replace(" ", ""))


@each_case(
    ("name", "text"),
    [
        ("de_tax_id", "12345678903"),  # no digit twice
        ("de_tax_id", "11223456785"),  # two digits twice
        ("de_id_card", "L01X00T472"),
        ("de_id_card", "LXXXXXTTT"),
        ("es_dni", "1111111H"),
        ("se_personnummer", "18901313-9802"),
    ],
)
def test_what_breaks_the_rule_is_refused(name: str, text: str) -> None:
    """Forms alone are not enough."""
    assert not EUROPE[name](text)


@given(
    st.sampled_from([(name, text) for name in SURE for text in VALID[name]]),
    st.integers(0, 30),
    st.integers(1, 9),
)
def test_one_wrong_digit_is_refused(example: tuple[str, str], place: int, change: int) -> None:
    """Whichever digit it is, and whatever it becomes."""
    name, text = example
    digits = [at for at, char in enumerate(text) if char.isdecimal()]
    at = digits[place % len(digits)]
    wrong = text[:at] + str((int(text[at]) + change) % 10) + text[at + 1 :]
    assert not EUROPE[name](wrong)
