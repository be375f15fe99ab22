"""Azure's annotations of chat completions: verdicts in, `content_filter_results` and `prompt_filter_results` out.

Who is told: clients that ask at Azure's path (`azure_deployments.py`), and those that say `x-guardrails-annotations: azure`,
which is a header because OpenAI's clients can send one without their body, or the query of their path, being another.

A kind of harm is named where a detector of the policy judges it: what nobody judged is not said to be safe. Rules that stop a
text for other reasons stand among `custom_blocklists`, by their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.policy.compiled import CompiledPolicy
from guardrails.protocols.chat.chunk_reader import MOST_CHOICES
from guardrails.protocols.moderations.moderations_fields import Moderation, PolicyResult
from guardrails.protocols.streaming.codec import Event
from guardrails.proxy.exchange.response_extras import JudgedSide, Side
from guardrails.proxy.routes.openai.azure_severity import FAMILIES, word

HEADER, AZURE = "x-guardrails-annotations", "azure"
RESULTS, PROMPT = "content_filter_results", "prompt_filter_results"

HARMS: Mapping[str, tuple[str, ...]] = {
    "hate": FAMILIES["Hate"],
    "sexual": FAMILIES["Sexual"],
    "violence": FAMILIES["Violence"],
    "self_harm": FAMILIES["SelfHarm"],
}
"""Filter with a severity → our categories."""

FLAGS: Mapping[Side, Mapping[str, str]] = {
    "input": {"jailbreak": "jailbreak", "indirect_attack": "injection", "profanity": "profanity"},
    "output": {"profanity": "profanity"},
}
"""Side → its filters that only detect, each with our category."""

DETECTED = 0.5
"""The score from which such a filter has detected something, though no rule stops it."""

BEGUN: Mapping[str, Any] = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
"""What else is in the frame before a stream that tells of its prompt."""


def wants(headers: Mapping[str, str]) -> bool:
    """Tell whether a client wants annotations.

    Raises:
        RequestError: it wants some that nobody has.
    """
    wanted = headers.get(HEADER)
    if wanted not in (None, AZURE):
        raise RequestError("invalid_header", f"{HEADER} must be {AZURE}")
    return wanted is not None


def filters(said: PolicyResult, side: Side) -> dict[str, Any]:
    """Return what policies say as Azure's filters do."""
    told: dict[str, Any] = {}
    for name, categories in HARMS.items():
        if any(said.judged.get(category) for category in categories):
            score = max(said.scores.get(category, 0.0) for category in categories)
            told[name] = {"filtered": not said.guilty.isdisjoint(categories), "severity": word(score)}
    for name, category in FLAGS[side].items():
        if said.judged.get(category):
            stops = category in said.guilty
            detected = stops or said.scores.get(category, 0.0) >= DETECTED
            told[name] = {"filtered": stops, "detected": detected}
    named = {*FLAGS[side].values(), *(category for some in HARMS.values() for category in some)}
    others = [rule for rule, categories in said.rules.items() if named.isdisjoint(categories)]
    if others:
        details = [{"filtered": True, "id": rule} for rule in others]
        told["custom_blocklists"] = {"filtered": True, "details": details}
    return told


class Annotated:
    """One request for annotations.

    Args:
        policies: that judge.
    """

    holds = False

    def __init__(self, policies: Sequence[CompiledPolicy]) -> None:
        self._policies = policies
        self._sides: dict[Side, tuple[JudgedSide, Moderation]] = {}
        self._all: dict[str, Any] | None = None
        """What each choice is told, where they are more than anyone asks for."""

    def settled(self, side: Side, outcome: Outcome) -> Outcome:
        """Return the outcome: the policy alone decides."""
        return outcome

    def saw(self, side: Side, heard: JudgedSide) -> None:
        """Take what was judged."""
        self._sides[side] = heard, Moderation(self._policies, *heard.stages)
        if len(heard.choices) > MOST_CHOICES:
            self._all = self._told(side)

    def _told(self, side: Side, choice: int | None = None) -> dict[str, Any]:
        heard, moderation = self._sides[side]
        if heard.failed:
            message = f"Not everything could be judged. Failed: {heard.failed}."
            return {"error": {"code": "content_filter_error", "message": message}}
        return filters(moderation.said(heard.verdict, heard.tree, heard.outcome, choice), side)

    @property
    def _prompt(self) -> dict[str, Any]:
        return {PROMPT: [{"prompt_index": 0, RESULTS: self._told("input")}]}

    def refused(self, error: dict[str, Any]) -> dict[str, Any]:
        """Return the error of a blocked prompt as Azure writes it."""
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": self._told("input")}
        azures = {"type": None, "param": "prompt", "status": 400, "innererror": inner}
        return {**error, "error": {**error["error"], **azures}}

    def opening(self) -> list[Event]:
        """Return the frame that tells of the prompt."""
        return [Event("", {**BEGUN, **self._prompt})]

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return a completion with annotations on its choices, and of its prompt."""
        choices = [self._choice(choice, position) for position, choice in enumerate(answer["choices"])]
        return {**answer, "choices": choices, **self._prompt}

    def ending(self, events: list[Event]) -> list[Event]:
        """Return chunks with an annotation of each choice beside why it ended."""
        return [self._chunk(event) for event in events]

    def _chunk(self, event: Event) -> Event:
        choices = event.data.get("choices") or []
        if not any(choice.get("finish_reason") for choice in choices):
            return event
        told = [self._choice(choice, 0) if choice.get("finish_reason") else choice for choice in choices]
        return replace(event, data={**event.data, "choices": told}, raw=b"")

    def _choice(self, choice: Mapping[str, Any], position: int) -> dict[str, Any]:
        index = choice.get("index")
        told = self._all
        if told is None:
            told = self._told("output", index if type(index) is int else position)
        return {**choice, RESULTS: told}
