"""What Ollama's own API lists: `GET /api/tags`, `/api/ps` and `/api/version`. What it asks of models is in the registry."""

from __future__ import annotations

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.protocols.providers import OLLAMA
from guardrails.proxy.access.forwarded_headers import plain_headers
from guardrails.proxy.exchange import answer
from guardrails.proxy.server.request_context import state_of
from guardrails.proxy.upstreams.upstream_client import response_headers


async def list_models(request: HttpRequest) -> Response:
    """Serve what the upstream lists."""
    upstream, path = state_of(request).upstream, request.url.path.removeprefix(OLLAMA.root)
    async with upstream.answer(
        "GET", path, plain_headers(request.headers), None, OLLAMA, OLLAMA.base
    ) as response:
        headers = response_headers(response)
        raw = await upstream.read_whole(response)
    answer.parse_object(raw)
    return Response(raw, 200, headers, "application/json")
