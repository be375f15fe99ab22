"""Answers probes on a port of their own, from a thread with its own event loop.

What the server's event loop does, and how many connections it has, changes nothing here. A connection has `PATIENCE_S` seconds
and one answer; where there are more than `MOST_OPEN`, the oldest is closed, so that whoever asks at once is answered however many
others hold connections open.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Final

from starlette.responses import Response
from starlette.types import Scope

PATIENCE_S: Final = 5.0
"""Seconds that a connection may take."""

MOST_OPEN: Final = 64
"""Connections at a time."""

LONGEST_HEAD: Final = 8 << 10
"""Bytes of the head of a request."""

STOP_S: Final = 5.0

AnswerProbe = Callable[[Scope], Response]
"""Answers a request of which the scope has `type`, `method`, `path`, `headers`, `scheme` and an empty `query_string`."""


class ProbeListener:
    """Listens from the beginning of a `with` block to its end.

    Args:
        listener: the socket, which listens already; it is closed at the end.
        answer: answers a request; called on the thread of this listener.
    """

    def __init__(self, listener: socket.socket, answer: AnswerProbe) -> None:
        self._listener, self._answer = listener, answer
        self._open: dict[asyncio.StreamWriter, None] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._listen()), name="guardrails-probes", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> ProbeListener:
        """Begin to answer."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(STOP_S)

    async def _listen(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._serve, sock=self._listener, limit=LONGEST_HEAD):
            self._ready.set()
            await self._ended.wait()
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        if len(self._open) > MOST_OPEN:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        try:
            async with asyncio.timeout(PATIENCE_S):
                peer = writer.get_extra_info("peername")
                writer.write(self._respond(await reader.readuntil(b"\r\n\r\n"), peer))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._open.pop(writer, None)
            writer.close()

    def _respond(self, head: bytes, peer: tuple[str, int] | None) -> bytes:
        """Return the bytes that answer a head of who is at an address."""
        scope = _read_head(head)
        if scope is not None:
            scope["client"] = peer
        if scope is None:
            response = Response("This is no request.", 400, media_type="text/plain")
        elif scope["method"] not in ("GET", "HEAD"):
            response = Response("Probes are asked by GET.", 405, {"allow": "GET, HEAD"}, "text/plain")
        else:
            response = self._answer(scope)
        lines = [b"HTTP/1.1 %d %s" % (response.status_code, HTTPStatus(response.status_code).phrase.encode())]
        lines += [b"%s: %s" % header for header in response.raw_headers]
        body = b"" if scope is not None and scope["method"] == "HEAD" else bytes(response.body)
        return b"\r\n".join((*lines, b"connection: close", b"", body))


def _read_head(head: bytes) -> Scope | None:
    """Return the scope of a request, None where its head is none."""
    first, *lines = head[:-4].split(b"\r\n")
    words = first.split(b" ")
    headers = [tuple(map(bytes.strip, line.split(b":", 1))) for line in lines]
    if len(words) != 3 or not words[2].startswith(b"HTTP/1.") or any(len(each) != 2 for each in headers):
        return None
    return {
        "type": "http",
        "method": words[0].decode("latin-1"),
        "path": words[1].partition(b"?")[0].decode("latin-1"),
        "headers": [(name.lower(), value) for name, value in headers],
        "scheme": "http",
        "query_string": b"",
    }
