"""The built-in redactions, and what their texts are made of: the name of a kind of value, its canonical form, a keyed digest.

The key is the operator's (`guardrails.keys`), never a policy's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from guardrails.keys import digest
from guardrails.policy.redactions import FoundValue, Redaction

DIGEST = 12
"""Hexadecimal digits of a digest: 48 bits. Among a million values, two share one with a probability of 0.2 %."""

_NUMBERS = re.compile(
    r"pii\.(?:credit_card|phone|iban|mac_address|passport|driving_licence|bank_account|[a-z]{2}_[a-z0-9_]+)"
)


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


def placeholder(found: FoundValue) -> str:
    """Return the kind in capitals and brackets: `[EMAIL]`; every `secret.*` is `[SECRET]`."""
    return f"[{kind_name(found.category)}]"


def mask(found: FoundValue) -> str:
    """Return an asterisk for each character; white space stays, so that lines do not move."""
    return "".join(char if char.isspace() else "*" for char in found.text)


PLACEHOLDER = Redaction("placeholder", "Puts the kind in brackets: [EMAIL].", placeholder)
MASK = Redaction("mask", "Puts an asterisk for each character.", mask)
HASH = Redaction(
    "hash",
    "Puts a keyed digest in the brackets, the same for the same value.",
    lambda found: keyed_hash(found.category, found.value),
    keyed=True,
)
FAKE = Redaction(
    "fake",
    "Puts a made-up value of the same kind, the same for the same value.",
    lambda found: found.handed_out.fake_for(found.category, found.value, found.place, found.locale),
    keyed=True,
)
# The numbers come from the conversation alone, the same in each process.
VAULT = Redaction(
    "vault",
    "Puts a number in the brackets, and replies get the user's own values back.",
    lambda found: found.handed_out.number_for(found.category, found.value, found.place),
    numbered=True,
)
