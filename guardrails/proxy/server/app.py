"""The proxy as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, NamedTuple

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guardrails import __version__
from guardrails.guard import Guard
from guardrails.protocols.registry import add_plugins
from guardrails.proxy.access.capacity.clock_watch import keep_measuring
from guardrails.proxy.configuration.listen_settings import split_address
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.routes.route_table import DOCUMENT, ROUTES, make_routes
from guardrails.proxy.server.connections import CONNECTIONS
from guardrails.proxy.server.counting.slots import Slots
from guardrails.proxy.server.health import answer_probe
from guardrails.proxy.server.listening.listener import open_listener
from guardrails.proxy.server.listening.listener_tls import listener_tls
from guardrails.proxy.server.listening.probe_listener import ProbeListener
from guardrails.proxy.server.logs.log_writer import write_in_background
from guardrails.proxy.server.middleware import Gate, respond
from guardrails.proxy.server.openapi import DESCRIPTION, describe_route, operation_id
from guardrails.proxy.server.processes.lifecycle import LIFECYCLE
from guardrails.proxy.server.reloading.reload import keep_reloading
from guardrails.proxy.server.route import MATCH, Route, RouteMatch, RouteTable, match_of
from guardrails.proxy.server.state import State
from guardrails.proxy.upstreams.transport.rotation import keep_current
from guardrails.registry.sources import PluginSources


class Proxy(FastAPI):
    """The application. Its own routes are served without FastAPI's layers, which add nothing to these (a tenth of a request's
    time), as long as nobody adds a layer; what others add to it is served as in any application.

    Args:
        state: what the server's requests share.
        routes: the routes of its own.
        settings: arguments of `FastAPI`.
    """

    def __init__(self, state: State, routes: Iterable[Route], **settings: Any) -> None:
        super().__init__(**settings)
        self.state.proxy = state
        self.table = RouteTable(routes)
        for route in self.table.routes:
            self.router.routes.append(describe_route(route))
            if route.method == "GET":
                self.add_route(route.path, route.endpoint, methods=["HEAD"], include_in_schema=False)
        self._direct = Gate(_serve_match, state)
        self.add_middleware(Gate, state=state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        match = scope[MATCH] = self.table.find(scope["method"], scope["path"])
        if match is not None and len(self.user_middleware) == 1 and match.serves(scope["method"]):
            await self._direct(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _serve_match(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request for the route that was found."""
    match: RouteMatch = scope[MATCH]
    scope["path_params"] = dict(match.parameters)
    response = await match.route.endpoint(Request(scope, receive))
    await response(scope, receive, send)


def create_app(
    settings: Settings,
    guard: Guard | None = None,
    reread: Callable[[], Settings] | None = None,
    slots: Slots | None = None,
) -> FastAPI:
    """Return the proxy as an ASGI application; `reread` returns the settings as their file is by now, `slots` are where it counts
    beside other processes.

    Without a guard it loads the settings' policy when it starts; until that is done `/readyz` and the guarded
    routes answer 503.
    """
    state = State(settings, guard, reread, slots)
    extra = add_plugins(settings.protocols, PluginSources.choose(settings.plugins))
    routes = (*ROUTES, *make_routes(extra))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        await state.upstream.open()
        logs = ExitStack()
        try:
            logs.enter_context(write_in_background())
            logs.enter_context(tell_telemetry(state))
            async with asyncio.TaskGroup() as group:
                kept = [group.create_task(each) for each in background_work(state)]
                with state.metrics.shown_to_others(), listen_for_probes(state):
                    yield {CONNECTIONS: state.connections, LIFECYCLE: state.lifecycle}
                for each in kept:
                    each.cancel()
        finally:
            await state.upstream.close()
            if state.shadow_queue.has_started:
                await asyncio.to_thread(state.shadow_queue.close)
            await asyncio.to_thread(logs.close)

    app = Proxy(
        state,
        (*routes, DOCUMENT) if settings.openapi else routes,
        title="guardrails",
        version=__version__,
        description=DESCRIPTION,
        generate_unique_id_function=operation_id,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # a route of our own, behind keys and hosts like the others
        redirect_slashes=False,
    )
    app.add_exception_handler(HTTPException, _http_error)
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


def background_work(state: State) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what runs beside the requests for as long as the application does."""
    yield keep_reloading(state)
    yield state.loop_watch.run()
    yield keep_measuring(state.capacity)
    if (tls := listener_tls(state.settings)) is not None:
        yield keep_current(lambda: (tls,), asyncio.sleep)


@contextmanager
def tell_telemetry(state: State) -> Iterator[None]:
    """Tell OpenTelemetry of requests and checks within a block, where the settings say so; what waits is sent at its end."""
    telemetry = state.telemetry
    if telemetry is None:
        yield
        return
    telemetry.open()
    try:
        yield
    finally:
        telemetry.close()


class ProbeAddress(NamedTuple):
    """An address at which probes are answered besides; the operator's or not."""

    host: str
    port: int
    is_admin: bool = False


def probe_addresses(settings: Settings) -> list[ProbeAddress]:
    """Return the addresses at which probes are answered besides: that of `probe_port`, then the operator's."""
    probes = [] if settings.probe_port is None else [ProbeAddress(settings.host, settings.probe_port)]
    if settings.admin is not None:
        probes.append(ProbeAddress(*split_address(settings.admin), is_admin=True))
    return probes


@contextmanager
def listen_for_probes(state: State) -> Iterator[None]:
    """Answer probes at addresses of their own within a block, where the settings name some; raises `SettingsError` where one is
    taken.
    """
    settings = state.settings
    with ExitStack() as stack:
        for each in probe_addresses(settings):
            listener = open_listener(each.host, each.port, shared=settings.workers > 1)
            answer = partial(answer_probe, state, is_admin=each.is_admin)
            state.probes.append(stack.enter_context(ProbeListener(listener, answer)))
        yield


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer 404, 405 and the like in the shape of the API that was meant."""
    match = match_of(request.scope)
    if isinstance(error, HTTPException) and error.status_code == 405 and match is not None:
        error = HTTPException(405, headers={"allow": ", ".join(match.methods)})
    return respond(error, request.scope)
