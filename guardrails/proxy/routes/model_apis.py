"""What serves the protocols of models' APIs, each with its options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardrails.protocols.protocol import Protocol
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.routes.openai.audio import answer_speech, answer_transcript

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "openai.chat": {"annotated": "asked"},
    "openai.audio.speech": {"answer_whole": answer_speech},
    "openai.audio.transcriptions": {"answer_whole": answer_transcript},
    "openai.audio.translations": {"answer_whole": answer_transcript},
}
"""Name of a protocol → what its endpoint has besides it."""


def endpoint_of(protocol: Protocol, **more: Any) -> Endpoint:
    """Return the endpoint of a protocol, with its options and others."""
    return Endpoint(protocol, **{**OPTIONS.get(protocol.name, {}), **more})


def serve(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Return what serves an endpoint."""

    async def served(request: Request) -> Response:
        return await exchange(request, endpoint)

    return served
