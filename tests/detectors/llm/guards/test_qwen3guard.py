"""Qwen3Guard's three tiers and its categories."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.detectors.llm.guards.form import GuardQuestion, GuardTurn, UnreadableAnswer
from guardrails.detectors.llm.guards.qwen3guard import make_questions, read_answer
from tests.cases import each_case

QUESTION = GuardQuestion()


@each_case(
    ("text", "scores"),
    [
        ("Safety: Safe\nCategories: None", {"unsafe": 0.0}),
        ("Safety: Safe\nCategories: None\nRefusal: Yes", {"unsafe": 0.0}),
        ("Safety: Unsafe\nCategories: Violent", {"unsafe": 1.0, "Violent": 1.0}),
        ("Safety: Unsafe\nCategories: Violent, Jailbreak\n", {"unsafe": 1.0, "Violent": 1.0, "Jailbreak": 1.0}),
        ("Safety: Controversial\nCategories: Unethical Acts\nRefusal: No", {"unsafe": 0.5, "Unethical Acts": 0.5}),
        ("Safety: Unsafe\nCategories: Suicide & Self-Harm", {"unsafe": 1.0, "Suicide & Self-Harm": 1.0}),
        ("Safety: Unsafe\nCategories: None", {"unsafe": 1.0}),
        ("Safety: Unsafe\nCategories: Non-violent Illegal Acts,PII", {"unsafe": 1.0, "Non-violent Illegal Acts": 1.0, "PII": 1.0}),
    ],
)  # fmt: skip
def test_recorded_answers(said: Any, text: str, scores: Any) -> None:
    """A tier is worth a score, which is that of each category too."""
    assert read_answer(QUESTION, said(text)) == scores


@each_case(
    ("tier", "top", "score"),
    [
        ("Safe", {" Safe": 0.6, " Controversial": 0.3, " Unsafe": 0.1}, 0.25),
        ("Unsafe", {" Unsafe": 0.7, " Contro": 0.2, " Safe": 0.1}, 0.8),
        ("Safe", {" Safe": 0.3, " Controversial": 0.35, " Unsafe": 0.35}, 0.525),
        ("Controversial", {" Controversial": 0.3, " Safe": 0.7}, 0.5),
    ],
)
def test_the_score_is_what_the_tiers_are_worth_together(said: Any, tier: str, top: Any, score: float) -> None:
    """The stricter holds where the tier that was said is not the likeliest."""
    named = "None" if tier == "Safe" else "Violent"
    answer = said(f"Safety: {tier}\nCategories: {named}", top, after="Safety:")
    assert read_answer(QUESTION, answer)["unsafe"] == pytest.approx(score)


@each_case(
    "text",
    [
        "", "Safe", "Safety: Safe", "Safety: safe\nCategories: None", "Safety: Safe\nCategories: Violent", "Safety: Not Safe\nCategories: None",
        "Safety: Safe\nCategories: None\nSafety: Unsafe\nCategories: Violent", "Safety: Unsafe\nCategories: Weapons",
        "Safety: Unsafe\nCategories:", "Categories: None\nSafety: Safe", "Safety: Safe\nCategories: None\nI think it is fine.",
        "Safety: Safe\nCategories: None\nRefusal: Perhaps", "安全: 安全", "Safety: Unsafe\nCategories: violent", "Safety: Safe Categories: None",
        "Safety: Unsafe\nCategories: Violent,", "<think>hm</think>Safety: Safe\nCategories: None", "Safety: Unsafe\nCategories: unsafe",
    ],
)  # fmt: skip
def test_hostile_answers_are_errors(said: Any, text: str) -> None:
    """Two answers, unknown categories, contradictions and chatter are none."""
    with pytest.raises(UnreadableAnswer):
        read_answer(QUESTION, said(text))


def test_one_question_holds_the_conversation() -> None:
    """The template has the rest."""
    (question,) = make_questions(GuardTurn("hello"), [], {})
    assert question.messages == ({"role": "user", "content": "hello"},)
