"""Names, canonical forms and keyed digests."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from guardrails import Guard, GuardrailsError
from guardrails.engine.redaction.replacements import canonical, keyed_hash, kind_name
from guardrails.keys import KEY_VARIABLE
from tests.cases import each_case

KEY = "0123456789abcdef-a-test's-own-key"


@each_case(
    ("category", "shown"),
    [
        ("pii.email", "EMAIL"),
        ("pii.credit_card", "CREDIT_CARD"),
        ("secret.aws_access_key", "SECRET"),
        ("secret", "SECRET"),
        ("hate", "HATE"),
        ("hate.threatening", "THREATENING"),
        ("custom.team.name", "NAME"),
    ],
)
def test_a_kind_is_the_last_part_in_capitals(category: str, shown: str) -> None:
    """Except that all credentials are one kind."""
    assert kind_name(category) == shown


@each_case(
    ("category", "one", "other"),
    [
        ("pii.email", "Jo@Example.com", "jo@example.COM"),
        ("pii.credit_card", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("pii.iban", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("pii.phone", "(212) 555-0142", "212.555.0142"),
        ("pii.us_ssn", "219-09-9999", "219099999"),
        ("pii.mac_address", "00:1A:2b:3c:4d:5e", "00-1a-2B-3C-4D-5E"),
        ("pii.ip_address", "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_what_is_written_differently_and_is_the_same_has_one_hash(
    category: str, one: str, other: str
) -> None:
    """Case of addresses, separators of numbers and ids."""
    assert canonical(category, one) == canonical(category, other)
    assert keyed_hash(category, one) == keyed_hash(category, other)


@each_case(
    ("category", "one", "other"),
    [
        ("pii.ip_address", "1.23.4.5", "12.3.4.5"),
        ("pii.person", "Jo Ann", "Joann"),
        ("secret.token", "abC", "abc"),
        ("custom.word", "a b", "ab"),
        ("pii.email", "a@x.org", "b@x.org"),
        ("pii.passport", "--", "-"),
    ],
)
def test_what_is_not_the_same_has_two_hashes(category: str, one: str, other: str) -> None:
    """Dots of IP addresses, spaces of names, and case of secrets matter."""
    assert keyed_hash(category, one) != keyed_hash(category, other)


def test_a_hash_depends_on_the_key_the_kind_and_the_value_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in each process that has the key, another with another key; without the key nobody can compute it."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    own = keyed_hash("pii.email", "jo@example.com")
    assert re.fullmatch(r"\[EMAIL:[0-9a-f]{12}\]", own)
    assert own == keyed_hash("pii.email", "jo@example.com") != keyed_hash("pii.phone", "jo@example.com")
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert keyed_hash("pii.email", "jo@example.com") == "[EMAIL:4ea299548621]"
    monkeypatch.setenv(KEY_VARIABLE, KEY[::-1])
    assert keyed_hash("pii.email", "jo@example.com") not in {own, "[EMAIL:4ea299548621]"}


POLICY = """
detectors: {{pii: {{use: pii}}}}
rules:
  - {{id: m, on: input, when: pii > 0, then: redact, with: {name}}}
"""


@each_case(("name", "keyed"), [("hash", True), ("fake", True), ("vault", False), ("mask", False)])
def test_a_policy_tells_whether_it_needs_the_key(
    guard_of: Callable[..., Guard], name: str, keyed: bool
) -> None:
    """Numbers come from the conversation alone."""
    guard = guard_of(POLICY.format(name=name))
    assert guard.is_keyed is keyed


def test_a_key_that_is_too_short_is_an_error_at_load(
    guard_of: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the variable and the cure, and stops only policies that use the key."""
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(GuardrailsError, match=r"GUARDRAILS_REDACTION_KEY is shorter.*openssl rand"):
        guard_of(POLICY.format(name="hash"))
    assert guard_of(POLICY.format(name="vault")).check("a@x.org").content == "[EMAIL_1]"
