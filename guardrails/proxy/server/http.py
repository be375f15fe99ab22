"""HTTP/1.1 on one connection, as uvicorn and httptools read it, with limits on what they leave open."""

from __future__ import annotations

import asyncio
import math
import socket
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from guardrails.proxy.server.connections import (
    CONNECTIONS,
    PRESENCE,
    TOO_SLOW,
    AnswerBrokenOff,
    ClientPresence,
    Connections,
)

MOST_UNREAD = 16 << 10
"""Bytes up to which a head, a chunk's length or a trailer may come in pieces; one that comes at once may be longer."""

JOINED = 64 << 10
"""Bytes of a first piece of a body up to which it is sent together with the head."""

INVALID = "Invalid HTTP request received."
SLOW_HEAD = "The head of the request did not arrive in time."
FULL = "Too many connections are open."


class AnswerWriter:
    """What one answer is written to: its head goes out with the first piece of its body, where that follows at once.

    uvicorn writes both by themselves, and uvloop hands each to the system as it comes: a second call and a second packet for
    each small answer.
    """

    __slots__ = ("_begun", "_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes) -> None:
        """Write what comes next; a head waits for no longer than until others of the event loop have their turn."""
        head, self._head = self._head, None
        if not self._begun:
            self._begun, self._head = True, data
            self._loop.call_soon(self.flush)
        elif head is None:
            self._transport.write(data)
        elif len(data) <= JOINED:
            self._transport.write(head + data)
        else:
            self._transport.write(head)
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Tell whether the connection is being closed."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection once all is written."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write a head that waits."""
        head, self._head = self._head, None
        if head is not None and not self._transport.is_closing():
            self._transport.write(head)


class Http(HttpToolsProtocol):
    """One connection. It sends at once, refuses what has no end or does not arrive in time, and offers no other protocol.

    `_deadline` is the time of the event loop by which more must have come: of a head all of it, of a body what keeps it ahead of
    the least rate; infinite while nothing is awaited. A body is at most `body_s` ahead, however fast it began.
    """

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._connections: Connections = self.app_state.get(CONNECTIONS) or Connections()
        self._limits = self._connections.limits
        self._address: str | None = None
        """Where the client is, while the connection is counted."""
        self._unread = 0
        """Bytes since the last head, piece of a body, or end of a request."""
        self._in_head = self._in_body = False
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._served: RequestResponseCycle | None = None
        self._writer: AnswerWriter | None = None
        self._presence = ClientPresence()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, or refuse it with 503 where there are too many.

        A piece of an answer must not wait until the client has confirmed the one before (40 ms); asyncio sees to that for sockets
        that it opens itself, but not for those that it is given.
        """
        super().connection_made(transport)
        taken = transport.get_extra_info("socket")
        if taken.family != socket.AF_UNIX:
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = "" if self.client is None else self.client[0]
        if not self._connections.enter(address):
            self._answer_and_close(HTTPStatus.SERVICE_UNAVAILABLE, FULL, b"retry-after: 1\r\n")
            return
        self._address = address
        self._expect_within(self._limits.head_s)
        self._arm_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is served, also where others of its client wait behind it."""
        super().connection_lost(exc)
        self._deadline = math.inf
        if self._timer is not None:
            self._timer.cancel()
        if self._address is not None:
            self._connections.leave(self._address)
            self._address = None
        if self._served is not None and not self._served.response_complete:
            self._served.disconnected = True
            self._served.message_event.set()
            self._presence.end()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._unset_keepalive_if_required()
        self._unread += len(data)
        rest: bytes | memoryview = data
        while rest:
            try:
                self.parser.feed_data(rest)
                break
            except httptools.HttpParserUpgrade as asked:
                rest = self._plain() + rest[asked.args[0] :]
            except httptools.HttpParserError:
                self._refuse()
                return
        if self._unread > MOST_UNREAD:
            self._refuse()
            return
        if self._unread and not self._in_body and self._deadline == math.inf:
            self._expect_within(
                self._limits.head_s
            )  # for empty lines before a head, which the parser passes over
        self._arm_timer()

    def _plain(self) -> bytes:
        """Return the head that was read without the wish for another protocol, which nobody here speaks, to be read again: the
        parser takes what follows for that protocol, be it a body.
        """
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join((*lines, b"", b""))

    def _refuse(self) -> None:
        """Answer 400 and close; only close where an answer is under way, in which ours would stand."""
        self.logger.warning(INVALID)
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()
        else:
            self.send_400_response(INVALID)

    def _answer_and_close(self, status: HTTPStatus, why: str, headers: bytes = b"") -> None:
        """Answer with a status instead of an application, and close."""
        head = b"HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\n" % (
            status,
            status.phrase.encode(),
        )
        size = b"content-length: %d\r\n" % len(why)
        self.transport.write(head + headers + size + b"connection: close\r\n\r\n" + why.encode())
        self.transport.close()

    def _expect_within(self, seconds: float) -> None:
        """Expect more of a request within so many seconds."""
        self._deadline = self.loop.time() + seconds

    def _restart_deadline(self) -> None:
        """Give what is awaited all of its time anew."""
        self._expect_within(self._limits.body_s if self._in_body else self._limits.head_s)

    def _arm_timer(self) -> None:
        """See to it that somebody looks when more is due. A timer that is set already looks then, and again later if need be."""
        if self._deadline == math.inf:
            return
        if self._timer is not None:
            if self._timer_at <= self._deadline:
                return
            self._timer.cancel()
        self._timer, self._timer_at = self.loop.call_at(self._deadline, self._check_deadline), self._deadline

    def _check_deadline(self) -> None:
        """Close the connection of a client that is too slow."""
        self._timer = None
        if self.transport.is_closing():
            return
        if self._deadline <= self.loop.time():
            if not self._waits_for_us():
                self._close_slow()
                return
            self._restart_deadline()
        self._arm_timer()

    def _waits_for_us(self) -> bool:
        """Tell whether the client waits for us: its bytes are not read, or an earlier request of it is still served."""
        served = self._served
        behind = served is not None and not served.response_complete
        return self.flow.read_paused or (behind and not (self._in_body and served is self.cycle))

    def _close_slow(self) -> None:
        """Let the application answer 408 where it waits for a body; answer for it where there is a part of a head."""
        if not self._in_body:
            self._connections.closed("slow_head")
            if self._in_head or self._unread:
                self._answer_and_close(HTTPStatus.REQUEST_TIMEOUT, SLOW_HEAD)
            else:  # browsers open connections that they may never use, and would show an answer as that to a later request
                self.transport.close()
            return
        cycle = self.cycle
        if TOO_SLOW not in cycle.scope:
            self._connections.closed("slow_body")
            if not cycle.response_started:
                cycle.scope[TOO_SLOW] = True  # type: ignore[typeddict-unknown-key]
                cycle.message_event.set()
                self._expect_within(self._limits.body_s)  # for the answer
                self._arm_timer()
                return
        self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = True
        if self._deadline == math.inf:
            self._expect_within(self._limits.head_s)

    def on_headers_complete(self) -> None:
        """Serve a request; raises `ValueError` where it does not say which host it is for, or says several, or wants a tunnel."""
        self._unread, self._in_head = 0, False
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("no tunnel")
        if self.parser.should_upgrade():
            return
        if self.parser.get_http_version() == "1.1" and [name for name, _ in self.headers].count(b"host") != 1:
            raise ValueError("one host")
        self._in_body = True
        self._expect_within(self._limits.body_s)
        super().on_headers_complete()
        self.headers = []  # what follows a body is no header

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._unread = 0
        ahead = self._deadline + len(body) / self._limits.body_bytes_per_s
        self._deadline = min(ahead, self.loop.time() + self._limits.body_s)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._unread, self._in_body, self._deadline = 0, False, math.inf
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request; a client that was not read meanwhile has all of its time."""
        if self._writer is not None:
            self._writer.flush()  # of an answer without a body
        super().on_response_complete()
        if self._deadline != math.inf:
            self._restart_deadline()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served, self._presence = cycle, ClientPresence()
        cycle.scope[PRESENCE] = self._presence  # type: ignore[typeddict-unknown-key]
        self._writer = AnswerWriter(self.transport, self.loop)
        cycle.transport = self._writer  # type: ignore[assignment] # it has all that is used of one
        super()._start_asgi_task(cycle, partial(_serve_or_break_off, app, cycle))


async def _serve_or_break_off(
    app: ASGIApp, cycle: RequestResponseCycle, scope: Scope, receive: Receive, send: Send
) -> None:
    """Serve a request; an answer that is broken off on purpose closes the connection, without the traceback that uvicorn logs."""
    try:
        await app(scope, receive, send)
    except AnswerBrokenOff:
        cycle.disconnected = True
        cycle.transport.close()
