"""Google's Gemini API: `:generateContent`, `:streamGenerateContent` and `:countTokens` of a model.

What is stopped says so as Google's own filters do, with status 200: a prompt by `promptFeedback` with a `blockReason`, without
candidates; a candidate by `finishReason: SAFETY`, without content, our words in `finishMessage`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.choices import choice_index, refuse_choices
from guardrails.protocols.errors import write_google_error
from guardrails.protocols.gemini import gemini_answer_fields, gemini_fields, replies
from guardrails.protocols.gemini.gemini_fields import field_of
from guardrails.protocols.gemini.gemini_stream import STOPPED, GeminiCodec, build_refusal
from guardrails.protocols.messages.protocol import refuse_count
from guardrails.protocols.protocol import (
    Body,
    Protocol,
    StreamFormat,
    failure_writer,
    invalid_answer,
)
from guardrails.protocols.providers import GEMINI
from guardrails.protocols.streaming.codec import Event


def count_candidates(body: Body) -> int:
    """Return how many candidates a request asks for."""
    count = field_of(field_of(body, "generationConfig"), "candidateCount")
    return count if isinstance(count, int) and count > 0 else 1


def check_answer(answer: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no answer of a model."""
    candidates = answer.get("candidates", [] if isinstance(answer.get("promptFeedback"), dict) else None)
    if not isinstance(candidates, list) or not all(isinstance(each, dict) for each in candidates):
        raise invalid_answer("the upstream's answer is malformed: it has no candidates")


def withhold(answer: Any, leaves: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return an answer with texts edited and candidates refused: all, for what belongs to none of them."""
    changed: Any = gemini_fields.edit_body(answer, leaves, outcome)
    return refuse_choices(
        changed,
        "candidates",
        leaves,
        outcome,
        lambda candidate, position: build_refusal(choice_index(candidate, position), words),
    )


def refuse(words: str, body: Body) -> dict[str, Any]:
    """Return the answer to a prompt that is stopped."""
    return {"promptFeedback": {"blockReason": STOPPED, "blockReasonMessage": words}}


def check_count(count: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no count."""
    if type(count.get("totalTokens")) is not int:
        raise invalid_answer("the upstream's answer is malformed: it is no count")


def write_events(answer: Body) -> Iterator[Event]:
    """Write a whole answer as one chunk."""
    yield Event("", dict(answer))


GENERATE = Protocol(
    name="gemini.generate",
    summary="Answer a conversation.",
    path=":generateContent",
    provider=GEMINI,
    is_served=False,
    read_request=gemini_fields.read_request,
    edit_request=gemini_fields.edit_body,
    check_response=check_answer,
    read_response=gemini_answer_fields.read_response,
    withhold=withhold,
    refuse=refuse,
    refuses_in_kind=True,
    stream=StreamFormat(codec=GeminiCodec, events=write_events, failure=failure_writer(write_google_error)),
    is_streamed=lambda body: False,
    count_choices=count_candidates,
    write_error=write_google_error,
    find_replies=replies.find_replies,
    append_reask=replies.append_reask,
)
STREAM = replace(
    GENERATE,
    name="gemini.stream",
    summary="Answer a conversation as a stream.",
    path=":streamGenerateContent",
    is_streamed=lambda body: True,
)
COUNT_TOKENS = replace(
    GENERATE,
    name="gemini.count_tokens",
    summary="Count the tokens of a request.",
    path=":countTokens",
    read_request=gemini_fields.read_count_request,
    check_response=check_count,
    read_response=gemini_answer_fields.read_count,
    withhold=refuse_count,
    refuse=None,
    refuses_in_kind=False,
)
PROTOCOLS = (GENERATE, STREAM, COUNT_TOKENS)
"""The path of each names a model, which the proxy's route reads (`proxy/routes/gemini.py`)."""
