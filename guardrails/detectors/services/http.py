"""Any HTTP service, asked and read by a mapping in the policy.

The template is YAML values, filled in as values: whatever a text holds, it stays one text of the JSON. What is not where
the mapping says is an error, never 0; so is a label of a list that `labels` does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem
from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest, ScoredSpan
from guardrails.detectors.services import Service
from guardrails.detectors.services.config import HttpBlock, RemoteConfig
from guardrails.detectors.services.labels import ServiceLabels, best_scores
from guardrails.detectors.services.reading import (
    PerStageJudge,
    UnreadableResponse,
    read_boolean,
    read_count,
    read_list,
    read_mapping,
    read_number,
    read_text,
)
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.types import Stage

PLACEHOLDERS: Final = ("text", "prompt", "stage")
PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
READINGS: Final = ("score", "flag", "scores", "items")

Place = tuple[str, ...]


def parse_place(written: str) -> Place:
    """Return the steps of a JSON Pointer or a dotted path; "" is the whole of the answer."""
    if written.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in written[1:].split("/"))
    return tuple(written.split(".")) if written else ()


def value_at(value: Any, written: str) -> Any:
    """Return what stands at a place of an answer."""
    for part in parse_place(written):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and len(part) < 9 and int(part) < len(value):
            value = value[int(part)]
        else:
            raise UnreadableResponse(f"the answer has nothing at {written!r}")
    return value


def fill_template(template: Any, values: Mapping[str, str]) -> Any:
    """Return a template with values in the place of their names; what they hold is not looked at again."""
    if isinstance(template, str):
        return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)
    if isinstance(template, Mapping):
        return {name: fill_template(inner, values) for name, inner in template.items()}
    return [fill_template(inner, values) for inner in template] if isinstance(template, list) else template


def template_texts(template: Any) -> Iterator[str]:
    """Yield every text of a template that may hold placeholders."""
    if isinstance(template, str):
        yield template
    elif isinstance(template, Mapping | list):
        for inner in template.values() if isinstance(template, Mapping) else template:
            yield from template_texts(inner)


class MappedService:
    """What one ask is answered with."""

    def __init__(self, block: HttpBlock, endpoint: Endpoint, labels: ServiceLabels) -> None:
        self._block, self._endpoint, self._labels = block, endpoint, labels

    async def ask(self, ask: JudgeRequest, stage: Stage) -> JudgeAnswer:
        """Put one ask to the service."""
        values = {"text": ask.read, "prompt": ask.prompt or "", "stage": stage.value}
        answer = await get_client(self._endpoint).post(
            self._block.path, fill_template(self._block.body, values)
        )
        return self._read(answer)

    def _read(self, answer: Any) -> JudgeAnswer:
        block = self._block
        if block.items is not None:
            return self._items(read_list(value_at(answer, block.items), f"list at {block.items!r}"))
        if block.scores is not None:
            scores = read_mapping(value_at(answer, block.scores), f"mapping at {block.scores!r}")
            found = [(label, self._number(scores.get(label), label)) for label in self._labels.expected]
            return JudgeAnswer(
                best_scores((each, score) for label, score in found for each in self._labels.resolve(label))
            )
        assert block.category is not None
        if block.flag is not None:
            score = 1.0 if read_boolean(value_at(answer, block.flag), block.flag) else 0.0
        else:
            assert block.score is not None
            score = self._number(value_at(answer, block.score), block.score)
        return JudgeAnswer({block.category: score} if self._labels.wants(block.category) else {})

    def _items(self, items: list[Any]) -> JudgeAnswer:
        block = self._block
        scores: list[tuple[str, float]] = []
        spots: list[ScoredSpan] = []
        for each in items:
            label = read_text(value_at(read_mapping(each, "object in the list"), block.label), block.label)
            if not self._labels.knows(label):
                raise UnreadableResponse("the answer has a label that 'labels' does not")
            score = 1.0 if block.score is None else self._number(value_at(each, block.score), block.score)
            if block.start is None or block.end is None:
                scores += [(category, score) for category in self._labels.resolve(label)]
            else:
                start, end = (read_count(value_at(each, field), field) for field in (block.start, block.end))
                spots += [ScoredSpan(category, score, start, end) for category in self._labels.resolve(label)]
        return JudgeAnswer(best_scores(scores), tuple(spots))

    def _number(self, value: Any, what: str) -> float:
        return read_number(value, repr(what), self._block.highest)


def _judge(config: RemoteConfig, endpoint: Endpoint, labels: ServiceLabels) -> PerStageJudge:
    assert config.http is not None
    staged = any("{stage}" in each for each in template_texts(config.http.body))
    return PerStageJudge(MappedService(config.http, endpoint, labels).ask, once=not staged)


def _problems(config: RemoteConfig, _endpoint: Endpoint) -> list[ConfigProblem]:
    block = config.http
    assert block is not None
    return [*_of_path(block), *_of_body(block), *_of_reading(config, block)]


def _of_path(block: HttpBlock) -> Iterator[ConfigProblem]:
    """The operator's key goes below the endpoint's URL, and nowhere else on that host."""
    steps = re.split(r"[/\\]", unquote(block.path.partition("?")[0]))
    if not {".", ".."}.isdisjoint(steps):
        message = "path leads out of the endpoint's URL"
        yield ConfigProblem("invalid_value", message, ("http", "path"), hint="leave out '.' and '..'")


def _of_body(block: HttpBlock) -> Iterator[ConfigProblem]:
    names = [name for each in template_texts(block.body) for name in PLACEHOLDER.findall(each)]
    hint = "there are {text}, {prompt} and {stage}"
    for name in dict.fromkeys(names):
        if name not in PLACEHOLDERS:
            yield ConfigProblem(
                "unknown_placeholder", f"{{{name}}} stands for nothing", ("http", "body"), hint=hint
            )
    if "text" not in names:
        message = "the request does not hold the text that is to be judged"
        yield ConfigProblem("missing_text", message, ("http", "body"), hint="such as body: {input: '{text}'}")


def _of_reading(config: RemoteConfig, block: HttpBlock) -> Iterator[ConfigProblem]:
    given = [name for name in READINGS if getattr(block, name) is not None]
    if len(given) != 1 and given != ["score", "items"]:
        message = f"http must have exactly one of {', '.join(READINGS)}"
        yield ConfigProblem("invalid_value", message, ("http",), hint="where in the answer is what it found?")
        return
    many = given[-1] in ("scores", "items")
    if many and not config.labels:
        message = f"http with {given[-1]!r} needs 'labels', which say what the service's names stand for"
        yield ConfigProblem("missing_field", message, (), hint="such as labels: {tox: toxic}")
    if not many and block.category is None:
        message = f"http with {given[0]!r} needs 'category'"
        yield ConfigProblem("missing_field", message, ("http",), hint="such as category: toxic")
    if block.category is not None and not taxonomy.is_valid(block.category):
        message = f"{block.category!r} is no category"
        hint = "one of the taxonomy, or 'custom.' and a name"
        yield ConfigProblem("unknown_category", message, ("http", "category"), hint=hint)
    unused = {
        "label": given[-1] != "items",
        "start": given[-1] != "items" or block.end is None,
        "end": given[-1] != "items" or block.start is None,
        "highest": given == ["flag"] or given == ["items"],
        "category": many,
    }
    for name, is_unused in unused.items():
        if is_unused and name in block.model_fields_set:
            yield ConfigProblem(
                "unused_field", f"{name!r} has no effect here", ("http", name), hint="remove it"
            )
    if config.labels and not many:
        yield ConfigProblem("unused_field", "'labels' has no effect here", ("labels",), hint="remove it")


SERVICE: Final = Service(
    labels={}, judge=_judge, size=10_000, fields=frozenset({"http"}), needs="http", problems=_problems
)
