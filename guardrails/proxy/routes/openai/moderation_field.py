"""OpenAI's `moderation` field of chat completions and responses: taken out of a request, and fulfilled here for any backend.

In: `{"model", "policy": {"input": {"mode"}, "output": {"mode"}}}`. Out: `{"input", "output"}` on the answer, on one chunk of a
streamed chat, on the last event of a streamed response, and beside the error of a blocked request.

Whatever the client asks for, the policy holds. Mode `score`, which is the default, only tells. Mode `block` makes it
stricter for this request: what the results flag is blocked, also where the policy would edit it, and so is all of which nobody
knows whether they would, because a detector failed; nothing of a stream goes on before all of it is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.policy.compiled import CompiledPolicy
from guardrails.protocols.chat.chunk_reader import MOST_CHOICES
from guardrails.protocols.moderations.moderations_fields import MODEL_NAME, Moderation, deciding, stricter
from guardrails.protocols.responses.event_kinds import LAST
from guardrails.protocols.streaming.codec import Event
from guardrails.proxy.exchange.response_extras import JudgedSide, Side, extra_chunk
from guardrails.wire.json_patch import without

FIELD = "moderation"
AT = f"/{FIELD}"
MODES = ("score", "block")
NAME = re.compile(r"[a-z_]{1,32}")
"""A name of a field that an error repeats."""

FAILED, NOTHING = "moderation_unavailable", "not_generated"
"""Codes of a side without results: detectors failed; the request was blocked, so that there is no answer."""

Sides = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for: the name of the model that is to moderate, and the mode of each side."""

    model: str
    input: Literal["score", "block"] = "score"
    output: Literal["score", "block"] = "score"


def take_field(body: dict[str, Any], raw: bytes) -> tuple[dict[str, Any], bytes, Wanted | None]:
    """Return a request without the field, and what was asked for in it, None for nothing.

    Raises:
        RequestError: it has no form that is known.
    """
    if FIELD not in body:
        return body, raw, None
    asked = wanted(body[FIELD])
    rest = {name: value for name, value in body.items() if name != FIELD}
    return rest, without(raw, FIELD), asked


def wanted(given: Any) -> Wanted | None:
    """Return what a value of the field asks for.

    Raises:
        RequestError: it has no form that is known; a text is the field of the same name that pictures have.
    """
    if given is None:
        return None
    given = _fields(given, AT, "model", "policy")
    model = given.get("model")
    if not isinstance(model, str) or not model or not MODEL_NAME.fullmatch(model):
        raise RequestError("invalid_type", "must be the name of a model", f"{AT}/model")
    policy = given.get("policy")
    if policy is None:
        return Wanted(model)
    sides = _fields(policy, f"{AT}/policy", "input", "output")
    modes = {side: _mode(sides[side], f"{AT}/policy/{side}") for side in sides if sides[side] is not None}
    return Wanted(model, **modes)


def _mode(given: Any, at: str) -> Any:
    """Return the mode of a side."""
    mode = _fields(given, at, "mode").get("mode")
    if not isinstance(mode, str) or mode not in MODES:
        raise RequestError("invalid_mode", f"mode must be {' or '.join(MODES)}", f"{at}/mode")
    return mode


def _fields(given: Any, at: str, *known: str) -> Mapping[str, Any]:
    """Return an object that has no other fields."""
    if not isinstance(given, dict):
        raise RequestError("invalid_type", "must be an object or null", at)
    for name in given:
        if name not in known:
            shown = f"{at}/{name}" if NAME.fullmatch(name) else at
            raise RequestError("unknown_field", f"fields are {', '.join(known)}", shown)
    return given


