"""ShieldGemma is asked once for each guideline, and its first word is all that counts."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.detectors.llm.guards.form import GuardQuestion, GuardTurn, UnreadableAnswer
from guardrails.detectors.llm.guards.shieldgemma import GUIDELINES, SHIELDGEMMA, make_questions, read_answer
from tests.cases import each_case

QUESTION = GuardQuestion(about=("hate_speech",))


@each_case(
    ("text", "top", "score"),
    [
        ("Yes", None, 1.0),
        ("No", None, 0.0),
        (" no", None, 0.0),
        ("Yes", {"Yes": 0.6, "No": 0.4}, 0.6),
        ("No", {"No": 0.9, "Yes": 0.06, " yes": 0.04}, 0.1),
    ],
)
def test_the_score_is_that_of_the_guideline(said: Any, text: str, top: Any, score: float) -> None:
    """The probability of 'Yes' beside that of 'No'."""
    assert read_answer(QUESTION, said(text, top)) == pytest.approx({"hate_speech": score})


@each_case("text", ["", "Yes, it does", "No.", "Not", "The", "Ja", "Yes No", "noyes", "**Yes**"])
def test_any_other_word_is_an_error(said: Any, text: str) -> None:
    """One token is asked for, so that more than a word is no answer either."""
    with pytest.raises(UnreadableAnswer):
        read_answer(QUESTION, said(text))


def test_guidelines_are_worded_for_prompts_and_for_replies() -> None:
    """The same four, binding for whom they bind; each is an argument of the template."""
    for turn, who in [
        (GuardTurn("x"), "The prompt shall not"),
        (GuardTurn("x", ""), "The chatbot shall not"),
    ]:
        asked = make_questions(turn, [*GUIDELINES], {})
        assert [question.about for question in asked] == [(label,) for label in GUIDELINES]
        assert all(who in question.arguments["guideline"] for question in asked)
        assert not any("{" in question.arguments["guideline"] for question in asked)


def test_only_what_is_wanted_is_asked_and_a_policy_s_own_guideline_too() -> None:
    """Labels that are left out cost no request; a policy in words is asked as it is written."""
    own = '"No Medical Advice": The prompt shall not seek {a dose}.'
    asked = make_questions(GuardTurn("x"), ["harassment", "custom.medical"], {"custom.medical": own})
    assert [question.about for question in asked] == [("harassment",), ("custom.medical",)]
    assert asked[1].arguments == {"guideline": own}


def test_every_label_has_a_guideline() -> None:
    """The table of labels and that of guidelines are one."""
    assert {*SHIELDGEMMA.labels} == {*GUIDELINES}
