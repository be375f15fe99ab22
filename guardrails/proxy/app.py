"""Settings in, an ASGI application out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from guardrails.guard import Guard
from guardrails.proxy import chat, check, health, messages, responses
from guardrails.proxy.errors import respond
from guardrails.proxy.gate import Gate
from guardrails.proxy.settings import Settings
from guardrails.proxy.state import State

ROUTES = (
    ("POST", "/v1/chat/completions", chat.completions),
    ("POST", "/v1/messages", messages.create),
    ("POST", "/v1/messages/count_tokens", messages.count_tokens),
    ("POST", "/v1/responses", responses.create),
    ("POST", "/v1/check", check.check),
    ("GET", "/v1/models", health.models),
    ("GET", "/healthz", health.alive),
    ("GET", "/readyz", health.ready),
    ("GET", "/metrics", health.metrics),
)


def create_app(settings: Settings, guard: Guard | None = None) -> FastAPI:
    """Return the proxy as an ASGI application.

    Without a guard it loads the settings' policy when it starts; until that is done `/readyz` and the guarded
    routes answer 503.
    """
    state = State(settings, guard)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await state.upstream.open()
        try:
            async with asyncio.TaskGroup() as group:
                starting = group.create_task(state.start())
                yield
                starting.cancel()
        finally:
            await state.upstream.close()

    app = FastAPI(
        title="guardrails",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.proxy = state
    for method, path, endpoint in ROUTES:
        app.add_route(path, endpoint, methods=[method])
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Gate, state=state)
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer 404, 405 and the like in the shape of the API that was meant."""
    return respond(error, path=request.url.path)
