"""By what people are known in the store."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.records.identities import CHARACTERS, digest_identity


@given(st.text(), st.text())
def test_a_digest_says_nothing_and_is_always_the_same(tenant: str, value: str) -> None:
    """It is of one length, and depends on the key, the tenant and the value."""
    digest = digest_identity(b"k" * 32, tenant, value)
    assert len(digest) == CHARACTERS
    assert digest == digest_identity(b"k" * 32, tenant, value)
    others = {
        digest_identity(b"l" * 32, tenant, value),
        digest_identity(b"k" * 32, tenant + "x", value),
        digest_identity(b"k" * 32, tenant, value + "x"),
    }
    assert digest not in others
