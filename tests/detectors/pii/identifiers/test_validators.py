"""Checks of a matched text, each against the plain definition or published examples."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.pii.identifiers.validators import (
    IBAN_LENGTHS,
    VALIDATORS,
    base58check,
    bech32,
    credit_card,
    crypto_address,
    iban,
    ip_address,
    ipv6_address,
    luhn,
    mac_address,
    phone,
    us_ssn,
)
from tests.cases import each_case

DIGITS = st.text(alphabet="0123456789", min_size=0, max_size=24)


def naive_luhn(digits: str) -> bool:
    """Compute the check as the standard words it: from the right, double every second digit, add up."""
    total = 0
    for place, char in enumerate(reversed(digits), 1):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return len(digits) >= 2 and total % 10 == 0


@given(DIGITS, st.sampled_from(["", " ", "-", ". "]))
def test_luhn_is_the_published_check(digits: str, separator: str) -> None:
    """Luhn agrees with the standard's wording, whatever stands between the digits."""
    assert luhn(separator.join(digits)) is naive_luhn(digits)


@given(DIGITS.filter(lambda digits: len(digits) > 1), st.integers(0, 23), st.integers(1, 9))
def test_luhn_sees_any_single_wrong_digit(digits: str, place: int, change: int) -> None:
    """One digit changed makes a valid number invalid."""
    body = digits + next(check for check in "0123456789" if naive_luhn(digits + check))
    place %= len(body)
    wrong = body[:place] + str((int(body[place]) + change) % 10) + body[place + 1 :]
    assert luhn(body)
    assert not luhn(wrong)


@given(st.text(alphabet="0123456789", min_size=30, max_size=30), st.sampled_from(["GB", "DE", "FR", "NO"]))
def test_iban_has_exactly_one_check_for_each_account(account: str, country: str) -> None:
    """Of all hundred check numbers the one by the definition (98 minus the remainder) is valid, at its country's length."""
    account = account[: IBAN_LENGTHS[country] - 4]
    remainder = int(account + "".join(str(ord(char) - 55) for char in country) + "00") % 97
    check = f"{98 - remainder:02}"
    assert iban(f"{country}{check}{account}")
    wrong = f"{(int(check) + 1) % 97:02}"
    assert not iban(f"{country}{wrong}{account}")
    assert not iban(f"{country}{check}{account}0")


@each_case(
    ("name", "text", "valid"),
    [
        ("credit_card", "4111 1111 1111 1111", True),
        ("credit_card", "4111-1111-1111-1112", False),
        ("credit_card", "٤١١١١١١١١١١١١١١١", True),
        ("credit_card", "0000 0000 0000 0000", False),
        ("credit_card", "4222222222222", True),
        ("credit_card", "42222222222", False),
        ("luhn", "18", True),
        ("luhn", "0", False),
        ("luhn", "", False),
        ("iban", "GB82 WEST 1234 5698 7654 32", True),
        ("iban", "gb82west12345698765432", True),
        ("iban", "GB83 WEST 1234 5698 7654 32", False),
        ("iban", "GB82", False),
        ("iban", "123456789012345", False),
        ("iban", "GB82-WEST-1234-5698-7654-32", True),
        ("iban", "CR05 0152 0200 1026 2840 66", True),
        ("iban", "CR05 0152 0200 1026 2840 6", False),
        ("phone", "+49 30 901820", True),
        ("phone", "0000 0000", False),
        ("phone", "1234567", False),
        ("phone", "1" * 8 + "2" * 8, False),
        ("us_ssn", "123-45-6789", True),
        ("us_ssn", "000-45-6789", False),
        ("us_ssn", "666-45-6789", False),
        ("us_ssn", "923-45-6789", False),
        ("us_ssn", "123-00-6789", False),
        ("us_ssn", "123-45-0000", False),
        ("us_ssn", "", False),
        ("us_ssn", "078-05-1120", False),
        ("us_ssn", "219099999", False),
        ("ip_address", "192.168.0.1", True),
        ("ip_address", "192.168.0.256", False),
        ("ip_address", "0.0.0.0", True),
        ("ip_address", "255.255.255.255", True),
        ("ip_address", "1.2.3", False),
        ("ip_address", "1.2.3.", False),
        ("ip_address", "1.2.3.٤", False),
    ],
)
def test_published_examples(name: str, text: str, valid: bool) -> None:
    """Real forms pass; wrong checks, reserved ranges, repeated digits and fragments do not."""
    assert VALIDATORS[name](text) is valid


@given(st.sampled_from(sorted(VALIDATORS)), st.text())
def test_any_text_is_judged(name: str, text: str) -> None:
    """No text makes a validator raise."""
    assert VALIDATORS[name](text) in {True, False}


def test_the_table_holds_every_validator() -> None:
    """Names in a policy lead to the functions of this file."""
    assert {*VALIDATORS.values()} == {luhn, credit_card, iban, phone, us_ssn, ip_address}


@each_case(
    ("check", "text", "valid"),
    [
        (base58check, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", True),
        (base58check, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", False),
        (base58check, "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", True),
        (base58check, "z" * 40, False),
        (bech32, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", True),
        (bech32, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", True),
        (bech32, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", False),
        (bech32, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", True),
        (crypto_address, "0x52908400098527886E0F7030069857D2E4169EE7", True),
        (crypto_address, "0x" + "0" * 40, False),
        (ipv6_address, "2001:db8::1", True),
        (ipv6_address, "::1", True),
        (ipv6_address, "::", False),
        (ipv6_address, "2001::db8::1", False),
        (ipv6_address, "2001:db8::/32", True),
        (ipv6_address, "fe80::1%eth0", True),
        (ipv6_address, "12:34:56", False),
        (mac_address, "00:1a:2b:3c:4d:5e", True),
        (mac_address, "ff:ff:ff:ff:ff:ff", False),
        (phone, "555-010-9999x123", True),
        (credit_card, "1732502368008", False),
    ],
)
def test_addresses_of_machines_and_coins(check: Callable[[str], bool], text: str, valid: bool) -> None:
    """Published examples pass, one wrong character does not."""
    assert check(text) is valid
