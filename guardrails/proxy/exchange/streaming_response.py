"""A stream that is sent as it is judged: work in, an SSE answer out, with signs of life meanwhile."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guardrails.errors import GuardrailsError
from guardrails.protocols.errors import Problem
from guardrails.proxy.access.client import cancel_and_wait, wait_for_disconnect
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.server.errors import describe_failure, explain, respond
from guardrails.proxy.server.middleware import note_failure
from guardrails.proxy.server.state import LOG
from guardrails.wire import sse


@dataclass(frozen=True, slots=True)
class StreamPiece:
    """A piece of a stream: the bytes to send, and headers beside the report's, for the first of them."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class StreamingAnswer(Response):
    """Sends what the work yields as it comes; where nothing comes for `every_s`, a sign of life.

    The answer starts with the first piece; its headers can tell only of the checks until then: a comment before the last
    events has the rest. An exception before the start is an answer with its own status; after it, an error event alone.
    No more is asked of the work than the client takes; one that takes nothing for `idle_s` is let go.
    """

    def __init__(
        self,
        work: Callable[[], AsyncIterator[StreamPiece]],
        endpoint: Endpoint,
        report: Report,
        fail: Callable[[Problem], bytes],
        every_s: float,
        path: str,
        idle_s: float = math.inf,
    ) -> None:
        super().__init__()
        self._work = work
        self._keep_alive = endpoint.framing.keep_alive
        self._writer = endpoint.write_stream()
        self._fail = fail
        self._path = path
        self._report = report
        self._every_s = every_s
        self._idle_s = idle_s
        self._told, self._count = "", -1
        self._started = False
        self._last = 0.0
        self._sending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        work = asyncio.ensure_future(self._pump(send))
        watch = asyncio.ensure_future(wait_for_disconnect(receive))
        self._last = perf_counter()
        try:
            while True:
                due = self._last + (self._idle_s if self._sending else self._every_s) - perf_counter()
                await asyncio.wait({work, watch}, timeout=max(0.0, due), return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    break
                if watch.done():
                    raise ClientDisconnect
                silent = perf_counter() - self._last
                if self._sending and silent >= self._idle_s:
                    raise ClientDisconnect
                if not self._sending and silent >= self._every_s:
                    await self._send(send, StreamPiece(self._keep_alive))
        finally:
            await cancel_and_wait(watch) if work.done() else await cancel_and_wait(work, watch)
        await self._finish(work, scope, receive, send)

    async def _pump(self, send: Send) -> None:
        async with aclosing(self._work()) as pieces:  # type: ignore[type-var] # what yields is an async generator
            async for piece in pieces:
                await self._send(send, piece)

    async def _send(self, send: Send, piece: StreamPiece) -> None:
        body = piece.body
        if not self._started:
            self._started = True
            self._told, self._count = self._tells(), self._report.count
            given = {**self._writer.headers, **piece.headers, **self._report.headers()}
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
            await send({"type": "http.response.start", "status": 200, "headers": raw})
        elif self._count != self._report.count:
            self._count, before = self._report.count, self._told
            self._told = self._tells()
            body = body if self._told == before else sse.comment(self._told) + body
        self._last, self._sending = perf_counter(), True
        try:
            await send({"type": "http.response.body", "body": self._writer.feed(body), "more_body": True})
        finally:
            self._last, self._sending = perf_counter(), False

    def _tells(self) -> str:
        return "; ".join(f"{name}: {value}" for name, value in self._report.headers().items())

    async def _finish(self, work: asyncio.Future[None], scope: Scope, receive: Receive, send: Send) -> None:
        error = work.exception()
        if error is not None:
            note_failure(scope, error, begun=self._started)
        if error is not None and (not self._started or not isinstance(error, Exception)):
            if not isinstance(error, GuardrailsError):
                raise error
            await respond(error, self._report.headers(), self._path)(scope, receive, send)
            return
        if isinstance(error, Exception):
            if not isinstance(error, GuardrailsError):
                LOG.error("a stream failed: %s", describe_failure(error))
            await self._send(send, StreamPiece(self._fail(explain(error))))
        elif not self._started:
            await self._send(send, StreamPiece(b""))
        await send({"type": "http.response.body", "body": self._writer.flush(), "more_body": False})
