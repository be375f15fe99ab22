"""Serves agents over HTTP with a server that is a command: a process for each session of an agent.

A session is what an `initialize` began, which gets an `Mcp-Session-Id`; requests of the revision without a handshake share a
process by agent. Ids are the guard's own towards the process, so that agents cannot take each other's answers.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardrails.errors import GuardUnavailable, RequestError
from guardrails.mcp.conversation import LocalConversation
from guardrails.mcp.guards import McpGuard
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.headers import SESSION
from guardrails.mcp.protocol.rpc import Body, Id, RpcMessage
from guardrails.mcp.session import AgentSession
from guardrails.mcp.transport.mailbox import Mailbox
from guardrails.mcp.transport.process import ServerProcess
from guardrails.mcp.transport.streaming import EventResponse, message_response
from guardrails.proxy.access.client import run_while_connected
from guardrails.wire import sse, strict_json

MOST_PROCESSES = 64
MOST_KEPT = 100
MOST_KEPT_BYTES = 1 << 20
"""Messages of a server that nobody listens to, which are kept for who comes: how many, and their bytes. The oldest go first."""

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
Key = str | int


@dataclass(slots=True)
class PendingCall:
    """A request of an agent's that waits: its own id and token, and what came for it."""

    id: Id
    token: object
    came: Mailbox = field(default_factory=Mailbox)


