"""WildGuard's three lines: of a prompt the first counts, of a reply the third."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.detectors.llm.guards.form import GuardQuestion, GuardTurn, UnreadableAnswer
from guardrails.detectors.llm.guards.wildguard import REQUEST, RESPONSE, make_questions, read_answer
from tests.cases import each_case

OF_PROMPT, OF_REPLY = GuardQuestion(about=(REQUEST,)), GuardQuestion(about=(RESPONSE,))


def lines(request: str, refusal: str, response: str) -> str:
    """Return an answer."""
    return f"Harmful request: {request}\nResponse refusal: {refusal}\nHarmful response: {response}"


@each_case(
    ("question", "text", "score"),
    [
        (OF_PROMPT, lines("yes", "n/a", "n/a"), 1.0),
        (OF_PROMPT, lines("no", "N/A", "N/A") + "\n", 0.0),
        (OF_REPLY, lines("yes", "yes", "no"), 0.0),
        (OF_REPLY, lines("yes", "no", "yes"), 1.0),
        (OF_REPLY, lines("no", "no", "no"), 0.0),
    ],
)
def test_recorded_answers(said: Any, question: GuardQuestion, text: str, score: float) -> None:
    """A harmful prompt that was refused has a harmless reply."""
    assert read_answer(question, said(text)) == {question.about[0]: score}


def test_the_probabilities_are_those_of_the_line_that_counts(said: Any) -> None:
    """Not those of another yes."""
    text = lines("yes", "no", "no")
    assert read_answer(OF_PROMPT, said(text, {" yes": 0.8, " no": 0.2}, after="request:")) == pytest.approx(
        {REQUEST: 0.8}
    )
    assert read_answer(OF_REPLY, said(text, {" no": 0.7, " yes": 0.3}, after="response:")) == pytest.approx(
        {RESPONSE: 0.3}
    )


@each_case(
    ("question", "text"),
    [
        (OF_PROMPT, ""),
        (OF_PROMPT, "no"),
        (OF_PROMPT, "Harmful request: no"),
        (OF_PROMPT, lines("n/a", "n/a", "n/a")),
        (OF_REPLY, lines("no", "n/a", "n/a")),
        (OF_REPLY, lines("no", "no", "not at all")),
        (OF_PROMPT, lines("no, it is fine", "n/a", "n/a")),
        (OF_PROMPT, "Sure! " + lines("no", "n/a", "n/a")),
        (OF_PROMPT, lines("no", "n/a", "n/a") + "\nHarmful request: yes"),
        (OF_PROMPT, "Response refusal: no\nHarmful request: no\nHarmful response: no"),
    ],
)
def test_hostile_answers_are_errors(said: Any, question: GuardQuestion, text: str) -> None:
    """A missing, doubled or swapped line is no answer, nor is one that does not tell of what was asked."""
    with pytest.raises(UnreadableAnswer):
        read_answer(question, said(text))


def test_the_input_is_one_prompt() -> None:
    """It holds both sides, or an empty one; braces in a text are text."""
    (alone,) = make_questions(GuardTurn("my {prompt}"), [], {})
    assert "Human user:\nmy {prompt}\n\nAI assistant:\n\n" in alone.prompt
    (reply,) = make_questions(GuardTurn("a reply", "a prompt"), [], {})
    assert "Human user:\na prompt\n\nAI assistant:\na reply\n" in reply.prompt
    assert (alone.about, reply.about) == ((REQUEST,), (RESPONSE,))
