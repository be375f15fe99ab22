"""The calls of Anthropic's API: how each is read, and how a block is answered in kind."""

from __future__ import annotations

import os
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.payload import Payload
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.messages import messages_stream as streamed
from guardrails.protocols.messages.messages_assembly import Blocks
from guardrails.wrapping.sdk.calls import Calls
from guardrails.wrapping.sdk.client import wrap as guarded
from guardrails.wrapping.sdk.exchange import Api, Body, Terms

NO_USAGE = {"input_tokens": 0, "output_tokens": 0}


def request(body: Body) -> Payload:
    """Read a request."""
    return payload.body(body, messages_fields.request(body), messages_fields.changed)


def response(body: Body) -> Payload:
    """Read a message."""
    return payload.body(body, messages_fields.response(body), messages_fields.changed)


def refusal(message: str, body: Body, answer: Body) -> dict[str, Any]:
    """Answer a request with a message alone; `answer` is what was stopped."""
    head = {
        "id": answer.get("id") or "msg_" + os.urandom(12).hex(),
        "model": answer.get("model") or body.get("model", ""),
        "usage": answer.get("usage") or NO_USAGE,
    }
    return streamed.refusal(message, head)


MESSAGES = Api(request, response, refusal, None, Blocks, streamed.MessagesTeller, done=False)

CALLS = Calls(
    {
        "POST /v1/messages": MESSAGES,
        "POST /v1/messages/count_tokens": Api(request),
        # Nothing here is a prompt or an answer of a model.
        **dict.fromkeys(["* /v1/models/**", "* /v1/files/**"], None),
    }
)
"""What a wrapped client may call; all else is refused."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of Anthropic's with a guard around every call."""
    return guarded(client, terms, CALLS)
