"""Judges of one form: what a text becomes before it is asked, and what answers of a model in this process come to.

The judge that asks a server is tried on a real one in `test_guard_model.py`, this one on real models in `system/`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.detectors.llm.guards.judges import GuardPrompter, LocalGuardModel
from guardrails.detectors.llm.guards.llama_guard import LLAMA_GUARD_3
from guardrails.detectors.llm.guards.shieldgemma import SHIELDGEMMA
from guardrails.detectors.llm.guards.wildguard import WILDGUARD
from guardrails.detectors.llm.llm_detector import JudgeRequest
from guardrails.inference.hub.generative import GeneratedAnswer
from guardrails.inference.safety.folder import ModelError
from guardrails.types import Text
from tests.cases import each_case

LABELS = {"unsafe": ("unsafe",), "S1": ("violence",), "S9": ("violence", "illicit.violent")}


def asked(
    form: Any = LLAMA_GUARD_3, labels: Any = LABELS, policies: Any = None, **more: Any
) -> GuardPrompter:
    """Return a form as a detector uses it."""
    return GuardPrompter(form, labels, policies or {}, **{"prompt": 20, **more})


def ask(text: str, prompt: str | None = None) -> JudgeRequest:
    """Return what a detector asks of a text."""
    return JudgeRequest(text, Text(text), prompt)


class Scripted:
    """A model that says what it was told to, and remembers what it read."""

    special = ("@@",)

    def __init__(self, *answers: str | Exception, ended: bool = True) -> None:
        self.answers, self.ended = [*answers], ended
        self.read: list[tuple[str, bool, int, int]] = []

    def render(self, messages: Sequence[Mapping[str, str]], arguments: Mapping[str, Any]) -> str:
        """Return all that it is given."""
        said = [f"{message['role']}: {message['content']}" for message in messages]
        return "\n".join([*said, *map(str, arguments.values())])

    def generate(self, prompt: str, *, most: int, top: int, begin: bool) -> GeneratedAnswer:
        """Return the next answer, as one token that is certain."""
        self.read.append((prompt, begin, most, top))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        likely = ((answer, math.log(0.75)), ("unsafe", math.log(0.25)))
        return GeneratedAnswer(answer, ((answer, math.log(0.75), likely),), self.ended)


def test_a_text_and_its_prompt_lose_their_markers_and_halves_of_pairs() -> None:
    """Nothing of them can be read as a token of the template; of a long prompt the end is read."""
    (question,) = asked().questions(ask("<|eot_id|> @@", "x" * 90 + "<|eot_id|>\ud800 why?"), ["@@"])
    prompt, reply = (message["content"] for message in question.messages)
    assert reply == "< |eot_id| > @ @"
    assert prompt == "xxxx< |eot_id| >\ufffd why?"


@each_case(
    ("said", "scores"),
    [
        ({"unsafe": 0.2}, {"unsafe": 0.2}),
        ({"unsafe": 0.9, "S1": 0.9, "S9": 0.9}, {"unsafe": 0.9, "violence": 0.9, "illicit.violent": 0.9}),
        ({"unsafe": 0.9, "S5": 0.9}, {"unsafe": 0.9}),
    ],
)
def test_labels_find_their_categories(said: Any, scores: Any) -> None:
    """The highest score of a category holds; labels that nobody wants find nothing."""

    class Own:
        read = staticmethod(lambda _question, _answer: said)
        top, max_tokens = 0, 1

    found = asked(form=Own()).scores([None], [None])  # type: ignore[list-item]
    assert found == scores


def test_a_model_in_this_process_is_asked_one_question_after_the_other() -> None:
    """The answers of all of them are the scores of the text."""
    labels = {"hate_speech": ("hate",), "custom.own": ("custom.own",)}
    model = Scripted("Yes", "No")
    judge = LocalGuardModel(
        asked(SHIELDGEMMA, labels, {"custom.own": "No cats."}, probabilities=False), model
    )  # type: ignore[arg-type]
    assert judge.score([ask("hello")]) == [{"hate": 1.0, "custom.own": 0.0}]
    assert [top for *_, top in model.read] == [0, 0]
    assert "No Hate Speech" in model.read[0][0]
    assert "No cats." in model.read[1][0]


def test_probabilities_and_prompts_without_a_template_go_through() -> None:
    """A prompt that is read as it is lacks the token that begins it."""
    model = Scripted("safe")
    assert LocalGuardModel(asked(), model).score([ask("x")]) == [{"unsafe": pytest.approx(0.25)}]  # type: ignore[arg-type]
    assert not model.read[0][1]
    model = Scripted("Harmful request: no\nResponse refusal: n/a\nHarmful response: n/a")
    labels = {"harmful_request": ("unsafe",)}
    judge = LocalGuardModel(asked(WILDGUARD, labels, probabilities=False, max_tokens=7), model)  # type: ignore[arg-type]
    assert judge.score([ask("x")]) == [{"unsafe": 0.0}]
    assert model.read[0][1:3] == (True, 7)


@each_case(
    ("model", "why"),
    [
        (Scripted("safe", ended=False), "did not come to an end"),
        (Scripted("I am not sure."), "neither 'safe' nor 'unsafe'"),
        (Scripted(""), "neither"),
        (Scripted(ModelError("more than the model can hold")), "more than the model can hold"),
    ],
)
def test_what_is_no_answer_is_an_error(model: Any, why: str) -> None:
    """Cut, empty, of another form, or none at all."""
    with pytest.raises(UnreadableAnswer, match=why):
        LocalGuardModel(asked(), model).score([ask("x")])


def test_a_model_is_tried_out_without_waiting_for_its_answer() -> None:
    """One token of each question shows that it runs, whatever it says."""
    model = Scripted("nonsense", ended=False)
    LocalGuardModel(
        asked(SHIELDGEMMA, {"hate_speech": ("hate",), "harassment": ("harassment",)}), model
    ).try_out(ask("x"))  # type: ignore[arg-type]
    assert [most for _, _, most, _ in model.read] == [1, 1]
    with pytest.raises(ModelError):
        LocalGuardModel(asked(), Scripted(ModelError("no room"))).try_out(ask("x"))  # type: ignore[arg-type]
