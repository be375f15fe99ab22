"""The `judge` detector: asks any model the policy editor's own question about each piece of a text.

The model is behind an OpenAI-compatible server (vLLM, SGLang, Ollama, OpenAI). `judge_prompt.py` says how a text is put to it and
how its answer is read. A judge that refuses, says more than its answer, is cut off or cannot be reached has failed, which is
an error of the content and never "nothing found".

`structured:` has the server hold the model to the form. vLLM, SGLang, Ollama (from 0.5) and OpenAI (from gpt-4o) know
`json_schema`, older ones `json_object`. The default is `none`, which works with all of them and keeps what a held model
cannot say: one that would have refused is made to pick an answer, whereas here its refusal is a failure. With
`probabilities: true` that shows again, since a held model that would rather say something else finds no answer likely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind, default_category
from guardrails.detectors.language.scripts import NAMES, suggest_code
from guardrails.detectors.llm.judge_prompt import (
    AnswerForm,
    JudgeExample,
    JudgeQuestion,
    make_label_form,
    make_score_form,
    make_yes_no_form,
    parse_answer,
)
from guardrails.detectors.llm.llm_detector import JudgeAdapter, JudgeRequest, RemoteDetector, Scores
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.remote.chat import ask_chat
from guardrails.remote.endpoint import Endpoint, RemoteError

TOP: Final = 20
"""Likeliest tokens that are asked for in each place: as many as OpenAI and vLLM give."""


class ExampleDoc(Config):
    """A text with its right answer."""

    text: str = Field(min_length=1)
    """The text."""
    answer: str | bool | int = Field(examples=["yes"])
    """Its answer, in the form of `answer:`: yes or no, a whole number from 0 to 10, or a label."""
    prompt: str = ""
    """What the text replies to, where that matters."""
    reason: str = ""
    """Why that is its answer."""


class JudgeConfig(Config):
    """A question of your own, which a model answers of each text."""

    use: Literal["judge"]
    """The kind of detector."""
    endpoint: str = Field(min_length=1, examples=["vllm"])
    """The server, by the name under which the operator declares it: any that speaks OpenAI's chat API."""
    model: str = Field(min_length=1, examples=["qwen3-8b"])
    """The model, by the name that the server has for it."""
    question: str = Field(
        min_length=1, examples=["Does the text give medical advice that only a doctor should give?"]
    )
    """What is asked of each text."""
    guidance: str = ""
    """What the question's words mean, and what to do in edge cases."""
    examples: list[ExampleDoc] = Field(default=[], max_length=64)
    """Texts with their right answers, which the model sees before the text to judge."""
    answer: Literal["yes_no", "score", "labels"] = "yes_no"
    """`yes_no`: yes is a score of 1.0. `score`: a whole number from 0 to 10, which is a score of 0.0 to 1.0. `labels`: one of
    `labels:`, whose category has a score of 1.0."""
    category: str | None = Field(default=None, examples=["custom.medical_advice"])
    """What yes, or a high score, finds; by default `custom.` and the detector's name."""
    labels: dict[str, str | None] = Field(
        default={}, examples=[{"spam": "spam", "fraud": "custom.fraud", "fine": None}]
    )
    """With `answer: labels`: each label and the category that it finds, null for one that finds nothing."""
    probabilities: bool = False
    """With `yes_no`: the score is the probability of yes, for servers that give those of tokens (`logprobs`)."""
    structured: Literal["none", "json_object", "json_schema"] = "none"
    """How the server holds the model to the form of an answer (`response_format`); whatever comes is read as strictly."""
    system: bool = True
    """Whether the model knows messages of the system; without, the task stands in the first message of the user."""
    thinking: bool | None = None
    """Whether a model that can think first does (`enable_thinking` of its chat template, on vLLM and SGLang); left out, as it
    does by itself. One that thinks needs `max_tokens` of some thousand, and an endpoint with time."""
    max_tokens: int = Field(default=64, ge=8, le=65_536)
    """Tokens of an answer, thoughts included; one that is cut off has failed."""
    characters: int = Field(default=4_000, ge=200, le=1_000_000)
    """Characters that are judged at a time; longer texts are cut where passages end. Of a prompt the last so many are shown."""
    windows: int = Field(default=400, ge=1, le=100_000)
    """Pieces of one text that are judged; the rest is `unchecked: limit`. Where it is left out, the policy's
    `limits: windows` holds."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """The score below which nothing is reported."""
    languages: list[str] = Field(default=[], examples=[["en", "de"]])
    """ISO 639-1 codes of the languages that the question was tried in, none for all; text in others is judged, and
    `unchecked: language`."""


class QuestionJudge:
    """The service: one request for each piece of a text."""

    most = 1

    def __init__(self, endpoint: Endpoint, question: JudgeQuestion, config: JudgeConfig) -> None:
        self._endpoint, self._question = endpoint, question
        self._model, self._max_tokens = config.model, config.max_tokens
        self._top = TOP if config.probabilities else 0
        self._prompt = config.characters
        self._extra = _extra(config, question.form)

    async def score(self, asks: Sequence[JudgeRequest]) -> list[Scores]:
        """Answer each ask."""
        return [await self._score_one(ask) for ask in asks]

    async def _score_one(self, ask: JudgeRequest) -> Scores:
        answer = await ask_chat(
            self._endpoint,
            self._model,
            self._question.messages(ask.read, (ask.prompt or "")[-self._prompt :]),
            max_tokens=self._max_tokens,
            top=self._top,
            extra=self._extra,
        )
        try:
            return self._question.form.scores(answer)
        except RemoteError as error:
            raise RemoteError(f"endpoint {self._endpoint.name!r}: {error}") from None


def _extra(config: JudgeConfig, form: AnswerForm) -> dict[str, Any]:
    formats: Mapping[str, dict[str, Any]] = {
        "none": {},
        "json_object": {"response_format": {"type": "json_object"}},
        "json_schema": {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": form.schema},
            }
        },
    }
    thinking = config.thinking
    template = {} if thinking is None else {"chat_template_kwargs": {"enable_thinking": thinking}}
    return {**formats[config.structured], **template}


def _form(name: str, config: JudgeConfig) -> AnswerForm:
    if config.answer == "labels":
        return make_label_form(config.labels)
    of = {"yes_no": make_yes_no_form, "score": make_score_form}[config.answer]
    return of(config.category or default_category(name))


def _categories(name: str, config: JudgeConfig) -> frozenset[str]:
    found = frozenset(category for each in _form(name, config).answers.values() for category in each)
    # With no label that finds anything, the one problem to report is that.
    return found or frozenset({config.category or default_category(name)})


def _problems(config: JudgeConfig, form: AnswerForm) -> Iterator[ConfigProblem | None]:
    if not config.question.strip():
        hint = "write a question that yes, a number or a label answers"
        yield ConfigProblem("invalid_value", "question must not be empty", ("question",), hint=hint)
    if config.category is not None:
        yield category_problem(config.category, ("category",))
    yield from _label_problems(config)
    if config.probabilities and config.answer != "yes_no":
        message = f"'probabilities' is for answer: yes_no, not {config.answer}"
        yield ConfigProblem("unused_field", message, ("probabilities",), hint="leave it out")
    for index, code in enumerate(config.languages):
        if code not in NAMES:
            message = f"{code!r} is not a language that can be told"
            yield ConfigProblem("unknown_language", message, ("languages", index), hint=suggest_code(code))
    for index, example in enumerate(config.examples):
        # Without labels, what is wrong is that.
        if parse_answer(example.answer, config.answer) not in form.answers and form.answers:
            message = f"{example.answer!r} is no answer to the question"
            path = ("examples", index, "answer")
            yield ConfigProblem(
                "invalid_example", message, path, hint=f"the model is to say {form.description}"
            )


def _label_problems(config: JudgeConfig) -> Iterator[ConfigProblem | None]:
    """Yield what is wrong with the labels, or that there are none or are some."""
    if config.answer != "labels":
        if config.labels:
            hint = "add 'answer: labels'"
            message = f"'labels' is for answer: labels, not {config.answer}"
            yield ConfigProblem("unused_field", message, ("labels",), hint=hint)
        return
    if config.category is not None:
        hint = "write it beside the label that finds it"
        message = "with answer: labels each label has its own category"
        yield ConfigProblem("unused_field", message, ("category",), hint=hint)
    if len(config.labels) < 2 or not any(config.labels.values()):
        hint = "such as labels: {spam: spam, fine: null}"
        message = "answer: labels needs two labels at least, and a category for one of them"
        yield ConfigProblem("no_labels", message, ("answer",), hint=hint)
    for label, category in config.labels.items():
        if not label.strip() or not label.isprintable() or not {'"', "\\"}.isdisjoint(label):
            hint = "write a word or two"
            yield ConfigProblem(
                "invalid_label", f"label {label!r} cannot be said", ("labels", label), hint=hint
            )
        if category is not None:
            yield category_problem(category, ("labels", label))


def _build(name: str, config: JudgeConfig, files: PolicyFiles) -> RemoteDetector:
    form = _form(name, config)
    problems = [each for each in _problems(config, form) if each is not None]
    try:
        endpoint = files.endpoint(config.endpoint)
    except ConfigProblems as error:
        raise ConfigProblems([*problems, *error.problems]) from error
    if problems:
        raise ConfigProblems(problems)
    examples = [
        JudgeExample(each.text, parse_answer(each.answer, config.answer), each.prompt, each.reason)
        for each in config.examples
    ]
    question = JudgeQuestion(config.question, form, config.guidance, examples, config.system)
    asking = JudgeAdapter(
        name,
        _categories(name, config),
        size=config.characters,
        most=config.windows,
        min_score=config.min_score,
        languages=config.languages,
    )
    return RemoteDetector(asking, QuestionJudge(endpoint, question, config))


KIND = Kind(
    name="judge",
    doc="A question of the policy editor's own, which any model behind an OpenAI-compatible server answers.",
    config=JudgeConfig,
    categories=_categories,
    build=_build,
    tier=2,
    reads=("prompt",),
    limits=("windows",),
)
