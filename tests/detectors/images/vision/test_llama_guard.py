"""Llama Guard 4 on pictures: asked once, read as on texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails.detectors.images.vision.llama_guard import LLAMA_GUARD_4_VISION, make_questions
from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.remote.chat import ModelAnswer


def test_a_picture_is_the_turn_of_the_user() -> None:
    """The template has the rest."""
    [question] = make_questions("data:x", [], {})
    [message] = question.messages
    assert message["role"] == "user"


def test_answers_are_read_as_those_on_texts(said: Callable[..., ModelAnswer]) -> None:
    """With hazards and their probability."""
    [question] = make_questions("data:x", [], {})
    answer = said("unsafe\nS11", {"unsafe": 0.9, "safe": 0.1})
    assert LLAMA_GUARD_4_VISION.read(question, answer) == pytest.approx({"unsafe": 0.9, "S11": 0.9})
    with pytest.raises(UnreadableAnswer):
        LLAMA_GUARD_4_VISION.read(question, said("the picture is safe"))
