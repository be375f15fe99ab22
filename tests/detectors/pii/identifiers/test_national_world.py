"""Check digits beyond Europe: published examples pass, and one wrong digit does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.pii.identifiers.national_world import WORLD, kr_dated
from tests.cases import each_case

VALID = {
    "us_itin": ["912-70-1234"],
    "br_cpf": ["111.444.777-35"],
    "br_cnpj": ["11.222.333/0001-81", "11.444.777/0001-61"],
    "mx_curp": ["BOXW310820HNERXN09", "HEGG560427MVZRRL04"],
    "ar_cuit": ["20-12345678-6", "20-05536168-2"],
    "cl_rut": ["12.345.678-5", "30.686.957-4"],
    "in_aadhaar": ["2341 2341 2346", "2345 6789 0124"],
    "au_tfn": ["123 456 782", "876543210"],
    "au_abn": ["51 824 753 556"],
    "au_medicare": ["2123 45670 1"],
    "ca_sin": ["130 692 544"],
    "sg_nric": ["S1234567D", "F1234567N", "M1234567K", "T1234567J", "G1234567X"],
    "kr_rrn": ["900101-1234568"],
    "kr_frn": ["911124-5678906", "050912-6000012"],
    "th_tnin": ["1234567890121", "3-4567-89012-34-7", "5678901234560"],
    "jp_my_number": ["123456789018"],
    "cn_resident_id": ["11010519491231002X"],
    "tr_tckn": ["10000000146"],
    "il_id": ["123456782"],
    "za_id": ["8001015009087"],
}
# The others have no check digit, or remainders that share one.
SURE = [
    "ar_cuit",
    "cl_rut",
    "in_aadhaar",
    "au_tfn",
    "au_abn",
    "ca_sin",
    "cn_resident_id",
    "tr_tckn",
    "il_id",
    "za_id",
]


def test_every_check_has_an_example() -> None:
    """No scheme goes untested."""
    assert {*VALID} == {*WORLD}


@each_case(("name", "text"), [(name, text) for name, texts in VALID.items() for text in texts])
def test_published_examples_pass(name: str, text: str) -> None:
    """With separators or without; too few digits and none at all are refused or not the check's to see."""
    assert WORLD[name](text)
    if "." in text or " " in text:
        assert WORLD[name](text.replace(".", "").replace(" ", ""))


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
    assert not WORLD[name](wrong)


@each_case(
    ("name", "text"),
    [
        ("kr_rrn", "900101-1234567"),
        ("kr_rrn", "911124-5678906"),  # a foreigner's
        ("kr_frn", "911124-5678901"),
        ("kr_frn", "900101-1234568"),
        ("th_tnin", "1284567890124"),  # no province
        ("th_tnin", "0234567890124"),
        ("th_tnin", "1234567890123"),
    ],
)
def test_what_breaks_the_rule_is_refused(name: str, text: str) -> None:
    """Forms alone are not enough."""
    assert not WORLD[name](text)


@each_case(
    ("text", "dated"),
    [
        ("960121-1234567", True),
        ("000505-3637892", True),
        ("001332-1234567", False),
        ("000229-1000000", False),
    ],
)
def test_a_korean_number_has_a_date_of_its_century(text: str, dated: bool) -> None:
    """The 29th of February 2000 was, that of 1900 was not."""
    assert kr_dated(text) is dated


@given(st.integers(2 * 10**10, 10**11 - 1))
def test_verhoeff_has_one_check_digit_and_sees_swaps(number: int) -> None:
    """Exactly one of ten last digits is right, and two neighbours that change places are seen."""
    (valid,) = [f"{number}{check}" for check in range(10) if WORLD["in_aadhaar"](f"{number}{check}")]
    for at in range(1, 11):
        swapped = valid[:at] + valid[at + 1] + valid[at] + valid[at + 2 :]
        assert swapped == valid or not WORLD["in_aadhaar"](swapped)
