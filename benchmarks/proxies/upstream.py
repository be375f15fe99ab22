"""The scripted upstream: OpenAI's chat protocol in, scripted answers out, at once or after a delay.

    python -m proxies.upstream PORT [--delay-ms 0] [--chunk-ms 2]

Everything that can be written before is: it must not be what the benchmark measures. `/v1/models` is answered as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Coroutine
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar

from proxies import script
from proxies.http1 import Messages

T = TypeVar("T")

HEAD = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\nx-request-id: req_scripted\r\ncontent-length: %d\r\n\r\n"
STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"x-request-id: req_scripted\r\ntransfer-encoding: chunked\r\n\r\n"
)
MODELS = json.dumps(
    {"object": "list", "data": [{"id": script.MODEL, "object": "model", "created": 0, "owned_by": "us"}]}
).encode()
NUMBERS = count()
MILLION = (1 << 20) - 1


def chunk(data: bytes) -> bytes:
    """Write one event as one chunk."""
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(event), event)


def whole(number: int) -> bytes:
    """Return an answer of a number, from one that was made before."""
    before, after = WHOLE[number % script.REPEATED]
    return before + script.nonce(number).encode() + after


@lru_cache(maxsize=2 * script.REPEATED)
def made(place: int, usage: bool) -> list[bytes]:
    """Return the chunks of a stream."""
    events = [chunk(frame) for frame in (*script.frames(place, usage=usage), b"[DONE]")]
    return [STREAM + events[0], *events[1:-1], events[-1] + b"0\r\n\r\n"]


WHOLE = [script.completion(script.text(n)).split(script.nonce(n).encode()) for n in range(script.REPEATED)]


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self, delay: float, pause: float) -> None:
        self._delay, self._pause = delay, pause
        self._loop = asyncio.get_running_loop()
        self._messages = Messages()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep it."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Send nothing more."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        for head, body in self._messages.feed(data):
            if self._delay:
                self._loop.call_later(self._delay, self._answer, head, body)
            else:
                self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"GET":
            self._send(HEAD % (b"200 OK", len(MODELS)) + MODELS)
            return
        try:
            asked = json.loads(body)
            good = path == b"/v1/chat/completions" and asked["messages"][-1]["content"] and asked["model"]
        except (ValueError, LookupError, TypeError):
            good = False
        if not good:
            told = b'{"error": {"message": "malformed", "type": "invalid_request_error", "param": null, "code": null}}'
            self._send(HEAD % (b"400 Bad Request", len(told)) + told)
        elif asked.get("stream"):
            usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            self._stream(next(NUMBERS) & MILLION, usage)
        else:
            answer = whole(next(NUMBERS) & MILLION)
            self._send(HEAD % (b"200 OK", len(answer)) + answer)

    def _stream(self, number: int, usage: bool) -> None:
        events = made(number % script.REPEATED, usage).copy()
        events[1] = chunk(script.opening(number))
        if not self._pause:
            self._send(b"".join(events))
            return
        rest = iter(events)

        def following() -> None:
            event = next(rest, None)
            if event is not None and self._transport is not None:
                self._send(event)
                self._loop.call_later(self._pause, following)

        following()

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def serve(port: int, delay: float, pause: float) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(delay, pause), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--chunk-ms", type=float, default=2.0)
    given = parser.parse_args()
    run(serve(given.port, given.delay_ms / 1000, given.chunk_ms / 1000))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the fastest loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


if __name__ == "__main__":
    main()
