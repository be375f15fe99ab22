"""OpenAI's Responses API: how it is read, and how a block is answered in kind."""

from __future__ import annotations

import os
import time
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.payload import Payload
from guardrails.protocols.responses import responses_fields
from guardrails.protocols.responses.responses_assembly import Items
from guardrails.protocols.responses.responses_stream import ResponsesTeller
from guardrails.wrapping.sdk.exchange import Api, Body


def request(body: Body) -> Payload:
    """Read a request."""
    return payload.body(body, responses_fields.request(body), responses_fields.changed)


def response(body: Body) -> Payload:
    """Read a response."""
    return payload.body(body, responses_fields.response(body), responses_fields.changed)


def refusal(message: str, body: Body, answer: Body) -> dict[str, Any]:
    """Answer a request with a message alone; `answer` is what was stopped."""
    item = {
        "id": "msg_" + os.urandom(12).hex(),
        "type": "message",
        "role": "assistant",
        "status": "incomplete",
        "content": [{"type": "refusal", "refusal": message}],
    }
    return {
        "id": answer.get("id") or "resp_" + os.urandom(12).hex(),
        "object": "response",
        "created_at": answer.get("created_at") or int(time.time()),
        "status": "incomplete",
        "error": None,
        "incomplete_details": {"reason": "content_filter"},
        "instructions": None,
        "metadata": {},
        "model": answer.get("model") or body.get("model", ""),
        "output": [item],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        **({"usage": answer["usage"]} if "usage" in answer else {}),
    }


RESPONSES = Api(request, response, refusal, None, Items, ResponsesTeller, done=False)
FETCHED = Api(None, response, refusal, None, Items, ResponsesTeller, done=False)
COUNTED = Api(request)
