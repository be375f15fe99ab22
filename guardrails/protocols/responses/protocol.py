"""OpenAI's Responses API.

A blocked answer is `incomplete` with the reason `content_filter`, and its only item refuses in our words.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.errors import Problem, openai_error_writer
from guardrails.protocols.protocol import Body, Protocol, StreamFormat, blocked_fields, invalid_answer
from guardrails.protocols.responses import replies, responses_fields
from guardrails.protocols.responses.event_writer import REQUIRED, build_refusal, write_events
from guardrails.protocols.responses.responses_stream import FAILURE, ResponsesCodec
from guardrails.protocols.streaming.codec import Event

KEPT = frozenset({*responses_fields.SHARED, "id", "created_at", "usage", "previous_response_id"})
"""What a refusal keeps of a response, unless it is what is blocked."""

ECHOED = (
    "metadata",
    "parallel_tool_calls",
    "temperature",
    "tool_choice",
    "top_p",
    "max_output_tokens",
    "truncation",
)
"""Settings of a request that the response to it repeats, also one that refuses."""

CODES: Mapping[int, str] = {429: "rate_limit_exceeded"}
"""Status → the code of a response that failed, where it is not the usual one."""


def check_answer(response: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no response."""
    output = response.get("output")
    items = isinstance(output, list) and all(isinstance(item, dict) for item in output)
    if response.get("object") != "response" or not items:
        raise invalid_answer("the upstream's answer is malformed: it is no response")


def withhold(response: Any, leaves: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return a response with texts edited, or a refusal in its place."""
    changed: dict[str, Any] = responses_fields.edit_body(response, leaves, outcome)
    if not outcome.blocked:
        return changed
    gone = blocked_fields(leaves, outcome)
    return _refusal(
        words, {name: value for name, value in changed.items() if name in KEPT and (name,) not in gone}
    )


def refuse(words: str, body: Body) -> dict[str, Any]:
    """Return the response that answers a request in these words."""
    shared = {name: body[name] for name in ECHOED if body.get(name) is not None}
    head = {"id": "resp_" + os.urandom(12).hex(), "created_at": int(time.time())}
    refused = _refusal(words, {**shared, **head, "model": body.get("model", "")})
    item = {**refused["output"][0], "id": "msg_" + os.urandom(12).hex()}
    return {**refused, "output": [item]}


def _refusal(words: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **REQUIRED,
        **kept,
        "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"},
        "error": None,
        "output": [build_refusal(words)],
    }


def write_failure(problem: Problem, codec: ResponsesCodec) -> list[Event]:
    """Write a failure as events, behind what a codec wrote: what went wrong, and a response that failed."""
    error = {name: problem.error.get(name) for name in ("code", "message", "param")}
    code = {"code": CODES.get(problem.status, "server_error"), "message": error["message"]}
    failed = {**REQUIRED, **codec.head, "status": "failed", "error": code, "output": []}
    events = (
        Event(FAILURE, {"type": FAILURE, **error}),
        Event("response.failed", {"type": "response.failed", "response": failed}),
    )
    return [sent for event in events if (sent := codec.record_sent(event)) is not None]


RESPONSES = Protocol(
    name="openai.responses",
    summary="Answer a conversation (Responses API).",
    path="/responses",
    read_request=responses_fields.read_request,
    edit_request=responses_fields.edit_body,
    check_response=check_answer,
    read_response=responses_fields.read_response,
    withhold=withhold,
    refuse=refuse,
    stream=StreamFormat(codec=ResponsesCodec, events=write_events, failure=write_failure),
    write_error=openai_error_writer(code="invalid_prompt", param="input"),
    find_replies=replies.find_replies,
    append_reask=replies.append_reask,
)
INPUT_TOKENS = Protocol(
    name="openai.responses.input_tokens",
    path="/responses/input_tokens",
    is_served=False,
    read_request=responses_fields.read_request,
    edit_request=responses_fields.edit_body,
    withhold=withhold,
)
"""A count of tokens is not judged."""

STORED = replace(
    RESPONSES,
    name="openai.responses.stored",
    method="GET",
    path="/responses/*",
    is_served=False,
    read_request=None,
    append_reask=None,
)
CANCELLED = replace(STORED, name="openai.responses.cancel", method="POST", path="/responses/*/cancel")
PROTOCOLS = (RESPONSES, INPUT_TOKENS, STORED, CANCELLED)
