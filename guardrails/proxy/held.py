"""A stream that is held until it was judged: work in, an SSE answer out, with comments meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guardrails.errors import GuardrailsError
from guardrails.proxy import sse
from guardrails.proxy.api import Api
from guardrails.proxy.client import gone, stop
from guardrails.proxy.errors import explain, respond, where
from guardrails.proxy.state import LOG, Report

EVENT_STREAM = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


@dataclass(frozen=True, slots=True)
class Stream:
    """What a judged stream is: the bytes to send, and headers beside the report's."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Held(Response):
    """Runs the work; the answer starts when it is done, or with a sign of life if it takes longer than `every_s`.

    If it starts early, its headers can tell of the input's check only: a comment before the events has the
    rest. An exception before the start is an answer with its own status; after it, an error event alone.
    """

    def __init__(
        self, work: Callable[[], Awaitable[Stream]], api: Api, report: Report, every_s: float, path: str
    ) -> None:
        super().__init__()
        self._work = work
        self._api = api
        self._path = path
        self._report = report
        self._every_s = every_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        work = asyncio.ensure_future(self._work())
        watch = asyncio.ensure_future(gone(receive))
        started = False
        try:
            while True:
                await asyncio.wait({work, watch}, timeout=self._every_s, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    break
                if watch.done():
                    raise ClientDisconnect
                if not started:
                    await self._start(send, {})
                    started = True
                await send({"type": "http.response.body", "body": self._api.keep_alive, "more_body": True})
        finally:
            await stop(watch) if work.done() else await stop(work, watch)
        await self._finish(work, started, scope, receive, send)

    async def _start(self, send: Send, headers: Mapping[str, str]) -> None:
        given = {**EVENT_STREAM, **headers, **self._report.headers()}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})

    async def _finish(
        self, work: asyncio.Future[Stream], started: bool, scope: Scope, receive: Receive, send: Send
    ) -> None:
        error = work.exception()
        if error is not None and (not started or not isinstance(error, Exception)):
            if not isinstance(error, GuardrailsError):
                raise error
            await respond(error, self._report.headers(), self._path)(scope, receive, send)
            return
        if isinstance(error, Exception):
            if not isinstance(error, GuardrailsError):
                LOG.error("a held stream failed: %s", where(error))
            body = self._api.failed(explain(error))
        else:
            stream = work.result()
            body = stream.body
            if started:
                told = "; ".join(f"{name}: {value}" for name, value in self._report.headers().items())
                body = sse.comment(told) + body
            else:
                await self._start(send, stream.headers)
        await send({"type": "http.response.body", "body": body, "more_body": False})
