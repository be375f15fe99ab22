"""Settings in, an ASGI application out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from guardrails.guard import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.hooks import HOOKS, respond
from guardrails.proxy.hooks.hook import Hook, serve
from guardrails.proxy.routes import check, gemini, model_apis, ollama
from guardrails.proxy.routes.openai import azure_deployments, moderations, videos
from guardrails.proxy.server import health
from guardrails.proxy.server.connections import CONNECTIONS
from guardrails.proxy.server.middleware import Gate
from guardrails.proxy.server.reloading.reload import keep
from guardrails.proxy.server.state import LOG, State

ROUTES = (
    *model_apis.list_routes(),
    ("POST", "/v1/moderations", moderations.create),
    ("POST", "/v1/check", check.check),
    *ollama.ROUTES,
    *gemini.ROUTES,
    *azure_deployments.ROUTES,
    *videos.ROUTES,
    ("GET", "/v1/models", health.models),
    ("GET", "/healthz", health.alive),
    ("GET", "/readyz", health.ready),
    ("GET", "/health", health.ready),  # as detectors of FMS have it
    ("GET", "/metrics", health.metrics),
)


Endpoint = Callable[[Request], Awaitable[Response]]


class Proxy(FastAPI):
    """FastAPI, but for our own routes: their layers add nothing to these (a tenth of a request's time), and are left out as
    long as nobody adds one of their own.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.direct: dict[tuple[str, str], ASGIApp] = {}
        """Method and path → what serves them."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return what serves a request."""
        layers = super().build_middleware_stack()
        direct = self.direct if len(self.user_middleware) == 1 else {}

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            app = direct.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
            await (app or layers)(scope, receive, send)

        return serve


def _served(endpoint: Endpoint) -> ASGIApp:
    """Return an endpoint as an application."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    return serve


def _hooked(hook: Hook) -> tuple[str, str, Endpoint]:
    """Return a hook as a route."""

    async def endpoint(request: Request) -> Response:
        return await serve(request, hook)

    return hook.method, hook.path, endpoint


def create_app(
    settings: Settings, guard: Guard | None = None, reread: Callable[[], Settings] | None = None
) -> FastAPI:
    """Return the proxy as an ASGI application; `reread` returns the settings as their file is by now.

    Without a guard it loads the settings' policy when it starts; until that is done `/readyz` and the guarded
    routes answer 503.
    """
    state = State(settings, guard, reread)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        if state.connections.most < settings.max_connections:
            LOG.warning(
                "%d connections at a time, since the process may open few files (ulimit -n)",
                state.connections.most,
            )
        await state.upstream.open()
        try:
            async with asyncio.TaskGroup() as group:
                starting = group.create_task(keep(state))
                yield {CONNECTIONS: state.connections}
                starting.cancel()
        finally:
            await state.upstream.close()
            if state.runner.begun:
                await asyncio.to_thread(state.runner.close)

    app = Proxy(
        title="guardrails",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.proxy = state
    for method, path, endpoint in (*ROUTES, *map(_hooked, HOOKS.values())):
        app.add_route(path, endpoint, methods=[method])
        if "{" not in path:
            app.direct[method, path] = Gate(_served(endpoint), state, respond)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Gate, state=state, respond=respond)
    if settings.cors_origins:
        # Outside of the gate: a browser asks without a key whether it may ask.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer 404, 405 and the like in the shape of the API that was meant."""
    return respond(error, path=request.url.path)
