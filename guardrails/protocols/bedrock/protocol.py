"""Bedrock's Converse API. A blocked answer says our words, and `guardrail_intervened` as Bedrock's own guardrails do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.engine.values.writer import remove_entries
from guardrails.protocols.bedrock import converse_fields
from guardrails.protocols.bedrock.converse_stream import ConverseCodec, build_refusal, write_events
from guardrails.protocols.protocol import Protocol, StreamFormat, invalid_answer
from guardrails.protocols.providers import BEDROCK


def edit_request(body: Any, leaves: ContentTree, outcome: Outcome) -> Any:
    """Return a request as a policy leaves it, without removed turns."""
    new: Any = payload.apply_edits(body, leaves, outcome)
    return {**new, "messages": remove_entries(new["messages"], outcome.removed)} if outcome.removed else new


def check_answer(answer: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no answer of a model."""
    output = answer.get("output")
    message = output.get("message") if isinstance(output, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(message.get("content"), list):
        raise invalid_answer("the upstream's answer is malformed: it has no message")


def withhold(answer: Any, leaves: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return an answer with texts edited, or a refusal in its place."""
    if outcome.blocked:
        return build_refusal(words, {name: answer[name] for name in ("usage", "metrics") if name in answer})
    changed: dict[str, Any] = dict(payload.apply_edits(answer, leaves, outcome))  # type: ignore[call-overload]
    return changed


CONVERSE = Protocol(
    name="bedrock.converse",
    summary="Answer a conversation.",
    path="/model/*/converse",
    provider=BEDROCK,
    is_served=False,
    read_request=converse_fields.read_request,
    edit_request=edit_request,
    check_response=check_answer,
    read_response=converse_fields.read_response,
    withhold=withhold,
    refuse=lambda words, body: build_refusal(words),
    is_streamed=lambda body: False,
    count_choices=lambda body: 1,
)
STREAM = replace(
    CONVERSE,
    name="bedrock.converse_stream",
    summary="Answer a conversation as a stream.",
    path="/model/*/converse-stream",
    stream=StreamFormat(codec=ConverseCodec, events=write_events),
    is_streamed=lambda body: True,
)
PROTOCOLS = (CONVERSE, STREAM)
