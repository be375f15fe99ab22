"""Reads the names that people give to labels: of no harm, of some harm, of a category, or of nothing that is known."""

from __future__ import annotations

import re
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
        "n_a",
        "na",
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
SYNONYMS: Final = {
    "hate_speech": "hate", "hateful": "hate", "identity_attack": "hate", "identity_hate": "hate", "hass": "hate", "odio": "hate",
    "toxicity": "toxic", "severe_toxicity": "toxic", "severe_toxic": "toxic", "offensive": "toxic", "abusive": "toxic",
    "insult": "harassment", "bullying": "harassment", "threat": "harassment.threatening", "obscene": "profanity",
    "profane": "profanity", "swearing": "profanity", "nsfw": "sexual", "porn": "sexual", "sexually_explicit": "sexual",
    "violent": "violence", "gore": "violence.graphic", "suicide": "self_harm", "selfharm": "self_harm", "csam": "sexual.minors",
    "prompt_injection": "injection", "attack": "injection", "prompt_attack": "jailbreak", "crime": "illicit",
}  # fmt: skip
"""What labelled data call a category."""

TABLES: Final = (taxonomy.OPENAI, taxonomy.AZURE, taxonomy.BEDROCK, taxonomy.LLAMA_GUARD)
"""Names of other systems, which labelled data may use."""


def plain_name(label: str) -> str:
    """Return a label without regard to case, and with one form of what stands between its words."""
    return re.sub(r"[\s\-/]+", "_", label.strip().strip("\"'“”").casefold())


@cache
def label_category(label: str) -> str | None:
    """Return the category that a label names, None where it names none."""
    for table in TABLES:
        if label in table:
            return table[label]
    plain = plain_name(label)
    dotted = [f"{plain[:at]}.{plain[at + 1 :]}" for at, char in enumerate(plain) if char == "_"]
    found = next((each for each in (plain, *dotted) if taxonomy.is_valid(each)), None)
    return SYNONYMS.get(plain) if found is None else found


@cache
def read_label(label: str) -> str | None:
    """Return how a label is read: `BENIGN`, `HARMFUL`, or its category; None where nobody knows."""
    plain = plain_name(label)
    if plain in HARMLESS_WORDS:
        return BENIGN
    return HARMFUL if plain in HARMFUL_WORDS else label_category(label)
