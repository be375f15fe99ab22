"""`POST /v1/responses`: OpenAI's Responses API, as a table.

A blocked answer is `incomplete` with the reason `content_filter`, and its only item refuses in our words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.responses import responses_fields
from guardrails.protocols.responses.event_writer import REQUIRED, events, refusal
from guardrails.protocols.responses.responses_assembly import Items
from guardrails.protocols.responses.responses_stream import FAILURE, ResponsesTeller
from guardrails.protocols.streaming.codec import Event
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.api import Api
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import written
from guardrails.proxy.server.errors import Problem
from guardrails.proxy.upstreams.upstream_client import OPENAI, invalid

KEPT = frozenset({*responses_fields.SHARED, "id", "created_at", "usage", "previous_response_id"})
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


def withheld(response: dict[str, Any], tree: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return a response with texts edited, or a refusal in its place."""
    changed: dict[str, Any] = responses_fields.changed(response, tree, outcome)
    if not outcome.blocked:
        return changed
    gone = answer.blocked_fields(tree, outcome)
    kept = {name: value for name, value in changed.items() if name in KEPT and (name,) not in gone}
    return {
        **REQUIRED,
        **kept,
        "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"},
        "error": None,
        "output": [refusal(words)],
    }


def failure(told: Problem, teller: ResponsesTeller) -> bytes:
    """Write a failure as events, behind what was told: what went wrong, and a response that failed."""
    error = {name: told.error.get(name) for name in ("code", "message", "param")}
    said = {"code": CODES.get(told.status, "server_error"), "message": error["message"]}
    failed = {**REQUIRED, **teller.head, "status": "failed", "error": said, "output": []}
    events = (
        Event(FAILURE, {"type": FAILURE, **error}),
        Event("response.failed", {"type": "response.failed", "response": failed}),
    )
    return written([sent for event in events if (sent := teller.told(event)) is not None])


RESPONSES = Api(
    path="/responses",
    dialect=OPENAI,
    request=responses_fields.request,
    edited=responses_fields.changed,
    parsed=parsed,
    response=responses_fields.response,
    withheld=withheld,
    collector=Items,
    written=lambda response: written([*events(response)]),
    failed=lambda told: failure(told, ResponsesTeller()),
    teller=ResponsesTeller,
)


def for_one(api: Api = RESPONSES) -> Api:
    """Return the API for one request: what fails on the way is told by the teller of what went before it."""
    teller = ResponsesTeller()
    return replace(api, teller=lambda: teller, failed=lambda told: failure(told, teller))


async def create(request: HttpRequest) -> Response:
    """Serve the route."""
    return await exchange(request, for_one())
