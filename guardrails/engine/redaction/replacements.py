"""What replacements are made of: the name of a kind of value, the canonical form of a value, and its keyed digest.

The key is the operator's (`guardrails.keys`), never a policy's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from guardrails.keys import digest
from guardrails.policy.compiled import CompiledPolicy

KEYED = frozenset({"hash", "fake"})
"""The redactions that the key decides. Numbers (`vault`) come from the conversation alone, the same in each process."""

DIGEST = 12
"""Hexadecimal digits of a digest: 48 bits. Among a million values, two share one with a probability of 0.2 %."""

_NUMBERS = re.compile(
    r"pii\.(?:credit_card|phone|iban|mac_address|passport|driving_licence|bank_account|[a-z]{2}_[a-z0-9_]+)"
)


def uses_replacement(policy: CompiledPolicy, names: frozenset[str]) -> bool:
    """Tell whether a rule of the policy redacts in one of these ways."""
    return any(rule.redact and rule.replacement in names for rule in policy.rules)


def kind_name(category: str) -> str:
    """Return the name of the kind in capitals, as placeholders have it: `EMAIL`; every `secret.*` is `SECRET`."""
    root, _, leaf = category.partition(".")
    return (root if root == "secret" or not leaf else leaf.rsplit(".", 1)[-1]).upper()


def _compact(value: str) -> str:
    return "".join(char for char in value if char.isalnum()).upper() or value


CANONICAL: Mapping[str, Callable[[str], str]] = {
    "pii.email": str.casefold,
    "pii.ip_address": str.casefold,
}
"""Category → the one form of all that are written differently and mean the same."""


def canonical(category: str, value: str) -> str:
    """Return the form in which values are compared: numbers and ids without separators, addresses without case."""
    form = CANONICAL.get(category)
    if form is None:
        form = _compact if _NUMBERS.fullmatch(category) else str
    return form(value)


def keyed_hash(category: str, value: str) -> str:
    """Return the kind with the digest of the value: `[EMAIL:3f2a9c1b7d04]`, so that equal values can be joined."""
    return f"[{kind_name(category)}:{digest('hash', category, canonical(category, value)).hex()[:DIGEST]}]"
