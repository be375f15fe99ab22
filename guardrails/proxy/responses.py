"""`POST /v1/responses`: OpenAI's Responses API, as a table.

A blocked answer is `incomplete` with the reason `content_filter`, and its only item refuses in our words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine import responses
from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome
from guardrails.proxy import answer, sse, wire
from guardrails.proxy.api import Api
from guardrails.proxy.errors import Problem
from guardrails.proxy.exchange import exchange
from guardrails.proxy.responses_stream import REQUIRED, Items, events
from guardrails.proxy.upstream import OPENAI, invalid

KEPT = frozenset({*responses.SHARED, "id", "created_at", "usage", "previous_response_id"})
"""What a refusal keeps of a response, unless it is what is blocked."""

CODES: Mapping[int, str] = {429: "rate_limit_exceeded"}
"""Status → the code of a response that failed, where it is not the usual one."""


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the response that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    response = answer.parsed(raw)
    output = response.get("output")
    items = isinstance(output, list) and all(isinstance(item, dict) for item in output)
    if response.get("object") != "response" or not items:
        raise invalid("the upstream's answer is malformed: it is no response")
    return response


def withheld(response: dict[str, Any], leaves: Leaves, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return a response with texts edited, or a refusal in its place."""
    changed: dict[str, Any] = responses.changed(response, leaves, outcome)
    if not outcome.blocked:
        return changed
    gone = answer.blocked_fields(leaves, outcome)
    kept = {name: value for name, value in changed.items() if name in KEPT and (name,) not in gone}
    refusal = {
        "id": "msg_refused",
        "type": "message",
        "role": "assistant",
        "status": "incomplete",
        "content": [{"type": "refusal", "refusal": words}],
    }
    return {
        **REQUIRED,
        **kept,
        "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"},
        "error": None,
        "output": [refusal],
    }


def failure(told: Problem) -> bytes:
    """Write a failure as events: what went wrong, and a response that failed."""
    error = {name: told.error.get(name) for name in ("code", "message", "param")}
    said = {"code": CODES.get(told.status, "server_error"), "message": error["message"]}
    failed = {**REQUIRED, "status": "failed", "error": said, "output": []}
    first = wire.dump({"type": "error", **error, "sequence_number": 0})
    last = wire.dump({"type": "response.failed", "response": failed, "sequence_number": 1})
    return sse.event(first, b"error") + sse.event(last, b"response.failed")


RESPONSES = Api(
    path="/responses",
    dialect=OPENAI,
    request=responses.request,
    edited=responses.changed,
    parsed=parsed,
    response=responses.response,
    withheld=withheld,
    collector=Items,
    written=lambda response: b"".join(events(response)),
    failed=failure,
)


async def create(request: HttpRequest) -> Response:
    """Serve the route."""
    return await exchange(request, RESPONSES)
