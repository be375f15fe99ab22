"""Keys of clients: made at random, kept as hashes, refused where they can be guessed."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from guardrails.proxy.access.keys import find_weakness, generate_key, hash_key
from tests.cases import each_case


def test_a_fresh_key_is_strong_and_no_two_are_alike() -> None:
    """Two hundred of them."""
    keys = {generate_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(key.startswith("gk_") and find_weakness(key) is None for key in keys)


@given(st.text())
def test_what_is_kept_is_sha256(key: str) -> None:
    """As any tool computes it."""
    assert hash_key(key) == hashlib.sha256(key.encode()).hexdigest()


@given(st.binary(min_size=16, max_size=64))
def test_random_bytes_in_hexadecimal_are_strong_unless_they_repeat(raw: bytes) -> None:
    """128 bits and more, as `openssl rand -hex 16` prints; a run of one byte is none."""
    assert find_weakness(bytes([raw[0]] * len(raw)).hex()) is not None
    if len(set(raw)) == len(raw):
        assert find_weakness(hashlib.sha256(raw).hexdigest()) is None


@each_case(
    "key",
    [
        "", "a", "sk-1234", "changeme", "admin", "password", "Password123!", "guardrails", "secret-admin-key", "test-key-2026",
        "sk-your-api-key-here-please-replace", "changemechangemechangemechangemechangeme", "0123456789" * 5, "a" * 64,
        "admin-password-admin-password-admin", "my-master-key-123456789", "abcabcabcabcabcabcabcabcabcabc", "correct horse",
    ],
)  # fmt: skip
def test_what_can_be_guessed_is_weak(key: str) -> None:
    """Well-known ones, those made of them, short and regular ones; none is repeated in the words that say so."""
    told = find_weakness(key)
    assert told in ("is made of well-known words", "is too short or too regular")


@each_case(
    "key",
    [
        "7f3c0b6a1d9e4852c7f0a6b3e8d14975",
        "gk_saEFPqqF_mXzptVoUeLt2Gm3ECrKgbbgVM7ZUUYvOGI",
        "kR7!wq9Zt2@vLx5#Np8$",
    ],
)
def test_what_cannot_be_guessed_is_not(key: str) -> None:
    """Random letters and digits, from 80 bits on."""
    assert find_weakness(key) is None
