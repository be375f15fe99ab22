"""Cohere's chat API. A blocked answer says our words, and that it ended by an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.chat import chat_payload
from guardrails.protocols.cohere import cohere_fields
from guardrails.protocols.cohere.cohere_stream import CohereCodec, build_refusal, write_events
from guardrails.protocols.protocol import Protocol, StreamFormat, invalid_answer
from guardrails.protocols.providers import COHERE


def check_answer(answer: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no answer of a model."""
    if not isinstance(answer.get("message"), Mapping):
        raise invalid_answer("the upstream's answer is malformed: it has no message")


def withhold(answer: Any, leaves: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return an answer with texts edited, or a refusal in its place; log-probabilities of an edited one spell it as it was."""
    if outcome.blocked:
        return build_refusal(words, {name: answer[name] for name in ("usage",) if name in answer})
    changed: Any = payload.apply_edits(answer, leaves, outcome)
    return {name: value for name, value in changed.items() if name != "logprobs" or not outcome.edits}


CHAT = Protocol(
    name="cohere.chat",
    summary="Answer a conversation.",
    path="/chat",
    provider=COHERE,
    is_served=False,
    read_request=cohere_fields.read_request,
    edit_request=chat_payload.edit_request,
    check_response=check_answer,
    read_response=cohere_fields.read_response,
    withhold=withhold,
    refuse=lambda words, body: build_refusal(words),
    stream=StreamFormat(codec=CohereCodec, events=write_events),
    count_choices=lambda body: 1,
)
PROTOCOLS = (CHAT,)
