"""What is known of who asks at one moment, as conditions read it (`abuse.*`).

It is read once for each exchange, so that all rules see the same; the store behind it is none of the engine's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from guardrails.policy.abuse.leaves import ABUSE_LEAVES


class AbuseReading(Protocol):
    """Answers what conditions ask of who asks."""

    def value(self, name: str) -> object:
        """Return the value of a leaf (`abuse.user.strikes`): None where nobody is there of whom it could be asked,
        `condition.UNKNOWN` where it could not be read.
        """
        ...


class KnownAbuse:
    """What a caller says is known, as a test does.

    Args:
        known: by whom it is about (`user`, `key`, `address`, `conversation`), what is known of them: `{"user": {"strikes": 3}}`.
            Of those that are named, what is not said is 0, or false.
    """

    def __init__(self, known: Mapping[str, Mapping[str, float | bool]]) -> None:
        self._known = known

    def value(self, name: str) -> object:
        """Return the value of a leaf."""
        leaf = ABUSE_LEAVES[name]
        known = self._known.get(leaf.subject)
        if known is None:
            return None
        if leaf.measure == "banned":
            return bool(known.get("banned", False))
        return float(known.get(name.rpartition(".")[2], 0.0))


def read_known(known: Mapping[str, Mapping[str, float | bool]] | None) -> KnownAbuse | None:
    """Return what a caller says is known; None where he says nothing."""
    return None if known is None else KnownAbuse(known)
