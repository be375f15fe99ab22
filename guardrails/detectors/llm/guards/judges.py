"""Guard models as judges, behind a server or in this process.

`ServedGuardModel` asks an OpenAI-compatible server, all questions about a text at once; `LocalGuardModel` a model in this
process, one after the other. Each answers one request at a time: a model's batches are its server's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.detectors.llm.guards.form import GuardForm, GuardQuestion, GuardTurn, Labels, UnreadableAnswer
from guardrails.detectors.llm.guards.markers import break_markers
from guardrails.detectors.llm.llm_detector import JudgeRequest
from guardrails.inference.hub.generative import GenerativeModel
from guardrails.inference.safety.folder import ModelError
from guardrails.remote.chat import AnswerToken, ModelAnswer, ask_chat, ask_completion
from guardrails.remote.endpoint import Endpoint
from guardrails.text import replace_surrogates


class GuardPrompter:
    """A form as one detector uses it.

    Args:
        form: the form.
        labels: what its answers say that is wanted, with the categories that it finds.
        policies: policies in words by label.
        prompt: characters of a prompt that are read beside its reply: its end, where a long one asks.
        max_tokens: tokens of an answer at most.
        probabilities: whether the likelihood of tokens is asked for.
    """

    def __init__(
        self,
        form: GuardForm,
        labels: Labels,
        policies: Mapping[str, str],
        *,
        prompt: int,
        max_tokens: int | None = None,
        probabilities: bool = True,
    ) -> None:
        self.form = form
        self.max_tokens = max_tokens or form.max_tokens
        self.top = form.top if probabilities else 0
        self._labels, self._policies, self._prompt = labels, policies, prompt

    def questions(self, ask: JudgeRequest, special: Sequence[str] = ()) -> Sequence[GuardQuestion]:
        """Return what is asked of a text; `special` are the tokens that it must not hold."""
        prompt = None
        if ask.prompt is not None:
            prompt = break_markers(replace_surrogates(ask.prompt[-self._prompt :]), special)
        turn = GuardTurn(break_markers(ask.read, special), prompt)
        return self.form.questions(turn, [*self._labels], self._policies)

    def scores(
        self, questions: Sequence[GuardQuestion], answers: Sequence[ModelAnswer]
    ) -> Mapping[str, float]:
        """Return the score of each category by the answers; raises `UnreadableAnswer`."""
        found: dict[str, float] = {}
        for question, answer in zip(questions, answers, strict=True):
            for label, score in self.form.read(question, answer).items():
                for category in self._labels.get(label, ()):
                    found[category] = max(score, found.get(category, 0.0))
        return found


class ServedGuardModel:
    """A model behind a server."""

    most = 1

    def __init__(self, asked: GuardPrompter, endpoint: Endpoint, model: str) -> None:
        self._asked, self._endpoint, self._model = asked, endpoint, model

    async def score(self, asks: Sequence[JudgeRequest]) -> list[Mapping[str, float]]:
        """Answer each ask; raises `RemoteError`."""
        found = []
        for ask in asks:
            questions = self._asked.questions(ask)
            answers = await asyncio.gather(*map(self._answer, questions))
            found.append(self._asked.scores(questions, answers))
        return found

    async def _answer(self, question: GuardQuestion) -> ModelAnswer:
        how: dict[str, Any] = {
            "max_tokens": self._asked.max_tokens,
            "top": self._asked.top,
            "may_be_cut": self._asked.form.may_be_cut,
        }
        if question.prompt:
            return await ask_completion(self._endpoint, self._model, question.prompt, **how)
        if question.arguments:
            how["extra"] = {"chat_template_kwargs": dict(question.arguments)}
        return await ask_chat(self._endpoint, self._model, question.messages, **how)


class LocalGuardModel:
    """A model in this process."""

    most = 1

    def __init__(self, asked: GuardPrompter, model: GenerativeModel) -> None:
        self._asked, self._model = asked, model

    def score(self, asks: Sequence[JudgeRequest]) -> list[Mapping[str, float]]:
        """Answer each ask; raises `UnreadableAnswer`."""
        found = []
        for ask in asks:
            questions = self._asked.questions(ask, self._model.special)
            answers = [self._answer(question, self._asked.max_tokens) for question in questions]
            found.append(self._asked.scores(questions, answers))
        return found

    def try_out(self, ask: JudgeRequest) -> None:
        """Put each question once, for the first token of an answer; raises `ModelError` where that does not work."""
        for question in self._asked.questions(ask, self._model.special):
            self._generate(question, 1)

    def _answer(self, question: GuardQuestion, most: int) -> ModelAnswer:
        try:
            answer, ended = self._generate(question, most)
        except ModelError as error:
            raise UnreadableAnswer(str(error)) from error
        if not (ended or self._asked.form.may_be_cut):
            raise UnreadableAnswer("the model did not come to an end of its answer")
        return answer

    def _generate(self, question: GuardQuestion, most: int) -> tuple[ModelAnswer, bool]:
        prompt = question.prompt or self._model.render(question.messages, question.arguments)
        said = self._model.generate(prompt, most=most, top=self._asked.top, begin=bool(question.prompt))
        tokens = tuple(AnswerToken(*each) for each in said.tokens) if self._asked.top else None
        return ModelAnswer(said.text, tokens), said.ended
