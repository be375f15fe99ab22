"""Qwen3Guard-Gen: answers with one of three tiers and the categories, on a line each.

    Safety: Unsafe
    Categories: Violent, Jailbreak
    Refusal: No                         (of a reply)

The chat template holds the question. `Controversial` is worth half of `Unsafe`, so that a policy can flag the one and block the
other. Categories that are none here are `unsafe` alone. Source: QwenLM/Qwen3Guard, README.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.detectors.llm.guards.form import (
    GuardForm,
    GuardQuestion,
    GuardTurn,
    Labels,
    Scores,
    UnreadableAnswer,
)
from guardrails.detectors.llm.guards.verdict import verdict_probability
from guardrails.remote.chat import ModelAnswer

TIERS: Final = {"unsafe": 1.0, "controversial": 0.5, "safe": 0.0}

LABELS: Final[Labels] = {
    "unsafe": ("unsafe",),
    "Violent": ("violence",),
    "Non-violent Illegal Acts": ("illicit",),
    "Sexual Content or Sexual Acts": ("sexual",),
    "PII": ("pii",),
    "Suicide & Self-Harm": ("self_harm",),
    "Unethical Acts": (),
    "Politically Sensitive Topics": (),
    "Copyright Violation": (),
    "Jailbreak": ("jailbreak",),
}

NONE: Final = "None"
"""What stands for no category."""

_BEFORE: Final = re.compile(r"\s*Safety:[ ]*")
_NAMED: Final = "|".join(re.escape(label) for label in (NONE, *LABELS) if label != "unsafe")
_ANSWER: Final = re.compile(
    rf"\s*Safety:[ ]*(?P<tier>Safe|Unsafe|Controversial)[ ]*\n+"
    rf"Categories:[ ]*(?P<named>(?:{_NAMED})(?:,[ ]*(?:{_NAMED}))*)[ ]*"
    r"(?:\n+Refusal:[ ]*(?:Yes|No)[ ]*)?\s*"
)


def make_questions(
    turn: GuardTurn, _wanted: Sequence[str], _policies: Mapping[str, str]
) -> tuple[GuardQuestion, ...]:
    """Ask once for all categories."""
    return (GuardQuestion(turn.messages()),)


def read_answer(_question: GuardQuestion, answer: ModelAnswer) -> Scores:
    """Read the tier and the categories."""
    match = _ANSWER.fullmatch(answer.text)
    if match is None:
        raise UnreadableAnswer("the answer is not one line of safety and one of known categories")
    named = [each for each in re.split(r",[ ]*", match["named"]) if each != NONE]
    tier = match["tier"].casefold()
    if named and tier == "safe":
        raise UnreadableAnswer("the answer names categories of what it calls safe")
    score = verdict_probability(answer, _BEFORE, tier, TIERS)
    return dict.fromkeys(["unsafe", *named], score)


QWEN3GUARD: Final = GuardForm(
    name="qwen3guard",
    models=r"qwen3guard(?![-_ ]stream)",
    labels=LABELS,
    questions=make_questions,
    read=read_answer,
    max_tokens=128,
)
