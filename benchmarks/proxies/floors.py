"""Bare pass-throughs: a request in, the same request to the upstream, its answer out, and nothing looked at.

    python -m proxies.floors KIND PORT UPSTREAM_PORT

What no proxy on the same pieces can beat. Each keeps its connections on both sides and passes pieces on as they come.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from typing import Any

from proxies.fastapi_floor import fastapi_aiohttp
from proxies.http1 import HOP
from proxies.upstream import run


async def aiohttp_both(port: int, upstream: int) -> None:
    """aiohttp's server before aiohttp's client."""
    import aiohttp
    from aiohttp import web

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        url = f"http://127.0.0.1:{upstream}{request.path_qs}"
        body = await request.read()
        async with session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            if answer.content_length is not None:
                return web.Response(body=await answer.read(), status=answer.status, headers=kept)
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=2048).start()
    await asyncio.Event().wait()


async def starlette_aiohttp(port: int, upstream: int) -> None:
    """uvicorn and Starlette before aiohttp's client: our own proxy's pieces."""
    import aiohttp
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )

    async def handle(request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in HOP}
        url = f"http://127.0.0.1:{upstream}{request.url.path}"
        answer = await session.request(request.method, url, data=await request.body(), headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
        if answer.content_length is not None:
            return Response(await answer.read(), answer.status, kept)
        return StreamingResponse(answer.content.iter_any(), answer.status, kept)

    app = Starlette(routes=[Route("/{path:path}", handle, methods=["GET", "POST"])])
    await uvicorn.Server(
        uvicorn.Config(app, port=port, access_log=False, log_level="warning", ws="none")
    ).serve()


class Side(asyncio.Protocol):
    """One connection of the pass-through on bare protocols; a parser says where messages end."""

    def __init__(self, parser: Callable[[Any], Any]) -> None:
        self.transport: Any = None
        self.parser = parser(self)
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = transport

    def on_message_complete(self) -> None:
        """Remember that the message is whole."""
        self.ended = True


class Client(Side):
    """A connection of a client; `ask` takes what it sends to the upstream, one request at a time."""

    def __init__(self, parser: Callable[[Any], Any], pool: Pool) -> None:
        super().__init__(parser)
        self._pool = pool
        self._request = bytearray()
        self.server: Server | None = None
        self._asking: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Pass a request on when it is whole: its bytes as they are."""
        self._request += data
        self.parser.feed_data(data)
        if self.ended:
            request, self._request, self.ended = self._request, bytearray(), False
            if self._pool.idle:
                self.begin(self._pool.idle.pop(), request)
            else:
                self._asking = asyncio.ensure_future(self._pool.begin(self, request))

    def begin(self, server: Server, request: bytearray) -> None:
        """Ask on a connection to the upstream."""
        self.server, server.client = server, self
        server.transport.write(request)

    def connection_lost(self, exc: Exception | None) -> None:
        """What is still to come is for nobody."""
        if self.server is not None:
            self.server.transport.close()


class Server(Side):
    """A connection to the upstream: what comes goes to the client who asks."""

    def __init__(self, parser: Callable[[Any], Any], pool: Pool) -> None:
        super().__init__(parser)
        self._make, self._pool = parser, pool
        self.client: Client | None = None

    def data_received(self, data: bytes) -> None:
        """Pass a piece on; at the end of the answer the connection is free again."""
        self.parser.feed_data(data)
        client = self.client
        assert client is not None
        client.transport.write(data)
        if self.ended:
            self.ended, self.client, client.server = False, None, None
            self._pool.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Have no one use it again, and no client wait for it."""
        if self in self._pool.idle:
            self._pool.idle.remove(self)
        if self.client is not None:
            self.client.server = None
            self.client.transport.close()


class Pool:
    """The connections to the upstream."""

    def __init__(self, port: int, parser: Callable[[Any], Any]) -> None:
        self._port, self._parser = port, parser
        self.idle: list[Server] = []

    async def begin(self, client: Client, request: bytearray) -> None:
        """Ask on a new connection."""
        loop = asyncio.get_running_loop()
        _, server = await loop.create_connection(lambda: Server(self._parser, self), "127.0.0.1", self._port)
        client.begin(server, request)


async def bare(port: int, upstream: int) -> None:
    """asyncio's protocols and httptools' parser, on uvloop where it is installed."""
    import httptools

    pool = Pool(upstream, httptools.HttpResponseParser)
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(httptools.HttpRequestParser, pool), "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


Floor = Callable[[int, int], Coroutine[Any, Any, None]]
KINDS: dict[str, tuple[Floor, tuple[str, ...]]] = {
    "bare": (bare, ("httptools",)),
    "aiohttp": (aiohttp_both, ("aiohttp",)),
    "starlette": (starlette_aiohttp, ("aiohttp", "starlette", "uvicorn")),
    "fastapi": (fastapi_aiohttp, ("aiohttp", "fastapi", "uvicorn")),
}
"""Each with the packages that it takes."""


def main() -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("port", type=int)
    parser.add_argument("upstream", type=int)
    given = parser.parse_args()
    floor, needed = KINDS[given.kind]
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 2
    run(floor(given.port, given.upstream))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
