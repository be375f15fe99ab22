"""Made-up values: of the right kind or shape, the same for the same, and never what they stand for."""

from __future__ import annotations

import ipaddress
import re
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import MissingExtra
from guardrails.detectors.pii.identifiers.validators import VALIDATORS
from guardrails.engine.redaction import fakes
from guardrails.engine.redaction.fakes import PROVIDERS, keep_shape, make_fake
from guardrails.keys import KEY_VARIABLE
from tests.cases import each_case


@each_case("category", PROVIDERS)
@each_case("locale", ["en_US", "de_DE", "ja_JP", "en_PH"])
def test_each_kind_has_a_value_that_stays(category: str, locale: str) -> None:
    """The same for the same value, others for another value or another attempt."""
    made = make_fake(category, "a value", locale)
    assert made
    assert made != "a value"
    assert make_fake(category, "a value", locale) == made
    others = {make_fake(category, f"value {n}", locale, n % 2) for n in range(20)}
    assert len(others) > 10
    assert made not in {"value 0", "value 1"}


@each_case(
    ("category", "value", "form"),
    [
        ("pii.email", "jo@example.com", r"[\w.]+@example\.(com|org|net)"),
        ("pii.credit_card", "4111 1111 1111 1111", r"4\d{3} \d{4} \d{4} \d{4}"),
        ("pii.credit_card", "378282246310005", r"4\d{15}"),
        ("pii.date_of_birth", "17.05.1990", r"(0[1-9]|1[0-2])\.(0[1-9]|1[0-2])\.(19[4-9]\d|200[0-5])"),
        ("pii.date_of_birth", "1990/5/7", r"(19[4-9]\d|200[0-5])/\d\d/\d\d"),
        ("pii.date_of_birth", "May 7, 1990", r"(19[4-9]\d|200[0-5])-\d\d-\d\d"),
        ("pii.mac_address", "00-1A-2B-3C-4D-5E", r"([0-9a-f]{2}-){5}[0-9a-f]{2}"),
        ("pii.us_ssn", "219-09-9999", r"\d{3}-\d\d-\d{4}"),
        ("secret.token", "ghp_aB3é-漢٣", r"[a-z]{3}_[a-z][A-Z]\d[a-z]-[a-z]\d"),
        ("custom.case", "AB-12/x", r"[A-Z]{2}-\d\d/[a-z]"),
    ],
)  # fmt: skip
def test_a_made_up_value_has_the_form_of_its_kind(category: str, value: str, form: str) -> None:
    """Faker's where it has the kind, else the shape of the value."""
    for attempt in range(20):
        assert re.fullmatch(form, make_fake(category, value, "en_US", attempt))


@each_case("name", ["credit_card", "iban"])
def test_numbers_that_have_check_digits_have_right_ones(name: str) -> None:
    """What reads them next does not stop at them."""
    check = VALIDATORS["luhn" if name == "credit_card" else name]
    assert all(check(make_fake(f"pii.{name}", str(n), "de_DE")) for n in range(50))


def test_an_ip_address_keeps_its_version() -> None:
    """Four bytes for four, sixteen for sixteen."""
    assert ipaddress.ip_address(make_fake("pii.ip_address", "10.0.0.1", "en_US")).version == 4
    assert ipaddress.ip_address(make_fake("pii.ip_address", "::1", "en_US")).version == 6


def test_a_value_depends_on_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not have it cannot tell which value a made-up one stands for."""
    made = set()
    for number in range(5):
        monkeypatch.setenv(KEY_VARIABLE, f"{number}" * 32)
        made.add((make_fake("pii.person", "Jo", "en_US"), make_fake("secret.x", "abcdefgh", "en_US")))
    assert len(made) == 5


def test_a_locale_decides_names() -> None:
    """German ones in German; a number that belongs to a country stays as that country has it."""
    names = {make_fake("pii.street_address", str(n), "de_DE") for n in range(30)}
    assert any(re.search("(straße|str\\.|gasse|weg|platz|ring|allee)", name, re.IGNORECASE) for name in names)
    assert re.fullmatch(r"\d{3}-\d\d-\d{4}", make_fake("pii.us_ssn", "x", "de_DE"))


@given(st.text(), st.integers(0, 2**256 - 1))
def test_a_shape_is_kept(value: str, seed: int) -> None:
    """Digits for digits, letters for letters, upper case for upper case, and the rest as it is."""
    made = keep_shape(value, seed)
    assert len(made) == len(value)
    for new, old in zip(made, value, strict=True):
        if old.isdecimal():
            assert new.isdecimal()
        elif old.isalpha():
            assert (new.isalpha(), new.isupper()) == (True, old.isupper())
        else:
            assert new == old


def test_threads_do_not_disturb_each_other() -> None:
    """Each gets what it would get alone, although all share a Faker."""
    alone = [make_fake("pii.person", str(n), "en_US") for n in range(50)]
    seen: list[list[str]] = []
    threads = [
        threading.Thread(
            target=lambda: seen.append([make_fake("pii.person", str(n), "en_US") for n in range(50)])
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [alone] * 4


def test_without_faker_there_is_an_error_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should it vanish after the policy was loaded."""
    monkeypatch.setitem(sys.modules, "faker", None)
    fakes._faker.cache_clear()
    with pytest.raises(MissingExtra, match=r"guardrails-middleware\[fake\]"):
        make_fake("pii.person", "Jo", "en_US")
