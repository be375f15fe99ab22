"""The conversation of an agent with a server that is a process. Keeps the time, too.

Requests and answers are judged beside each other, so that none waits for another's detectors; a notification waits for all that
came before it, and what comes after waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from guardrails.errors import BackendError, RequestError
from guardrails.mcp.link import McpLink
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.rpc import Body, Id, RpcMessage
from guardrails.mcp.transport.process import ServerProcess

LOG = logging.getLogger("guardrails.mcp")

ENDLESS = frozenset({"subscriptions/listen"})
"""Requests whose answer comes when they end."""


MOST_JUDGED = 64
MOST_BYTES = 32 << 20
"""Messages of one side that are judged at a time: how many, and what they weigh together where they are several."""

MOST_TOLD = 64
"""Messages of the guard's own that a server has not taken yet."""

TOLD_S = 1.0
"""Seconds that a server has to take a message which calls a request off, before who asked goes on."""


class WorkOrder:
    """Lets work begin in the order in which it comes: beside what has begun, or `alone`."""

    def __init__(self) -> None:
        self._begun: dict[asyncio.Future[None], int] = {}

    async def submit(self, work: Coroutine[Any, Any, None], size: int, *, alone: bool) -> None:
        """Begin with some work, on a message of so many bytes; returns once there is room for more, or it is done where it is to
        be alone.
        """
        if alone:
            await self.done()
            await work
            return
        task = asyncio.ensure_future(work)
        self._begun[task] = size
        task.add_done_callback(self._over)
        while len(self._begun) >= MOST_JUDGED or sum(self._begun.values()) > MOST_BYTES:
            await asyncio.wait(self._begun, return_when=asyncio.FIRST_COMPLETED)

    async def done(self) -> None:
        """Return once all is done."""
        if self._begun:
            await asyncio.wait(self._begun)

    def _over(self, task: asyncio.Future[None]) -> None:
        self._begun.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("a message could not be passed on: %s", type(error).__name__)


def is_exclusive(said: RpcMessage | RequestError) -> bool:
    """Whether a message is judged after all before it and before all after it."""
    return isinstance(said, RequestError) or said.kind == "notification"


def size_of(said: RpcMessage | RequestError) -> int:
    """Return what a message weighs."""
    return 0 if isinstance(said, RequestError) else said.size


class LocalConversation:
    """The conversation. `hear` takes what is for the agent; `ended` says that the server is gone, before anybody is told so."""

    def __init__(
        self,
        server: ServerProcess,
        link: McpLink,
        hear: Callable[[Body], Awaitable[None]],
        request_s: float,
    ) -> None:
        self._server, self._link, self._hear, self._request_s = server, link, hear, request_s
        self._own: dict[Id, asyncio.Future[RpcMessage]] = {}
        self._timers: dict[Id, asyncio.TimerHandle] = {}
        self._late: set[asyncio.Future[None]] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self.ended = False

    async def receive(self, said: RpcMessage | RequestError) -> None:
        """Take what the agent says."""
        if isinstance(said, RequestError):
            await self._hear(rpc.make_failure(None, said))
            return
        step = await self._link.from_agent(said, self._ask)
        if step.forwarded is not None:
            await self._forward(said, step.forwarded)
        if step.returned is not None and said.kind == "request":
            await self._hear(step.returned)

    async def _forward(self, said: RpcMessage, body: Body) -> None:
        """Pass on what the agent said; who asked is told where the server does not take it."""
        asked = said.id if said.kind == "request" else None
        if asked is not None and said.method not in ENDLESS:
            loop = asyncio.get_running_loop()
            self._timers[asked] = loop.call_later(self._request_s, self._expire, asked)
        try:
            await self._server.send(body)
        except BackendError as error:
            LOG.warning("a %s was dropped: %s", said.kind, error)
            failure = None if asked is None else self._link.give_up(asked, error)
            if failure is not None:
                await self._hear(failure)
        if self.ended:
            await self._give_up(_ended_error())

    async def run(self) -> None:
        """Pass on what the server says until it ends; whoever waits then is told so."""
        order = WorkOrder()
        try:
            async for said in self._server.messages():
                await order.submit(self._handle(said), size_of(said), alone=is_exclusive(said))
            await order.done()
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self.ended = True
        await self._give_up(_ended_error())

    async def call_off(self, id_: Id) -> None:
        """Call off a request that nobody waits for any more."""
        if (timer := self._timers.pop(id_, None)) is not None:
            timer.cancel()
        if self._link.give_up(id_, _ended_error()) is not None:
            task = self._tell_server(rpc.make_notification("notifications/cancelled", {"requestId": id_}))
            if task is not None:
                await asyncio.wait((task,), timeout=TOLD_S)

    async def _handle(self, said: RpcMessage | RequestError) -> None:
        if isinstance(said, RequestError):
            LOG.warning("a message of the server's was dropped: %s", said.code)
            if said.code not in rpc.UNREADABLE:  # else it is a note that went to the wrong stream
                problem = f"the server's answer cannot be used: {said.code}"
                await self._give_up(BackendError(problem, 502, "server_invalid"))
            return
        own = self._own.pop(said.id, None) if said.answers and said.id is not None else None
        if own is not None:
            if not own.done():
                own.set_result(said)
            return
        if said.answers and said.id is not None and (timer := self._timers.pop(said.id, None)) is not None:
            timer.cancel()
        step = await self._link.from_server(said)
        if step.forwarded is not None:
            await self._hear(step.forwarded)
        if step.returned is not None:
            self._tell_server(step.returned)

    def _tell_server(self, body: Body) -> asyncio.Task[None] | None:
        """Have the server told something that nobody waits for, and return the task that does; one that takes none misses it."""
        if len(self._telling) >= MOST_TOLD:
            return None
        task = asyncio.ensure_future(self._tell(body))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return task

    async def _tell(self, body: Body) -> None:
        with suppress(BackendError):
            await self._server.send(body)

    async def _give_up(self, problem: BackendError) -> None:
        """Tell all who wait that there will be no answer."""
        for own in self._own.values():
            if not own.done():
                own.set_exception(problem)
        for id_ in self._link.waiting:
            failure = self._link.give_up(id_, problem)
            if failure is not None:
                await self._hear(failure)

    def _expire(self, id_: Id) -> None:
        self._timers.pop(id_, None)
        problem = BackendError(
            f"the server did not answer within {self._request_s:g} s", 504, "server_timeout"
        )
        failure = self._link.give_up(id_, problem)
        if failure is not None:
            given = {"requestId": id_, "reason": "timeout"}
            self._tell_server(rpc.make_notification("notifications/cancelled", given))
            task = asyncio.ensure_future(self._hear(failure))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _ask(self, body: Body) -> RpcMessage:
        """Ask for the guard itself."""
        asked: asyncio.Future[RpcMessage] = asyncio.get_running_loop().create_future()
        self._own[body["id"]] = asked
        try:
            async with asyncio.timeout(self._request_s):
                await self._server.send(body)
                return await asked
        except TimeoutError:
            raise BackendError("the server did not list its tools in time", 504, "server_timeout") from None
        finally:
            self._own.pop(body["id"], None)


def _ended_error() -> BackendError:
    return BackendError("the server ended before it answered: start it again", 502, "server_ended")
