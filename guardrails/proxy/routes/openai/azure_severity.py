"""Maps scores to the severities of Azure, and its four kinds of harm to our categories."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.taxonomy import AZURE

FAMILIES: Mapping[str, tuple[str, ...]] = {
    **{name: (category,) for name, category in AZURE.items()},
    "Hate": ("hate", "harassment"),
}
"""Kind of harm → our categories."""

HIGHEST = 8
FOUR = 2
"""The step of severities in four levels: 0, 2, 4, 6; in eight it is 1."""

WORDS: Mapping[int, str] = {0: "safe", 2: "low", 4: "medium", 6: "high"}
"""Severity in four levels → the word for it."""


def severity(score: float, step: int) -> int:
    """Return the severity of a score, from 0 to 7 in such steps."""
    return min(int(score * HIGHEST), HIGHEST - 1) // step * step


def word(score: float) -> str:
    """Return the severity of a score in words."""
    return WORDS[severity(score, FOUR)]
