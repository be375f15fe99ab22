"""The routes of models' APIs: one for each protocol of the registry that the proxy serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardrails.protocols.protocol import Protocol
from guardrails.protocols.registry import load_protocols
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.routes.openai.audio import answer_speech, answer_transcript

Route = tuple[str, str, Callable[[Request], Awaitable[Response]]]
"""Method, path, and what serves it."""

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


def list_routes() -> tuple[Route, ...]:
    """Return a route for each protocol that is served by its description alone."""
    return tuple(
        (protocol.method, protocol.provider.root + protocol.path, serve(endpoint_of(protocol)))
        for protocol in load_protocols()
        if protocol.is_served
    )
