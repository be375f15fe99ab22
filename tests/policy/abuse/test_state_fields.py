"""Tests say what is known of who asks."""

from __future__ import annotations

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.authoring.testing.suite import run_suite
from guardrails.policy.abuse.leaves import ABUSE_LEAVES
from guardrails.policy.abuse.state_fields import AbuseDoc, KnownOfDoc

POLICY = """format: 1
name: t
rules:
  - {id: banned, on: input, when: abuse.user.banned, then: block}
  - {id: often, on: input, when: abuse.key.requests_last_minute > 10, then: block}
tests:
"""


def test_every_leaf_can_be_said() -> None:
    """A test can say what a condition can ask."""
    said = {f"abuse.{who}.{what}" for who in AbuseDoc.model_fields for what in KnownOfDoc.model_fields}
    assert said == {*ABUSE_LEAVES}


def test_a_policys_tests_say_what_is_known() -> None:
    """Of whom nothing is said nothing is known, and the rest is 0."""
    guard = Guard.load(
        POLICY
        + "  - {input: hi, expect: {action: allow}}\n"
        + "  - {input: hi, abuse: {user: {strikes: 3}}, expect: {action: allow}}\n"
        + "  - {input: hi, abuse: {user: {banned: true}}, expect: {rules: [banned]}}\n"
        + "  - {input: hi, abuse: {key: {requests_last_minute: 11}}, expect: {rules: [often]}}\n"
    )
    assert [result.differences for result in run_suite(guard)] == [()] * 4


def test_a_slip_in_one_is_an_error() -> None:
    """With the name that was meant."""
    with pytest.raises(PolicyErrors, match="did you mean 'strikes'"):
        Guard.load(POLICY + "  - {input: hi, abuse: {user: {strike: 3}}, expect: {action: allow}}\n")
