"""A redaction that leaves the last two characters."""

from __future__ import annotations

from guardrails.plugins import FoundValue, Redaction


def keep_last(found: FoundValue) -> str:
    """Return a star for each character but the last two."""
    return "*" * (len(found.text) - 2) + found.text[-2:]


LAST_DIGITS = Redaction("last_digits", "Leaves the last two characters.", keep_last)
