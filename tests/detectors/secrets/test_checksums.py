"""Checks of candidate secrets: right checksums pass and wrong ones do not; chance passes and stand-ins do not."""

from __future__ import annotations

import hashlib
import uuid

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.secrets.checksums import (
    BASE58,
    BASE62,
    BECH32,
    base58check,
    bech32,
    bech32_checksum,
    crc32_base62,
    crc32_digits,
    entropy,
    has_variety,
    is_compact_key,
    is_mixed_case_secret,
    is_plausible_secret,
    is_random_value,
    is_real_password,
    is_stand_in,
    other_crc32,
)
from tests.cases import each_case

BODIES = st.text(BASE62, min_size=30, max_size=30)
DATA = st.text(BECH32, min_size=1, max_size=52)


def changed(text: str, at: int, alphabet: str) -> str:
    """Return the text with the character at a place exchanged for the alphabet's next."""
    at %= len(text)
    return text[:at] + alphabet[(alphabet.index(text[at]) + 1) % len(alphabet)] + text[at + 1 :]


@given(BODIES, st.integers(0, 35))
def test_crc32_holds_for_its_own_digits_and_no_changed_character(body: str, at: int) -> None:
    """A token that ends in the CRC-32 of its body passes; with any one character changed it does not."""
    token = body + crc32_digits(body)
    assert crc32_base62("ghp_" + token)
    assert not crc32_base62("ghp_" + changed(token, at, BASE62))


def test_crc32_digits_are_six_with_leading_zeros() -> None:
    """The known CRC-32 of "123456789", 0xCBF43926, is written in base 62; that of nothing is all zeros."""
    value = 0
    for digit in crc32_digits("123456789"):
        value = value * 62 + BASE62.index(digit)
    assert value == 0xCBF43926
    assert crc32_digits("") == "000000"


@given(DATA, st.integers(0, 1000))
def test_bech32_holds_for_its_own_checksum_and_no_changed_character(data: str, at: int) -> None:
    """Data with its checksum pass in lower and upper case; changed in one character or mixed in case they fail."""
    whole = data + bech32_checksum("age-secret-key-", data)
    assert bech32("age-secret-key-1" + whole)
    assert bech32(("age-secret-key-1" + whole).upper())
    assert not bech32("age-secret-key-1" + changed(whole, at, BECH32))
    assert not bech32("AGE-SECRET-KEY-1" + whole + "q")


