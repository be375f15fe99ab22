"""ShieldGemma 2: one question for each policy, in the words that the model was trained on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails.detectors.images.vision.shieldgemma import POLICIES, SHIELDGEMMA_2, make_questions
from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.remote.chat import ModelAnswer


def test_policies_are_asked_one_by_one() -> None:
    """Its own in its own words, further ones as they are written."""
    questions = make_questions("data:x", ["violence", "weapons"], {"weapons": "No Weapons content: …"})
    assert [question.about for question in questions] == [("violence",), ("weapons",)]
    texts = [question.messages[0]["content"][1]["text"] for question in questions]
    assert texts == [POLICIES["violence"], "No Weapons content: …"]
    assert {*POLICIES} == {*SHIELDGEMMA_2.labels}


def test_yes_is_a_violation(said: Callable[..., ModelAnswer]) -> None:
    """By its probability; any other word is no answer."""
    [question] = make_questions("data:x", ["sexual"], {})
    answer = said("Yes", {"Yes": 0.8, "No": 0.2})
    assert SHIELDGEMMA_2.read(question, answer) == pytest.approx({"sexual": 0.8})
    with pytest.raises(UnreadableAnswer):
        SHIELDGEMMA_2.read(question, said("Maybe"))
