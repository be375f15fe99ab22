"""LlavaGuard: an assessment as JSON, read to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from guardrails.detectors.images.vision.llavaguard import LLAVAGUARD, NAMES, NONE, make_questions
from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.remote.chat import ModelAnswer
from tests.cases import each_case

[QUESTION] = make_questions("data:x", [], {})


def assessment(**fields: Any) -> str:
    """Return an answer."""
    return json.dumps({"rating": "Unsafe", "category": NAMES["O2"], "rationale": "Blood.", **fields})


def test_all_guidelines_are_in_the_question() -> None:
    """With the names that answers have, and the template of an answer."""
    text = QUESTION.messages[0]["content"][1]["text"]
    assert all(text.count(name) == 2 for name in NAMES.values())
    assert NONE in text
    assert '"rating": str<"Safe"|"Unsafe">' in text


@each_case(
    ("text", "top", "scores"),
    [
        (assessment(), None, {"unsafe": 1.0, "O2": 1.0}),
        (assessment(), {"Unsafe": 0.7, "Safe": 0.3}, {"unsafe": 0.7, "O2": 0.7}),
        (assessment(rating="Safe"), {"Safe": 0.6, "Unsafe": 0.4}, {"unsafe": 0.4, "O2": 0.4}),
        (assessment(rating="Safe", category=NONE), None, {"unsafe": 0.0}),
    ],
)
def test_a_rating_has_the_probability_of_its_word(
    said: Callable[..., ModelAnswer], text: str, top: Any, scores: dict[str, float]
) -> None:
    """And is of its category."""
    assert LLAVAGUARD.read(QUESTION, said(text, top)) == pytest.approx(scores)


@each_case(
    "text",
    [
        "Unsafe",
        "{}",
        assessment(rating="unsafe"),
        assessment(rating=1),
        assessment(category="O77: Others"),
        assessment(category=NONE),
        assessment(rationale=None),
        assessment(more=1),
        assessment() + assessment(),
        "[" + assessment() + "]",
        assessment(category=["O2"]),
    ],
)
def test_anything_else_is_no_answer(said: Callable[..., ModelAnswer], text: str) -> None:
    """A violation of nothing, a rating that there is not, more than one."""
    with pytest.raises(UnreadableAnswer):
        LLAVAGUARD.read(QUESTION, said(text))
