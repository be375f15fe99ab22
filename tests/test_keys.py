"""The operator's key, and digests made with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.keys import KEY_VARIABLE, digest, has_key, key

KEY = "0123456789abcdef-a-test's-own-key"


@pytest.fixture
def operators_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the operator's key."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return KEY


@given(st.lists(st.text(max_size=3), max_size=3), st.lists(st.text(max_size=3), max_size=3))
def test_different_lists_of_texts_have_different_digests(one: list[str], other: list[str]) -> None:
    """Where a text ends and the next begins is digested too; half a surrogate pair is a text."""
    assert (digest(*one) == digest(*other)) is (one == other)
    assert digest("\ud800") != digest("?")


def test_the_key_is_the_operators_or_the_processs_own(
    monkeypatch: pytest.MonkeyPatch, operators_key: str
) -> None:
    """A random one of 32 bytes where the environment has none, or an empty one."""
    assert (key(), has_key()) == (operators_key.encode(), True)
    for nothing in (None, ""):
        monkeypatch.delenv(KEY_VARIABLE) if nothing is None else monkeypatch.setenv(KEY_VARIABLE, nothing)
        assert (len(key()), has_key()) == (32, False)
        assert key() == key()


def test_a_key_that_is_too_short_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the variable and the cure."""
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(GuardrailsError, match=r"GUARDRAILS_REDACTION_KEY is shorter.*openssl rand"):
        key()
