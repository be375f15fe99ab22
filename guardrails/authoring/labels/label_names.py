"""Reads the names that people give to labels: of no harm, of some harm, of a category, or of nothing that is known."""

from __future__ import annotations

from functools import cache
from typing import Final

from guardrails import taxonomy

BENIGN: Final = "benign"
"""The label of what is no harm of any kind."""

HARMFUL: Final = "harmful"
"""How a label reads that says nothing but that there is harm."""

HARMLESS_WORDS: Final = frozenset(
    [
        "benign",
        "safe",
        "ok",
        "okay",
        "none",
        "no",
        "nothing",
        "harmless",
        "good",
        "clean",
        "normal",
        "neutral",
        "fine",
        "ham",
        "negative",
        "false",
        "allow",
        "allowed",
        "pass",
        "passed",
        "acceptable",
        "legit",
        "legitimate",
        "ordinary",
        "not_harmful",
        "not_toxic",
        "non_toxic",
        "nontoxic",
        "not_hate",
        "not_spam",
        "not_unsafe",
        "no_harm",
        "0",
        "harmlos",
        "unbedenklich",
        "sauber",
        "keine",
        "gut",
        "inofensivo",
        "seguro",
        "ninguno",
        "limpio",
        "inoffensif",
        "sain",
        "aucun",
    ]
)
HARMFUL_WORDS: Final = frozenset(
    [
        "harmful",
        "harm",
        "1",
        "bad",
        "yes",
        "positive",
        "true",
        "malicious",
        "dangerous",
        "violation",
        "violating",
        "block",
        "blocked",
        "deny",
        "denied",
        "reject",
        "rejected",
        "flagged",
        "unacceptable",
        "not_safe",
        "not_ok",
        "not_benign",
        "schädlich",
        "gefährlich",
        "dañino",
        "peligroso",
        "nuisible",
        "dangereux",
    ]
)


@cache
def read_label(label: str) -> str | None:
    """Return how a label is read: `BENIGN`, `HARMFUL`, or its category; None where nobody knows."""
    plain = taxonomy.plain_name(label)
    if plain in HARMLESS_WORDS:
        return BENIGN
    return HARMFUL if plain in HARMFUL_WORDS else taxonomy.find_meant(label)
