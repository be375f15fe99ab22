"""Numbers of companies and banks: published examples pass, and one wrong digit does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.pii.identifiers.companies import COMPANIES, in_state
from tests.cases import each_case

VALID = {
    "eu_vat_id": ["DE136695976"],
    "in_gstin": ["27AAPFU0939F1ZV"],
    "it_partita_iva": ["00743110157", "01333550323"],
    "kr_brn": ["104-86-56659", "104-82-13138"],
    "se_organisationsnummer": ["212000-0142", "556703-7485", "16556703-7485"],
    "au_acn": ["000 000 019", "005 499 981"],
    "ph_tin": ["000-123-456", "000-123-456-001"],
    "sg_uen": ["53125226D", "201434292D", "T16RF0037C", "S57TU0392K"],
    "us_aba_routing": ["121000358", "3222-7162-7"],
    "swift_bic": ["DEUTDEFF500", "CHASUS33"],
}
INVALID = {
    "eu_vat_id": ["DE136695977"],
    "in_gstin": ["27AAPFU0939F1ZW", "00AAPFU0939F1ZV", "27AAPFU0939F1Z"],
    "it_partita_iva": ["00000000000", "00743110158", "0074311015"],
    "kr_brn": ["104-86-56658", "123-45-67890", "0000000000"],
    "se_organisationsnummer": ["550103-7485", "556703-7486", "456703-7485"],
    "au_acn": ["824 753 557", "000 000 000"],
    "ph_tin": ["000-123-457", "123456789"],
    "sg_uen": ["53125226E", "201434292E", "T16RF0037D", "53125226"],
    "us_aba_routing": ["421042111", "1234-0000-0", "000000000", "121000359"],
    "swift_bic": ["ABSTRACT", "DEUTDEFF5"],
}


def test_every_check_has_examples() -> None:
    """No scheme goes untested."""
    assert {*VALID} == {*INVALID} == {*COMPANIES}


@each_case(("name", "text"), [(name, text) for name, texts in VALID.items() for text in texts])
def test_published_examples_pass(name: str, text: str) -> None:
    """With separators or without."""
    assert COMPANIES[name](text)


@each_case(("name", "text"), [(name, text) for name, texts in INVALID.items() for text in texts])
def test_what_breaks_the_rule_is_refused(name: str, text: str) -> None:
    """Wrong checks, lengths, offices, districts and countries."""
    assert not COMPANIES[name](text)


@given(
    st.sampled_from([(name, VALID[name][0]) for name in ("it_partita_iva", "kr_brn", "us_aba_routing")]),
    st.integers(0, 30),
    st.integers(1, 9),
)
def test_one_wrong_digit_is_refused(example: tuple[str, str], place: int, change: int) -> None:
    """Whichever digit it is, and whatever it becomes."""
    name, text = example
    digits = [at for at, char in enumerate(text) if char.isdecimal()]
    at = digits[place % len(digits)]
    assert not COMPANIES[name](text[:at] + str((int(text[at]) + change) % 10) + text[at + 1 :])


@each_case(("text", "state"), [("27X", True), ("00X", False), ("39X", False), ("97X", True), ("X", False)])
def test_states_of_india(text: str, state: bool) -> None:
    """Codes 01 to 38, and 97 for other territory."""
    assert in_state(text) is state