class Moderated:
    """One request for moderation.

    Args:
        form: how the API tells of it.
        asked: what for.
        policies: that judge.
        choices: how many answers the request asks for.
    """

    def __init__(
        self, form: Form, asked: Wanted, policies: Sequence[CompiledPolicy], choices: int = 1
    ) -> None:
        self._form, self._asked, self._policies, self._choices = form, asked, policies, choices
        self._sides: dict[Side, Mapping[str, Any]] = {}

    @property
    def holds(self) -> bool:
        """Whether a stream waits for its end: where what is flagged in it must not be seen."""
        return self._asked.output == "block"

    @cached_property
    def _needed(self) -> frozenset[str]:
        return deciding(self._policies)

    def settled(self, side: Side, outcome: Outcome) -> Outcome:
        """Return an outcome, stricter where the mode says so."""
        mode = self._asked.input if side == "input" else self._asked.output
        return stricter(outcome, f"{FIELD}.{side}", self._needed) if mode == "block" else outcome

    def saw(self, side: Side, heard: JudgedSide) -> None:
        """Take what was judged."""
        self._sides[side] = self._told(side, heard)

    def _told(self, side: Side, heard: JudgedSide) -> Mapping[str, Any]:
        if heard.failed:
            return _error(FAILED, f"Not everything could be judged. Failed: {heard.failed}.")
        moderation, model = Moderation(self._policies, *heard.stages), self._asked.model
        head = {"type": "moderation_result", "model": model}
        results = [
            {**head, **moderation.result(heard.verdict, heard.tree, heard.outcome, choice)}
            for choice in self._choices_of(side, heard)
        ]
        return self._form.side(model, results)

    def _choices_of(self, side: Side, heard: JudgedSide) -> Sequence[int | None]:
        """Return the choices that have a result of their own; one has all, where they are one, or more than anyone has."""
        if side == "input" or not self._form.by_choice:
            return [None]
        choices = sorted({*range(min(self._choices, MOST_CHOICES)), *heard.choices})
        return choices if 1 < len(choices) <= MOST_CHOICES else [None]

    @property
    def _both(self) -> Sides:
        nothing = _error(NOTHING, "The request was blocked; nothing was generated.")
        return {"input": self._sides["input"], "output": self._sides.get("output", nothing)}

    def refused(self, error: dict[str, Any]) -> dict[str, Any]:
        """Return an error with the results beside it."""
        return {**error, FIELD: self._both}

    def opening(self) -> list[Event]:
        """Nothing stands before a stream."""
        return []

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer with the results on it."""
        return {**answer, FIELD: self._both}

    def ending(self, events: list[Event]) -> list[Event]:
        """Return the last events of a stream with the results in them."""
        return self._form.ending(events, self._both)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"type": "error", "code": code, "message": message}


@dataclass(frozen=True, slots=True)
class Form:
    """How an API tells of moderation: one side of it, and all of it in a stream."""

    side: Callable[[str, list[dict[str, Any]]], Mapping[str, Any]]
    ending: Callable[[list[Event], Sides], list[Event]]
    by_choice: bool = False
    """Whether each choice of an answer has a result of its own."""


def _chunk(events: list[Event], both: Sides) -> list[Event]:
    """Return chunks with one that tells, behind all choices: the last of all may have the usage, and readers keep only that of
    the last. What the upstream has in the field goes, as readers would take it for ours.
    """
    events = [_without(event) if FIELD in event.data else event for event in events]
    usage = events[-1:] if events and not events[-1].data.get("choices") else []
    before = events[: len(events) - len(usage)]
    return [*before, extra_chunk(events, **{FIELD: both}), *usage]


def _without(event: Event) -> Event:
    return replace(event, data={name: value for name, value in event.data.items() if name != FIELD}, raw=b"")


def _last(events: list[Event], both: Sides) -> list[Event]:
    """Return events whose last, which has the whole response, tells."""
    return [_on(event, both) if event.kind in LAST else event for event in events]


def _on(event: Event, both: Sides) -> Event:
    return replace(event, data={**event.data, "response": {**event.data["response"], FIELD: both}}, raw=b"")


FORMS: Mapping[str, Form] = {
    "openai.chat": Form(
        lambda model, results: {"type": "moderation_results", "model": model, "results": results},
        _chunk,
        True,
    ),
    "openai.responses": Form(lambda model, results: results[0], _last),
}
"""Name of a protocol that has the field → its form."""