@each_case("text", ["A12UEL5L", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"])
def test_bech32_accepts_the_vectors_of_its_standard(text: str) -> None:
    """Valid strings of BIP 173 pass."""
    assert bech32(text)


@each_case("text", ["", "1", "1qzzfhee", "pzry9x0s0muk", "x1b4n0q5v"])
def test_bech32_refuses_what_its_standard_refuses(text: str) -> None:
    """No prefix, no mark, or characters outside of the alphabet: invalid, without an error."""
    assert not bech32(text)


@given(st.binary(min_size=1, max_size=80), st.integers(0, 1000))
def test_base58check_holds_for_its_own_checksum_and_no_changed_character(payload: bytes, at: int) -> None:
    """Bytes with their double SHA-256 in base 58 pass; with one character changed they do not."""
    payload = b"\x80" + payload
    number = int.from_bytes(payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4], "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    assert base58check(text)
    assert not base58check(changed(text, at, BASE58))


@each_case("text", ["", "1", "0", "O0Il", "é"])
def test_base58check_refuses_short_and_foreign_texts(text: str) -> None:
    """Too short, or characters outside of the alphabet: invalid, without an error."""
    assert not base58check(text)


@given(st.text(max_size=100))
def test_every_check_answers_for_any_text(text: str) -> None:
    """Checks return a truth value for any text, and entropy lies between 0 and the logarithm of the length."""
    for check in (
        crc32_base62,
        other_crc32,
        bech32,
        base58check,
        is_stand_in,
        has_variety,
        is_plausible_secret,
        is_mixed_case_secret,
        is_real_password,
        is_random_value,
    ):
        assert check(text) in {True, False}
    assert 0 <= entropy(text) <= max(1, len(text)).bit_length()


@given(BODIES)
def test_a_github_token_is_of_one_row(body: str) -> None:
    """Right and wrong checksums exclude each other, so that a token is one finding."""
    for token in (body + crc32_digits(body), body + "000000"):
        assert not (crc32_base62(token) and other_crc32(token))


def test_entropy_is_that_of_shannon() -> None:
    """None for one character, one bit for two, four for sixteen."""
    assert entropy("") == entropy("aaaa") == 0
    assert entropy("abab") == 1
    assert entropy("0123456789abcdef") == 4


@each_case(
    "text",
    [
        "xxxxxxxxxxxxxxxx", "your-key-here", "${VAR}", "$TOKEN", "<token>", "changeme", "change_me", "{{ secret }}", "%(key)s",
        "password", "Secret", "sk-...", "****", "REDACTED", "example-1234", "prefix-${VAR}-1",
        "123e4567-e89b-42d3-a456-426614174000",
    ],
)  # fmt: skip
def test_stand_ins_are_no_secrets(text: str) -> None:
    """Placeholders, references to variables and well-known defaults are refused by every check of randomness."""
    assert is_stand_in(text)
    assert not is_plausible_secret(text)
    assert not is_real_password(text)
    assert not is_random_value(text)


@each_case(
    ("text", "expected"),
    [("sk-Zk3xQ9mB7vT2nR5p", True), ("sk-QWERTYUIASDFGHJK", True), ("sk-loading_indicator", False),
     ("sk-AAAAAAAAAAAAAAAAA", False), ("sk-YOUR_KEY_GOES_HERE", False)],
)  # fmt: skip
def test_a_short_key_is_no_word_and_no_stand_in(text: str, expected: bool) -> None:
    """What follows `sk-` is mixed or capital letters, more than a few of them."""
    assert is_compact_key(text) is expected


@each_case(
    ("text", "bits", "expected"),
    [("a1b2c3d4a1b2c3d4", 3.0, True), ("a1b2c3a1b2c3a1b2", 2.56, False),
     ("Zk3xQ9mB7vT2Zk3x", 3.5, True), ("Zk3xQ9mB7vZk3xQ9", 3.25, False)],
)  # fmt: skip
def test_a_drawn_value_of_sixteen_characters_is_random(text: str, bits: float, expected: bool) -> None:
    """Three bits a character are enough in hexadecimal and three and a half in letters: what sixteen drawn ones keep."""
    assert round(entropy(text), 2) == bits
    assert is_random_value(text) is expected


def test_percent_encoding_makes_nothing_random() -> None:
    """A link in a parameter is no key, whatever letters and digits its encoded signs are written with."""
    assert not is_random_value("https%3A%2F%2Fexample.com%2Fdocs%2Fintro%3Fx%3Dy")
    assert is_random_value("Zk3xQ9mB7vT2nR5pL8wJ%3D%3D")


@each_case("name", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_digests_are_no_random_values(name: str) -> None:
    """A commit or another SHA digest in hexadecimal is public, whatever it is assigned to."""
    assert not is_random_value(hashlib.new(name, b"text").hexdigest())


@given(st.uuids())
def test_uuids_are_no_random_values(value: uuid.UUID) -> None:
    """An assigned UUID is an identifier, in either case."""
    assert not is_random_value(str(value))
    assert not is_random_value(str(value).upper())


@each_case(
    "text",
    [
        "Zk3xQ9mB7vT2nR5p", "3f9a1c7be2d580463f9a1c7be2d58046", "q8W!r2Zt#5mK9pLx3", "dGhpcyBpc2E0c2VjcmV0M2tleTEyMw==",
    ],
)  # fmt: skip
def test_random_values_are_secrets(text: str) -> None:
    """Characters drawn at random pass, of whatever alphabet."""
    assert is_random_value(text)


@each_case(
    "text",
    [
        "Zk3xQ9mB7vT2nR5", "tokenizer_v2_base_large", "self.password_validator", "AuthenticationProviderFactory",
        "sha256-3f9a1c7be2d580463f9a1c7be2d58046", "dev-lb1.api2.h3re.internal:5215", "2024-01-01T00:00:00.000",
        "aaaaaaaaaaaaaaaaaaaa1a1a1a", "00000000000000000000000000000000",
    ],
)  # fmt: skip
def test_words_and_digests_are_no_random_values(text: str) -> None:
    """Short values, identifiers, digests with their name, hosts, dates and repetitions are refused."""
    assert not is_random_value(text)


def test_cased_wants_both_cases() -> None:
    """A digest in a file's name has one case; a token drawn from both has two."""
    assert is_mixed_case_secret("ico-Zk3xQ9mB7vT2nR5p")
    assert not is_mixed_case_secret("ico-3f9a1c7be2d58046")


@each_case("text", ["hunter3!", "p4ss", "Zk3xQ9mB"])
def test_passwords_need_no_entropy(text: str) -> None:
    """In a URL even a short password is one."""
    assert is_real_password(text)