class RunningServer:
    """A server's process with what waits for it; `session` is the agent's, which lives as long."""

    def __init__(self, process: ServerProcess, session: AgentSession) -> None:
        self.session, self.used = session, monotonic()
        self.waiting: dict[int, PendingCall] = {}
        self._process = process
        self._ids = itertools.count(1)
        self._kept: deque[bytes] = deque()
        self._listening: Mailbox | None = None
        self.conversation: LocalConversation
        self.running: asyncio.Future[None]

    @classmethod
    async def start(cls, name: str, guarding: McpGuard, session: AgentSession) -> RunningServer:
        """Start a process; raises `GuardrailsError` if that cannot be."""
        settings = guarding.settings
        process = await ServerProcess.start(
            settings.servers[name].command or (), settings.max_message_bytes, settings.request_s
        )
        made = cls(process, session)
        link = guarding.link(name, session)
        made.conversation = LocalConversation(process, link, made.receive, settings.request_s)
        made.running = asyncio.ensure_future(made.conversation.run())
        return made

    @property
    def idle_s(self) -> float:
        """How long nobody has used it; 0 while somebody waits or listens."""
        return 0.0 if self.waiting or self._listening is not None else monotonic() - self.used

    async def close(self) -> None:
        """End the process."""
        if self._listening is not None:
            self._listening.close()
        await self._process.close()
        await asyncio.gather(self.running, return_exceptions=True)

    async def receive(self, body: Body) -> None:
        """Take what the server says: to who asked, to who listens, or kept. Waits until he has room for it."""
        if "method" not in body:
            waiting = self.waiting.get(body["id"])
            if waiting is not None:
                await waiting.came.put({**body, "id": waiting.id})
            return
        concerned = self._find_call(body)
        if concerned is not None:
            await concerned[0].came.put(concerned[1])
        elif self._listening is not None:
            await self._listening.put(body)
        elif self.waiting:
            await next(reversed(self.waiting.values())).came.put(body)
        else:
            self._keep(strict_json.dump(body))

    def _keep(self, message: bytes) -> None:
        """Keep a message for who comes, as far as there is room."""
        self._kept.append(message)
        while len(self._kept) > MOST_KEPT or sum(map(len, self._kept)) > MOST_KEPT_BYTES:
            self._kept.popleft()

    def _find_call(self, body: Body) -> tuple[PendingCall, Body] | None:
        """Return the request that a message belongs to, and the message with that request's own id."""
        params: Mapping[str, Any] = body.get("params") or {}
        meta = params.get("_meta")
        subscription = meta.get(SUBSCRIPTION) if isinstance(meta, Mapping) else None
        if isinstance(subscription, int | str) and str(subscription).isdecimal():
            waiting = self.waiting.get(int(subscription))
            if waiting is not None and isinstance(meta, Mapping):
                own = {**params, "_meta": {**meta, SUBSCRIPTION: waiting.id}}
                return waiting, {**body, "params": own}
        token = params.get("progressToken")
        found = (each for each in self.waiting.values() if token is not None and each.token == token)
        waiting = next(found, None)
        return None if waiting is None else (waiting, body)

    def enter(self, message: RpcMessage) -> tuple[int, PendingCall]:
        """Let a request wait under an id of the guard's; returns both."""
        assert message.id is not None
        meta = message.params.get("_meta")
        waiting = PendingCall(message.id, meta.get("progressToken") if isinstance(meta, Mapping) else None)
        number = next(self._ids)
        self.waiting[number] = waiting
        return number, waiting

    async def ask(self, message: RpcMessage, number: int, waiting: PendingCall) -> Body:
        """Ask, and return what comes first."""
        await self.conversation.receive(replace(message, body={**message.body, "id": number}, id=number))
        first = await waiting.came.get()
        assert first is not None  # only who does not read loses his place
        return first

    async def forward(self, message: RpcMessage) -> None:
        """Pass on a notification or an answer of the agent's."""
        if message.method == "notifications/cancelled":
            given = message.params.get("requestId")
            number = next((own for own, each in self.waiting.items() if each.id == given), None)
            if number is None:
                return
            params = {**message.params, "requestId": number}
            message = replace(message, body={**message.body, "params": params})
        await self.conversation.receive(message)

    async def events(self, number: int, waiting: PendingCall, first: Body) -> AsyncGenerator[bytes, None]:
        """Yield what comes for a request until its answer; it ends before where the agent takes nothing for long."""
        try:
            body: Body | None = first
            while body is not None:
                yield sse.event(strict_json.dump(body), b"message")
                body = await waiting.came.get() if "method" in body else None
        finally:
            await self.done(number)

    async def done(self, number: int) -> None:
        """Forget a request; one that has no answer yet is called off."""
        if (waiting := self.waiting.pop(number, None)) is not None:
            waiting.came.close()
        self.used = monotonic()
        await self.conversation.call_off(number)

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Yield what the server says unasked; who listened before does so no more."""
        if self._listening is not None:
            self._listening.close()
        own = self._listening = Mailbox()
        try:
            yield sse.KEEP_ALIVE
            while self._kept:
                yield sse.event(self._kept.popleft(), b"message")
            while (body := await own.get()) is not None:
                yield sse.event(strict_json.dump(body), b"message")
        finally:
            self.used = monotonic()
            own.close()
            if self._listening is own:
                self._listening = None


class LocalServer:
    """Serves the requests for one server."""

    def __init__(self, name: str, guarding: McpGuard) -> None:
        self._name, self._guarding = name, guarding
        self._found: OrderedDict[Key, RunningServer] = OrderedDict()
        self._starting = asyncio.Lock()

    async def open(self) -> None:
        """Nothing runs before it is asked for."""

    async def close(self) -> None:
        """End all processes."""
        for key in [*self._found]:
            await self._found.pop(key).close()

    async def post(self, request: Request, message: RpcMessage, session: AgentSession) -> Response:
        """Serve a message of an agent's."""
        identity = request.headers.get(SESSION)
        begins = message.method == "initialize"
        key: Key = os.urandom(16).hex() if begins else id(session) if identity is None else identity
        running = await self._running(key, session, begins=begins or identity is None)
        if running is None:
            return _session_gone()
        headers = {SESSION: str(key)} if begins else {}
        if message.kind != "request":
            await running.forward(message)
            return Response(status_code=202)
        number, waiting = running.enter(message)
        try:
            first = await run_while_connected(request.receive, running.ask(message, number, waiting))
        except BaseException:
            await running.done(number)
            raise
        if "method" in first:
            return EventResponse(running.events(number, waiting, first), headers)
        await running.done(number)
        return message_response(first, 200, headers)

    async def get(self, request: Request, session: AgentSession) -> Response:
        """Serve an agent that listens."""
        running = self._of(request, session)
        return _session_gone() if running is None else EventResponse(running.listen(), {})

    async def delete(self, request: Request, session: AgentSession) -> Response:
        """End a session."""
        running = self._of(request, session)
        if running is None:
            return _session_gone()
        self._found.pop(request.headers[SESSION])
        await running.close()
        return Response(status_code=204)

    def _of(self, request: Request, session: AgentSession) -> RunningServer | None:
        """Return the process of a session, which is there only for the agent that began it."""
        running = self._found.get(request.headers.get(SESSION, ""))
        return running if running is not None and running.session is session else None

    async def _running(self, key: Key, session: AgentSession, *, begins: bool) -> RunningServer | None:
        """Return the process of a session, None where there is none and none `begins`."""
        async with self._starting:
            await self._tidy()
            running = self._found.get(key)
            if running is not None and running.session is not session:
                return None
            if running is not None and not running.running.done():
                self._found.move_to_end(key)
                return running
            self._found.pop(key, None)
            if not begins:
                return None
            if len(self._found) >= MOST_PROCESSES:
                raise GuardUnavailable(f"{MOST_PROCESSES} processes of this server are in use")
            running = self._found[key] = await RunningServer.start(self._name, self._guarding, session)
            return running

    async def _tidy(self) -> None:
        """End what nobody has used for long, and of too many the idle ones."""
        idle_s = self._guarding.settings.session_idle_s
        for key, running in [*self._found.items()]:
            if running.idle_s > idle_s or (running.idle_s and len(self._found) >= MOST_PROCESSES):
                await self._found.pop(key).close()


def _session_gone() -> Response:
    """Answer that there is no such session, upon which a client begins a new one."""
    return message_response(
        rpc.make_failure(None, RequestError("unknown_session", "there is no such session: initialize again")),
        404,
    )
