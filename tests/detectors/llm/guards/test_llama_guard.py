"""Llama Guard's answers: recorded ones are read, and whatever else it may say is an error."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.detectors.llm.guards.form import GuardQuestion, GuardTurn, UnreadableAnswer
from guardrails.detectors.llm.guards.llama_guard import (
    LLAMA_GUARD_3,
    LLAMA_GUARD_4,
    make_questions,
    read_answer,
)
from tests.cases import each_case

QUESTION = GuardQuestion()


@each_case(
    ("text", "scores"),
    [
        ("safe", {"unsafe": 0.0}),
        ("\n\nsafe", {"unsafe": 0.0}),
        ("safe\n", {"unsafe": 0.0}),
        ("\n\nunsafe\nS1", {"unsafe": 1.0, "S1": 1.0}),
        ("unsafe\nS1,S9", {"unsafe": 1.0, "S1": 1.0, "S9": 1.0}),
        ("unsafe\nS10, S14", {"unsafe": 1.0, "S10": 1.0, "S14": 1.0}),
        ("unsafe \n S6", {"unsafe": 1.0, "S6": 1.0}),
    ],
)
def test_recorded_answers(said: Any, text: str, scores: Any) -> None:
    """The verdict and each code that it lists have a score."""
    assert read_answer(QUESTION, said(text)) == scores


def test_the_probability_of_the_first_word_is_the_score_of_all(said: Any) -> None:
    """Also of what is called safe: nearly unsafe is a score that a policy can act on."""
    likely = {"unsafe": 0.8, "safe": 0.2}
    assert read_answer(QUESTION, said("\n\nunsafe\nS10", likely)) == pytest.approx(
        {"unsafe": 0.8, "S10": 0.8}
    )
    assert read_answer(QUESTION, said("safe", {"unsafe": 0.3, "safe": 0.7})) == pytest.approx({"unsafe": 0.3})


@each_case(
    "text",
    [
        "", " ", "Not safe.", "not safe", "safe.", "Safe", "SAFE\nunsafe", "safe\nunsafe", "safe, but see S1", "unsafe",
        "unsafe\n", "unsafe S1", "unsafe\nS1 and more", "unsafe\nS1,", "unsafe\nS0", "unsafe\nS15", "unsafe\nS99", "unsafe\ns1",
        "unsafe\nviolence", "safe\nS1", "sicher", "unsicher\nS1", "安全", "I can't help with that.", "safe safe", "un safe",
        "<think></think>safe", '{"verdict": "safe"}', "**safe**", "unsafe\nS1\nThe text asks for a weapon.", "safe\x00", "s\u0430fe",
    ],
)  # fmt: skip
def test_hostile_answers_are_errors(said: Any, text: str) -> None:
    """Nothing is read as 'safe' but the word, and nothing as a hazard but its code."""
    with pytest.raises(UnreadableAnswer) as caught:
        read_answer(QUESTION, said(text))
    assert not text.strip() or text.strip() not in str(caught.value) or text.strip() in {"unsafe", "safe"}


def test_one_question_holds_the_conversation() -> None:
    """The template has the rest."""
    (question,) = make_questions(GuardTurn("reply", "prompt"), [], {})
    assert [message["content"] for message in question.messages] == ["prompt", "reply"]
    assert not question.arguments


@each_case("form", [LLAMA_GUARD_3, LLAMA_GUARD_4], ids=lambda form: form.name)
def test_hazards_without_a_category_are_unsafe_alone(form: Any) -> None:
    """Defamation, advice, elections and interpreters are no category here."""
    assert {code for code, categories in form.labels.items() if not categories} == {
        "S5",
        "S6",
        "S13",
        "S14",
    }
    assert form.labels["S1"] == ("violence",)
    assert form.labels["unsafe"] == ("unsafe",)
