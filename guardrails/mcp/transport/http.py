"""Serves the guard over streamable HTTP, at `/mcp/NAME` for each server behind it.

A request with an `Origin` or `Host` that nobody allowed is refused: a web page must not reach what runs on this machine.
"""

from __future__ import annotations

import hashlib
import logging
import socket
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from guardrails.engine.core.pipeline import today
from guardrails.engine.core.worker_pool import CALLER
from guardrails.errors import GuardrailsError, GuardUnavailable, RequestError
from guardrails.mcp.conversation import ENDLESS
from guardrails.mcp.guards import McpGuard
from guardrails.mcp.link import McpLink
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.headers import check_headers
from guardrails.mcp.protocol.rpc import RpcMessage
from guardrails.mcp.session import AgentSession, AgentSessions, Caller
from guardrails.mcp.settings import McpDoc
from guardrails.mcp.transport.local_server import LocalServer
from guardrails.mcp.transport.relay import RemoteRelay
from guardrails.mcp.transport.remote_server import RemoteServer
from guardrails.mcp.transport.requests_in_flight import RequestsInFlight
from guardrails.mcp.transport.streaming import message_response
from guardrails.proxy.access.admission import AccessDenied, Admission, Client
from guardrails.proxy.access.client import preferred_language, read_body_within
from guardrails.proxy.access.cross_site import CrossSite
from guardrails.proxy.access.tenants import KeyDoc
from guardrails.proxy.server.connections import CONNECTIONS, MOST, Connections, raise_descriptors
from guardrails.proxy.server.errors import STATUSES
from guardrails.proxy.server.processes.graceful_server import GracefulServer
from guardrails.proxy.server.serve import SERVER

LOG = logging.getLogger("guardrails.mcp")

MOST_LINKS = 10_000
MOST_LINKS_OF_ONE = 256
"""Conversations with one server that are remembered: of all agents' sessions, and of one."""

MOST_SESSIONS = 1_000
"""Agents' sessions, each of which may remember two million characters."""


class ServerTransport(Protocol):
    """What serves the requests for one server."""

    async def open(self) -> None:
        """Get ready, inside the event loop."""
        ...

    async def close(self) -> None:
        """End."""
        ...

    async def post(self, request: Request, message: RpcMessage, session: AgentSession) -> Response:
        """Serve a message of an agent's."""
        ...

    async def get(self, request: Request, session: AgentSession) -> Response:
        """Serve an agent that listens."""
        ...

    async def delete(self, request: Request, session: AgentSession) -> Response:
        """End a session of the server's."""
        ...


def create_app(guarding: McpGuard, ready: Callable[[], None] = lambda: None) -> Starlette:
    """Return the guard as an application; `ready` is called once it can serve."""
    settings = guarding.settings
    serving = {name: _serving(name, guarding) for name in settings.servers}
    front = HttpFront(settings, serving)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, object]]:
        for each in serving.values():
            await each.open()
        try:
            ready()
            yield {CONNECTIONS: Connections()}
        finally:
            for each in serving.values():
                await each.close()

    methods = ["GET", "POST", "DELETE"]
    routes = [Route("/mcp/{name}", front, methods=methods)]
    if len(serving) == 1:
        routes.append(Route("/mcp", front, methods=methods))
    app = Starlette(routes=routes, lifespan=lifespan)
    if settings.allowed_origins:
        shown = ["mcp-session-id", "www-authenticate"]
        origins = settings.allowed_origins
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=methods,
            allow_headers=["*"],
            expose_headers=shown,
        )
    return app


def _serving(name: str, guarding: McpGuard) -> ServerTransport:
    server = guarding.settings.servers[name]
    if server.command is not None:
        return LocalServer(name, guarding)
    return RemoteRelay(RemoteServer(server, guarding.settings), LinkTable(name, guarding))


class LinkTable:
    """The conversations with one server by the agent's session and the server's own; of too many of one agent's session its
    idlest is forgotten, and of too many in all the idlest.
    """

    def __init__(self, server: str, guarding: McpGuard) -> None:
        self._server, self._guarding = server, guarding
        self._found: OrderedDict[tuple[int, str], tuple[AgentSession, McpLink]] = OrderedDict()
        self._counts: Counter[int] = Counter()

    def get(self, identity: str | None, session: AgentSession) -> McpLink:
        """Return the conversation of a session of the server's; a new one where that has none."""
        if identity is None:
            return self._guarding.link(self._server, session)
        kept = self._found.get((id(session), identity))
        link = self._guarding.link(self._server, session) if kept is None else kept[1]
        self.keep(identity, session, link)
        return link

    def keep(self, identity: str, session: AgentSession, link: McpLink) -> None:
        """Remember a conversation."""
        owner = id(session)
        self._drop((owner, identity))
        if self._counts[owner] >= MOST_LINKS_OF_ONE:
            self._drop(next(key for key in self._found if key[0] == owner))
        elif len(self._found) >= MOST_LINKS:
            self._drop(next(iter(self._found)))
        self._found[owner, identity] = session, link
        self._counts[owner] += 1

    def forget(self, identity: str | None, session: AgentSession) -> None:
        """Forget a conversation that has ended."""
        if identity is not None:
            self._drop((id(session), identity))

    def _drop(self, key: tuple[int, str]) -> None:
        if self._found.pop(key, None) is not None:
            self._counts[key[0]] -= 1
            if not self._counts[key[0]]:
                del self._counts[key[0]]


