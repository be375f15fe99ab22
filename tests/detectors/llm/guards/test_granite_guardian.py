"""Granite Guardian's three ways of being asked, and its two of answering."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.detectors.llm.guards.form import GuardQuestion, GuardTurn, UnreadableAnswer
from guardrails.detectors.llm.guards.granite_guardian import (
    CRITERIA,
    LABELS,
    make_criterion_questions,
    make_risk_questions,
    make_turn_questions,
    read_bare,
    read_tagged,
)
from tests.cases import each_case

QUESTION = GuardQuestion(about=("violence",))
OWN = {"custom.medical": "The text gives medical advice."}


@each_case(
    ("read", "text", "score"),
    [
        (read_bare, "Yes", 1.0),
        (read_bare, "No", 0.0),
        (read_bare, " no\n", 0.0),
        (read_bare, "Yes\n<confidence> High </confidence>", 1.0),
        (read_bare, "Yes\n<confidence> Low </confidence>", 0.6),
        (read_bare, "No\n<confidence> Low </confidence>", 0.4),
        (read_bare, "No\n<confidence> High </confidence>", 0.0),
        (read_tagged, "<score> yes </score>", 1.0),
        (read_tagged, "<score>no</score>", 0.0),
        (read_tagged, "<think>\n</think><score> yes </score>", 1.0),
        (read_tagged, "\n<think></think>\n<score> no </score>\n", 0.0),
    ],
)
def test_recorded_answers(said: Any, read: Any, text: str, score: float) -> None:
    """A yes is the risk; how sure the model is counts where there are no probabilities."""
    assert read(QUESTION, said(text)) == {"violence": score}


def test_probabilities_of_the_word_are_the_score(said: Any) -> None:
    """They come before what the model says of its own confidence."""
    low = said("No\n<confidence> Low </confidence>", {"No": 0.9, "Yes": 0.1})
    assert read_bare(QUESTION, low) == pytest.approx({"violence": 0.1})
    tagged = said("<think>\n</think><score> yes </score>", {" yes": 0.7, " no": 0.3}, after="<score>")
    assert read_tagged(QUESTION, tagged) == pytest.approx({"violence": 0.7})


@each_case(
    ("read", "text"),
    [
        *(
            (read_bare, text)
            for text in ["", "Yes and no", "No.", "Maybe", "Yes <confidence> Medium </confidence>", "Failed"]
        ),
        *(
            (read_bare, text)
            for text in ["No\nYes", "<score> no </score>", "Nein", "No <confidence> High", "Yes\n\nNo"]
        ),
        *(
            (read_tagged, text)
            for text in ["", "no", "<score></score>", "<score> not yes </score>", "<score> no", "no </score>"]
        ),
        *((read_tagged, text) for text in ["<score> no </score><score> yes </score>", "<score> 0 </score>"]),
        *(
            (read_tagged, text)
            for text in ["<think> It is fine. </think><score> no </score>", "<score> no </score> ok"]
        ),
    ],
)
def test_hostile_answers_are_errors(said: Any, read: Any, text: str) -> None:
    """Two verdicts, thoughts that nobody asked for, and words around the verdict are none."""
    with pytest.raises(UnreadableAnswer):
        read(QUESTION, said(text))


def test_each_risk_is_asked_by_its_name() -> None:
    """Up to 3.2 as a risk, in 3.3 as a criterion; a policy's own in words."""
    wanted = ["harm", "custom.medical"]
    risks = [question.arguments for question in make_risk_questions(GuardTurn("x"), wanted, OWN)]
    assert risks == [
        {"guardian_config": {"risk_name": "harm"}},
        {"guardian_config": {"risk_name": "custom.medical", "risk_definition": OWN["custom.medical"]}},
    ]
    criteria = [question.arguments for question in make_criterion_questions(GuardTurn("x"), wanted, OWN)]
    assert criteria == [
        {"guardian_config": {"criteria_id": "harm"}, "think": False},
        {"guardian_config": {"custom_criteria": OWN["custom.medical"]}, "think": False},
    ]


def test_the_last_turn_asks_4_1() -> None:
    """It holds the criterion, and stands behind what is judged."""
    asked = make_turn_questions(GuardTurn("reply", "prompt"), ["violence", "custom.medical"], OWN)
    assert [[message["role"] for message in question.messages] for question in asked] == [
        ["user", "assistant", "user"]
    ] * 2
    assert CRITERIA["violence"] in asked[0].messages[-1]["content"]
    assert OWN["custom.medical"] in asked[1].messages[-1]["content"]


@each_case("ask", [make_risk_questions, make_criterion_questions, make_turn_questions])
def test_a_reply_is_no_attack_on_the_model_that_wrote_it(ask: Any) -> None:
    """Jailbreaks are looked for in what a model reads alone."""
    of_prompt = {question.about for question in ask(GuardTurn("x"), [*LABELS], {})}
    of_reply = {question.about for question in ask(GuardTurn("x", ""), [*LABELS], {})}
    assert of_prompt - of_reply == {("jailbreak",)}
    assert len(of_reply) == len(LABELS) - 1
