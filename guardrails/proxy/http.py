"""The bytes of a connection in, its requests out: HTTP/1.1 as uvicorn and httptools read it, and what they leave open."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_UNREAD = 16 << 10
"""Bytes up to which a head, a chunk's length or a trailer may come in pieces; one that comes at once may be longer."""

INVALID = "Invalid HTTP request received."


class Http(HttpToolsProtocol):
    """One connection. It sends at once, refuses what has no end, and offers no other protocol."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._unread = 0
        """Bytes since the last head, piece of a body, or end of a request."""
        self._in_head = False
        self._served: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection.

        An answer's headers and body are two writes, the second of which must not wait until the client has confirmed the first
        (40 ms); asyncio sees to that for sockets that it opens itself, but not for those that it is given.
        """
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is served, also where others of its client wait behind it."""
        super().connection_lost(exc)
        if self._served is not None and not self._served.response_complete:
            self._served.disconnected = True
            self._served.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._unset_keepalive_if_required()
        self._unread += len(data)
        rest = memoryview(data)
        while rest:
            try:
                self.parser.feed_data(rest)
                break
            except httptools.HttpParserUpgrade as asked:
                rest = memoryview(self._plain() + rest[asked.args[0] :])
            except httptools.HttpParserError:
                self._refuse()
                return
        if self._unread > MOST_UNREAD:
            self._refuse()

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

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows a body is none."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Serve a request; raises `ValueError` where it does not say which host it is for, or says several, or wants a tunnel."""
        self._unread, self._in_head = 0, False
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("no tunnel")
        if self.parser.should_upgrade():
            return
        if self.parser.get_http_version() == "1.1" and [name for name, _ in self.headers].count(b"host") != 1:
            raise ValueError("one host")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._unread = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)
