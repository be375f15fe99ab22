"""The client of a server behind that speaks streamable HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import aiohttp

from guardrails.errors import BackendError, RequestError
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.rpc import Body, RpcMessage
from guardrails.mcp.settings import McpDoc, ServerDoc
from guardrails.wire import sse, strict_json

CONNECT_S = 10.0
ERROR_BYTES = CHUNK = 64 << 10
ACCEPT = "application/json, text/event-stream"
SIGN_OF_LIFE = sse.Event(b"comment", b"")
"""Stands for bytes that complete no event, such as a comment."""


class RemoteServer:
    """One server. Its session is opened inside the event loop that uses it."""

    def __init__(self, server: ServerDoc, settings: McpDoc) -> None:
        assert server.url is not None
        self._url, self._settings = server.url, settings
        self.key = os.environ.get(server.key_env) if server.key_env else None
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session: no cookies, no proxies from the environment."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def ask(
        self, method: str, headers: Mapping[str, str], body: Body | None = None, *, endless: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask the server; yields its response, to be read inside. One that is `endless` may be silent for long.

        Raises:
            BackendError: it cannot be reached, took too long, broke off, or sends elsewhere.
        """
        assert self._session is not None
        wait = None if endless else self._settings.request_s
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=wait)
        own = {"accept": ACCEPT, "accept-encoding": "identity"}
        if body is not None:
            own["content-type"] = "application/json"
        raw = None if body is None else strict_json.dump(body)
        asking = self._session.request(
            method, self._url, data=raw, headers={**headers, **own}, timeout=timeout, allow_redirects=False
        )
        with _name_failures():
            async with asking as response:
                if 300 <= response.status < 400:
                    raise BackendError(
                        "the server sends elsewhere: give the guard that address", 502, "server_moved"
                    )
                yield response

    async def message(self, response: aiohttp.ClientResponse) -> RpcMessage:
        """Return the message that a response is.

        Raises:
            BackendError: it is none, or too large, or does not come to its end.
        """
        limit = self._settings.max_message_bytes
        raw = bytearray()
        async for piece in _read_pieces(response):
            raw += piece
            if len(raw) > limit:
                raise BackendError(f"the server's answer is larger than {limit} bytes", 502, "server_invalid")
        return await rpc.run_by_size(strict_json.weigh(bytes(raw)), lambda: parse_message(bytes(raw)))

    async def events(self, response: aiohttp.ClientResponse) -> AsyncIterator[sse.Event]:
        """Yield the events of a response as they come, and a sign of life for what is none.

        Raises:
            BackendError: one is too large, or the response breaks off.
        """
        reader, size, limit = sse.Events(), 0, self._settings.max_message_bytes
        async for piece in _read_pieces(response):
            found = [*reader.feed(piece)]
            size = len(piece) if found else size + len(piece)
            if size > max(limit, CHUNK) or any(len(event.data) > limit for event in found):
                raise BackendError(
                    f"an event of the server's is larger than {limit} bytes", 502, "server_invalid"
                )
            for event in found or (SIGN_OF_LIFE,):
                yield event

    async def answer(self, headers: Mapping[str, str], body: Body) -> RpcMessage:
        """Ask for the guard itself, and return the answer; raises `BackendError` where there is none."""
        try:
            async with asyncio.timeout(self._settings.request_s), self.ask("POST", headers, body) as response:
                if response.status == 200 and response.content_type == "application/json":
                    return await self.message(response)
                if response.status == 200 and response.content_type == "text/event-stream":
                    async for event in self.events(response):
                        said = parse_message(event.data) if event.data else None
                        if said is not None and said.answers and said.id == body["id"]:
                            return said
        except TimeoutError:
            raise BackendError("the server did not list its tools in time", 504, "server_timeout") from None
        raise BackendError("the server did not list its tools", 502, "server_invalid")

    async def refusal(self, response: aiohttp.ClientResponse) -> Body | None:
        """Return the error that a response with an error's status tells, None where it tells none."""
        raw = bytearray()
        async for piece in _read_pieces(response):
            raw += piece
            if len(raw) > ERROR_BYTES:
                return None
        try:
            told = rpc.parse(bytes(raw))
        except RequestError:
            return None
        error = told.body.get("error")
        return error if told.kind == "error" and isinstance(error, dict) else None


@contextmanager
def _name_failures() -> Iterator[None]:
    """Raise `BackendError` for what goes wrong with a connection to a server in a block."""
    try:
        yield
    except TimeoutError:
        raise BackendError("the server took too long", 504, "server_timeout") from None
    except aiohttp.ClientConnectorError:
        raise BackendError(
            "the server cannot be reached: is it running?", 502, "server_unreachable"
        ) from None
    except (aiohttp.ClientError, ConnectionError):
        raise BackendError("the server broke off its answer", 502, "server_broke_off") from None


async def _read_pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the body of a response as it comes; raises `BackendError` where it does not come to its end."""
    pieces = response.content.iter_any()
    while True:
        with _name_failures():
            piece = await anext(pieces, b"")
        if not piece:
            return
        yield piece


def parse_message(raw: bytes) -> RpcMessage:
    """Return the message that a server sent; raises `BackendError` where it is none."""
    try:
        return rpc.parse(raw)
    except RequestError as error:
        raise BackendError(
            f"the server's answer cannot be used: {error.code}", 502, "server_invalid"
        ) from None
