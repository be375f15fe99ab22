"""An encrypted content as journals have it, and what its record commits to."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.records.kept_content.sealed_content import SealedContent
from tests.cases import each_case

SEALED = SealedContent(7, "c0ffee00", b"nonce", b"ciphertext")


@given(st.integers(0, 2**63 - 1), st.binary(max_size=20), st.binary(max_size=90))
def test_it_comes_back_from_json(expires: int, nonce: bytes, ciphertext: bytes) -> None:
    """As it was."""
    sealed = SealedContent(expires, "c0ffee00", nonce, ciphertext)
    assert SealedContent.from_json(json.loads(json.dumps(sealed.to_json()))) == sealed


@each_case(
    "wrong",
    [
        None, "text", {}, [], [7, "c0ffee00", "AA=="], ["7", "c0ffee00", "AA==", "AA=="], [7, "C0FFEE00", "AA==", "AA=="],
        [7, "c0ffee001", "AA==", "AA=="], [7, "c0ffee00\n", "AA==", "AA=="], [7, "c0ffee00", "A", "AA=="], [7, "c0ffee00", "ü", "AA=="],
        [-1, "c0ffee00", "AA==", "AA=="], [2**63, "c0ffee00", "AA==", "AA=="],
    ],
)  # fmt: skip
def test_what_is_none_is_refused(wrong: object) -> None:
    """A row of it would be none that every database takes."""
    with pytest.raises(ValueError):
        SealedContent.from_json(wrong)


@each_case(
    "other",
    [
        SEALED._replace(key_id="c0ffee01"),
        SEALED._replace(nonce=b"Nonce"),
        SEALED._replace(ciphertext=b"Ciphertext"),
    ],
)
def test_the_record_commits_to_every_byte(other: SealedContent) -> None:
    """But not to its end, which says nothing of it."""
    assert other.digest != SEALED.digest
    assert SEALED._replace(expires=8).digest == SEALED.digest
