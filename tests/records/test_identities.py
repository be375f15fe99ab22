"""By what people are known in the store."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from guardrails.records.identities import CHARACTERS, Identities, digest_identity
from tests.cases import each_case

KEY = b"k" * 32


@given(st.text(), st.text())
def test_a_digest_says_nothing_and_is_always_the_same(tenant: str, value: str) -> None:
    """It is of one length, and depends on the key, the tenant and the value."""
    digest = digest_identity(KEY, tenant, value)
    assert len(digest) == CHARACTERS
    assert digest == digest_identity(KEY, tenant, value)
    others = {
        digest_identity(b"l" * 32, tenant, value),
        digest_identity(KEY, tenant + "x", value),
        digest_identity(KEY, tenant, value + "x"),
    }
    assert digest not in others


@each_case(
    ("form", "value", "known"),
    [
        ("digest", "u1", digest_identity(KEY, "acme", "u1")),
        ("digest", 17, digest_identity(KEY, "acme", "17")),
        ("digest", "", ""),
        ("digest", None, None),
        ("plain", "u1", "u1"),
        ("plain", 17, "17"),
        ("plain", None, None),
    ],
)
def test_people_are_known_by_a_digest_or_as_they_are(
    form: Literal["digest", "plain"], value: object, known: str | None
) -> None:
    """Numbers as their digits; nobody remains nobody."""
    assert Identities(KEY, form).known_as("acme", value) == known


def test_who_has_no_tenant_is_of_none() -> None:
    """That is a tenant of its own."""
    assert Identities(KEY, "digest").known_as(None, "u1") == digest_identity(KEY, "", "u1")
