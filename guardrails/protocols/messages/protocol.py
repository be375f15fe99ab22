"""Anthropic's messages API, and how it counts the tokens of a request.

A blocked answer is a message that says so: our text, and `stop_reason: refusal` with its details.
"""

from __future__ import annotations

import os
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.errors import write_anthropic_error
from guardrails.protocols.messages import messages_fields, replies
from guardrails.protocols.messages.messages_stream import MessagesCodec, build_refusal, write_events
from guardrails.protocols.protocol import (
    Body,
    Framing,
    Protocol,
    StreamFormat,
    blocked_fields,
    failure_writer,
    invalid_answer,
)
from guardrails.protocols.providers import ANTHROPIC
from guardrails.wire import sse

HEAD = ("id", "model", "usage")
"""What a refusal keeps of a message, unless it is what is blocked."""

NO_USAGE = {"input_tokens": 0, "output_tokens": 0}


def check_message(message: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no message."""
    content = message.get("content")
    blocks = isinstance(content, list) and all(isinstance(block, dict) for block in content)
    if message.get("type") != "message" or not blocks:
        raise invalid_answer("the upstream's answer is malformed: it is no message")


def withhold(message: Any, leaves: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return a message with texts edited, or a refusal in its place."""
    changed: dict[str, Any] = messages_fields.edit_body(message, leaves, outcome)
    if not outcome.blocked:
        return changed
    gone = blocked_fields(leaves, outcome)
    head = {name: changed[name] for name in HEAD if name in changed and (name,) not in gone}
    return build_refusal(words, head)


def refuse(words: str, body: Body) -> dict[str, Any]:
    """Return the message that answers a request in these words."""
    head = {"id": "msg_" + os.urandom(12).hex(), "model": body.get("model", ""), "usage": NO_USAGE}
    return build_refusal(words, head)


def check_count(count: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no count."""
    if type(count.get("input_tokens")) is not int:
        raise invalid_answer("the upstream's answer is malformed: it is no count")


def refuse_count(count: Any, leaves: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Raise `BackendError` for an answer that holds more than numbers."""
    raise invalid_answer("the upstream's answer is malformed: it is more than a count")


def read_count_request(body: Any) -> ContentTree:
    """Return the contents of a request for a count, which cannot be streamed; raises `RequestError` for what is refused."""
    leaves = messages_fields.read_request(body)
    if body.get("stream"):
        raise RequestError("invalid_type", "a count is not streamed", "/stream")
    return leaves


MESSAGES = Protocol(
    name="anthropic.messages",
    summary="Answer a conversation.",
    path="/messages",
    provider=ANTHROPIC,
    read_request=messages_fields.read_request,
    edit_request=messages_fields.edit_body,
    check_response=check_message,
    read_response=messages_fields.read_response,
    withhold=withhold,
    refuse=refuse,
    stream=StreamFormat(
        codec=MessagesCodec,
        events=write_events,
        failure=failure_writer(write_anthropic_error, "error"),
        framing=Framing(keep_alive=sse.event(b'{"type": "ping"}', b"ping")),
    ),
    write_error=write_anthropic_error,
    find_replies=replies.find_replies,
    append_reask=replies.append_reask,
)
COUNT_TOKENS = Protocol(
    name="anthropic.count_tokens",
    summary="Count the tokens of a request.",
    path="/messages/count_tokens",
    provider=ANTHROPIC,
    read_request=read_count_request,
    edit_request=messages_fields.edit_body,
    check_response=check_count,
    read_response=messages_fields.read_count,
    withhold=refuse_count,
    write_error=write_anthropic_error,
)
PROTOCOLS = (MESSAGES, COUNT_TOKENS)
