"""Assertions on verdicts, and what they say where they do not hold."""

from __future__ import annotations

import pytest

from guardrails.errors import Blocked
from guardrails.testing import FakeGuard, assert_allowed, assert_blocked

GUARD = FakeGuard(blocks=["bomb"], redacts=["secret"], flags=["odd"])


def test_what_holds_passes() -> None:
    """Of a verdict, and of the exception that brought one."""
    blocked = GUARD.check("bomb")
    assert_blocked(blocked)
    assert_blocked(blocked, rule="fake.block")
    assert_blocked(Blocked(blocked), rule="fake.block")
    assert_allowed(GUARD.check("fine"))
    assert_allowed(GUARD.check("odd"))
    assert_allowed(GUARD.check("secret"), unchanged=False)


def test_what_does_not_hold_says_what_was_decided() -> None:
    """With rules and findings, and nothing of the content."""
    with pytest.raises(AssertionError) as caught:
        assert_blocked(GUARD.check("a Secret"))
    assert str(caught.value).splitlines() == [
        "not blocked: redact at input by policy 'fake'",
        "  rule fake.redact: redact (matched)",
        "  found custom.redact 1.00 by redact_words",
    ]
    with pytest.raises(
        AssertionError, match=r"^not blocked by rule 'fake.blok' \(did you mean 'fake.block'\?\): block"
    ):
        assert_blocked(GUARD.check("bomb"), rule="fake.blok")
    with pytest.raises(AssertionError, match=r"^not allowed: block at output"):
        assert_allowed(GUARD.check("bomb", "output"), unchanged=False)
    with pytest.raises(AssertionError, match=r"^not allowed as it is: redact"):
        assert_allowed(GUARD.check("secret"))
