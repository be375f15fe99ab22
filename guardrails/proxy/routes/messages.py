"""`POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic's API, as tables.

A blocked answer is a message that says so: our text, and `stop_reason: refusal` with its details.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.messages.messages_assembly import Blocks
from guardrails.protocols.messages.messages_stream import MessagesTeller, events, refusal
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.api import Api
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import written
from guardrails.proxy.server.errors import Problem
from guardrails.proxy.upstreams.upstream_client import ANTHROPIC, invalid
from guardrails.wire import sse

HEAD = ("id", "model", "usage")
"""What a refusal keeps of a message, unless it is what is blocked."""

PATH = "/v1/messages"


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the message that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    message = answer.parsed(raw)
    content = message.get("content")
    blocks = isinstance(content, list) and all(isinstance(block, dict) for block in content)
    if message.get("type") != "message" or not blocks:
        raise invalid("the upstream's answer is malformed: it is no message")
    return message


def withheld(message: dict[str, Any], tree: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return a message with texts edited, or a refusal in its place."""
    changed: dict[str, Any] = messages_fields.changed(message, tree, outcome)
    if not outcome.blocked:
        return changed
    gone = answer.blocked_fields(tree, outcome)
    head = {name: changed[name] for name in HEAD if name in changed and (name,) not in gone}
    return refusal(words, head)


def counted(raw: bytes) -> dict[str, Any]:
    """Return the count that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    count = answer.parsed(raw)
    if type(count.get("input_tokens")) is not int:
        raise invalid("the upstream's answer is malformed: it is no count")
    return count


def no_count(count: dict[str, Any], tree: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Refuse an answer that holds more than numbers."""
    raise invalid("the upstream's answer is malformed: it is more than a count")


def count_only(body: Any) -> ContentTree:
    """Return the leaves of a request for a count, which cannot be streamed."""
    tree = messages_fields.request(body)
    if body.get("stream"):
        raise RequestError("invalid_type", "a count is not streamed", "/stream")
    return tree


MESSAGES = Api(
    path="/messages",
    dialect=ANTHROPIC,
    request=messages_fields.request,
    edited=messages_fields.changed,
    parsed=parsed,
    response=messages_fields.response,
    withheld=withheld,
    collector=Blocks,
    teller=MessagesTeller,
    written=lambda message: written([*events(message)]),
    failed=lambda told: failure(told),
    keep_alive=sse.event(b'{"type": "ping"}', b"ping"),
)
COUNT = Api(
    path="/messages/count_tokens",
    dialect=ANTHROPIC,
    request=count_only,
    edited=messages_fields.changed,
    parsed=counted,
    response=messages_fields.count,
    withheld=no_count,
    collector=Blocks,
    teller=MessagesTeller,
    written=lambda message: written([*events(message)]),
    failed=lambda told: failure(told),
)


def failure(told: Problem) -> bytes:
    """Write a failure as an event."""
    return sse.event(told.body(PATH), b"error")


async def create(request: HttpRequest) -> Response:
    """Serve `/v1/messages`."""
    return await exchange(request, MESSAGES)


async def count_tokens(request: HttpRequest) -> Response:
    """Serve `/v1/messages/count_tokens`: a request is judged like one that is answered."""
    return await exchange(request, COUNT)