class HttpFront:
    """What is before all servers: who may ask, and in which session."""

    def __init__(self, settings: McpDoc, serving: Mapping[str, ServerTransport]) -> None:
        self._settings, self._serving = settings, serving
        self._sessions = AgentSessions(MOST_SESSIONS, settings.session_idle_s)
        self._in_flight = RequestsInFlight(settings.max_concurrent, settings.max_bodies_bytes)
        self._admission = Admission([KeyDoc(**key.model_dump()) for key in settings.keys])
        self._cross_site = CrossSite(
            settings.host, settings.allowed_hosts, settings.allowed_origins, "allowed_origins"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            with ExitStack() as held:
                response = await self._respond(scope, receive, held)
                await response(scope, receive, send)
        except ClientDisconnect:
            LOG.debug("an agent went away")

    async def _respond(self, scope: Scope, receive: Receive, held: ExitStack) -> Response:
        """Return the answer to a request, which holds its place until `held` is closed."""
        name = scope["path_params"].get("name", next(iter(self._serving)))
        serving = self._serving.get(name)
        try:
            self._cross_site.check(scope)
        except AccessDenied as denied:
            return problem_response(denied.status, RequestError(denied.code, str(denied)), denied.headers)
        if serving is None:
            return problem_response(404, RequestError("not_found", "there is no such server"))
        try:
            return await self._serve(scope, receive, serving, held)
        except ClientDisconnect:
            raise
        except AccessDenied as denied:
            return problem_response(denied.status, RequestError(denied.code, str(denied)), denied.headers)
        except Exception as error:
            if not isinstance(error, GuardrailsError):
                LOG.error("a request failed: %s", type(error).__name__)
            if isinstance(error, GuardUnavailable):
                wait = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
                return problem_response(503, error, wait)
            return problem_response(
                STATUSES.get(error.code, 400) if isinstance(error, RequestError) else 502, error
            )

    async def _serve(
        self, scope: Scope, receive: Receive, serving: ServerTransport, held: ExitStack
    ) -> Response:
        agent = self._admission.admit(scope, today())
        name = agent.name(scope)
        CALLER.set(name)
        request = Request(scope, receive)  # without the key, which went
        session = self._session(request, agent)
        if request.method == "GET":
            return await serving.get(request, session)
        if request.method == "DELETE":
            return await serving.delete(request, session)
        if not request.headers.get("content-type", "").lower().startswith("application/json"):
            return problem_response(
                415, RequestError("wrong_type", "the content-type must be application/json")
            )
        slot = held.enter_context(self._in_flight.enter(name))
        settings = self._settings
        raw = await read_body_within(request, settings.max_message_bytes, settings.request_s, slot.message)
        message = await rpc.parse_aside(raw)
        check_headers(request.headers, message)
        response = await serving.post(request, message, session)
        if message.method in ENDLESS:
            slot.release()
        return response

    def _session(self, request: Request, agent: Client) -> AgentSession:
        """Return the session that an agent names, or its only one. Tokens of servers, which change, make no difference."""
        named = request.headers.get(self._settings.session_header, "")
        key = "" if agent.key is None else agent.key.id
        session = self._sessions.get(hashlib.sha256(f"{key}\0{named}".encode()).hexdigest())
        session.who = Caller(agent.user, agent.tenant, _claims(request))
        return session


def _claims(request: Request) -> dict[str, str]:
    """Return what an agent says of itself (`request.client.*`)."""
    given = {
        "language": preferred_language(request.headers.get("accept-language", "")),
        "user_agent": request.headers.get("user-agent"),
    }
    return {name: value for name, value in given.items() if value is not None}


def problem_response(status: int, error: Exception, headers: Mapping[str, str] | None = None) -> Response:
    """Answer what belongs to no request."""
    return message_response(rpc.make_failure(None, error), status, headers)


def open_socket(settings: McpDoc) -> socket.socket:
    """Return a socket that listens; raises `GuardrailsError` if that cannot be."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise GuardrailsError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from None


def serve(guarding: McpGuard, started: Callable[[int], None] = lambda port: None) -> None:
    """Serve until interrupted; `started` is told the port once requests there are served, and an interrupt ends that.

    Raises:
        GuardrailsError: the address cannot be listened on.
    """
    raise_descriptors(MOST)
    with open_socket(guarding.settings) as listener:
        port = listener.getsockname()[1]
        app = create_app(guarding, lambda: started(port))
        GracefulServer(uvicorn.Config(app, **SERVER)).run([listener])
