"""Sends requests over aiohttp's connections: its pool, parser and writer, without what a `ClientSession` does for each request.

A session prepares for redirects, cookies, proxies, traces and uploads of any kind, and begins a task for each body: two thirds of
the processor time of a small request. None of that is used here. Framing stays aiohttp's own in both directions; the classes
behind its session that do it are the same in all versions from 3.12 on.
"""

from __future__ import annotations

import asyncio
import base64
import math
import ssl
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import SERVER_SOFTWARE, HttpProcessingError, StreamWriter
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

if TYPE_CHECKING:
    from guardrails.telemetry.request_spans import UpstreamSpan

AT_ONCE: Final = 1 << 20
"""Bytes of a body that are sent at once."""

PIECE: Final = 1 << 16
"""Bytes of a larger one that are sent before others have their turn."""

IDLE_POOL_S: Final = 4.0
"""Seconds for which an idle connection is kept: less than the five after which uvicorn closes it."""

IDEMPOTENT: Final = frozenset({"GET", "DELETE"})
"""Methods that are sent once more where a connection that was kept turns out to be closed."""

UPGRADED: Final = 101


class UpstreamResponse:
    """An answer of which the head is there. Whoever takes it must `release` it.

    Attributes:
        status: its status.
        headers: its headers.
        content: its body, without its encoding.
        upstream: the name of the upstream, where that is to be told.
        model: the model that answers in place of the one that was asked for.
        span: the span of the request, None where nobody is told of it.
    """

    __slots__ = (
        "_client",
        "_connection",
        "_sending",
        "content",
        "headers",
        "model",
        "span",
        "status",
        "upstream",
    )

    def __init__(self, client: HttpClient, connection: Connection) -> None:
        self._client = client
        self._connection: Connection | None = connection
        self._sending: asyncio.Task[None] | None = None
        self.status, self.upstream = 0, ""
        self.model: str | None = None
        self.span: UpstreamSpan | None = None
        self.headers: CIMultiDictProxy[str]
        self.content: aiohttp.StreamReader

    @property
    def content_type(self) -> str:
        """The media type of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    async def wait_for_body(self) -> None:
        """Return once there is something of the body, or its end; none of it is taken."""
        while not self.content._buffer and not self.content.is_eof():
            await self.content._wait("wait_for_body")

    def release(self) -> None:
        """Give the connection back, to be used again where the answer was read to its end, and else closed."""
        if self._connection is not None:
            if not self.content.is_eof():
                self.content.set_exception(aiohttp.ClientConnectionError("the answer was released"))
            self._give_back()

    async def _send(self, head: str, headers: CIMultiDict[str], body: bytes | None, idle_s: float) -> None:
        """Send a request, and take the head of its answer."""
        connection = self._connection
        assert connection is not None
        protocol = connection.protocol
        assert protocol is not None
        protocol.set_response_params(read_timeout=idle_s, auto_decompress=True, read_until_eof=True)
        writer = StreamWriter(protocol, self._client.loop)
        await writer.write_headers(head, headers)
        if body is None:
            writer.set_eof()
            protocol.start_timeout()
        elif len(body) <= AT_ONCE:
            await writer.write(body, drain=False)
            protocol.start_timeout()
        else:  # a server may refuse it before all of it is there
            self._sending = asyncio.ensure_future(_send_pieces(protocol, writer, body))
        message, content = await protocol.read()
        while 100 <= message.code < 200 and message.code != UPGRADED:
            message, content = await protocol.read()
        self.status, self.headers, self.content = message.code, message.headers, content
        content.on_eof(self._give_back)

    def _give_back(self) -> None:
        """Give the connection back; a server that has answered needs no more of a request that is still on its way."""
        if self._sending is not None and not self._sending.done():
            self._break_off()
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            self._client.forget(self)
            connection.release()

    def _break_off(self) -> None:
        """Close the connection: nothing of the answer is wanted."""
        connection, self._connection = self._connection, None
        self._client.forget(self)
        if connection is None:
            return
        transport = connection.transport
        connection.close()
        if self._sending is not None and transport is not None:
            self._sending.cancel()
            transport.abort()  # it would send first what waits

    def _time_out(self) -> None:
        """Have whoever waits for more of the answer wait no longer."""
        connection, error = self._connection, TimeoutError("the answer took too long")
        if connection is None or connection.protocol is None:
            return
        connection.protocol.set_exception(error)
        if self.status:
            self.content.set_exception(error)


class HttpClient:
    """The connections to one server.

    Args:
        url: any URL of the server.
        connect_s: for how long it may take to connect.
        idle_s: for how long nothing may come of an answer that is awaited.
        total_s: for how long an answer may take, from its request to its end.
        tls: how it is connected to, where that is not the usual way.
        proxy: the URL of a proxy between.
    """

    def __init__(
        self,
        url: str,
        connect_s: float,
        idle_s: float,
        total_s: float,
        *,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        self._url, self._idle_s, self._total_s = URL(url), idle_s, total_s
        self._connect_s = connect_s
        self._timeout = aiohttp.ClientTimeout(connect=total_s, sock_connect=connect_s)
        self._deadlines: dict[UpstreamResponse, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._host = (self._url.host_port_subcomponent or "").rstrip(".")
        self._tls, self._proxy = tls, None if proxy is None else URL(proxy)
        self._forwarding: dict[str, str] | None = None
        """What a proxy that gets requests themselves, not a tunnel for them, is told; None where there is none."""
        if self._proxy is not None and self._url.scheme == "http":
            self._forwarding = self._proxy_login()
        self.loop: asyncio.AbstractEventLoop
        self._connector: aiohttp.TCPConnector
        self._server: aiohttp.ClientRequest

    def open(self) -> None:
        """Get ready; inside the event loop that will send requests."""
        self.loop = asyncio.get_running_loop()
        self._connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_POOL_S)
        self._server = self._target()

    def _target(self) -> aiohttp.ClientRequest:
        """Return what says whom to connect to, and how."""
        proxy = None if self._proxy is None else self._proxy.with_user(None)
        login = CIMultiDict(self._proxy_login()) if self._forwarding is None else None
        return aiohttp.ClientRequest(
            "GET", self._url, loop=self.loop, ssl=self._tls or True, proxy=proxy, proxy_headers=login or None
        )

    def _proxy_login(self) -> dict[str, str]:
        """Return the header in which a proxy gets its name and password, where its URL has them."""
        if self._proxy is None or self._proxy.user is None:
            return {}
        login = f"{self._proxy.user}:{self._proxy.password or ''}"
        return {"proxy-authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}

    def use_tls(self, tls: ssl.SSLContext | None) -> None:
        """Make further connections in another way; those that are idle are not used again."""
        self._tls = tls
        self._server = self._target()

    async def close(self) -> None:
        """Close all connections."""
        if self._timer is not None:
            self._timer.cancel()
        await self._connector.close()

    async def ask(
        self, method: str, url: URL, headers: dict[str, str], body: bytes | None, total_s: float | None = None
    ) -> UpstreamResponse:
        """Send a request, and return its answer once the head is there.

        Args:
            method: the method.
            url: a URL of the server.
            headers: with names in small letters; host, length and what every request has are added.
            body: the body, None: there is none.
            total_s: the time for all of it, where that is less than the client has.

        Raises:
            OSError, aiohttp.ClientError: there is no answer.
        """
        sent = CIMultiDict({"host": self._host, "accept": "*/*", "user-agent": SERVER_SOFTWARE, **headers})
        if body is not None:
            sent["content-length"] = str(len(body))
        target = url.raw_path_qs
        if self._forwarding is not None:
            target = str(url)
            sent.update(self._forwarding)
        head = f"{method} {target} HTTP/1.1"
        try:
            return await self._ask_once(head, sent, body, total_s)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if method not in IDEMPOTENT:
                raise
        return await self._ask_once(head, sent, body, total_s)

    async def _ask_once(
        self, head: str, headers: CIMultiDict[str], body: bytes | None, total_s: float | None
    ) -> UpstreamResponse:
        timeout, due = self._timeout, self.loop.time() + (total_s or self._total_s)
        if total_s is not None:
            timeout = aiohttp.ClientTimeout(connect=total_s, sock_connect=self._connect_s)
        try:
            connection = await self._connector.connect(self._server, [], timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("the server was not reached in time") from error
        response = UpstreamResponse(self, connection)
        self._expect_by(response, due)
        try:
            await response._send(head, headers, body, self._idle_s)
        except HttpProcessingError as error:
            response._break_off()
            raise aiohttp.ClientPayloadError("the answer is malformed") from error
        except BaseException:
            response._break_off()
            raise
        return response

    def _expect_by(self, response: UpstreamResponse, due: float) -> None:
        """Have an answer time out that is not there by a time of the loop's clock. One timer serves all that are under way."""
        self._deadlines[response] = due
        if due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_at = self.loop.call_at(due, self._check_deadlines), due

    def forget(self, response: UpstreamResponse) -> None:
        """Take that an answer is not awaited any more."""
        self._deadlines.pop(response, None)

    def _check_deadlines(self) -> None:
        """Time out what is late, and look again when the next one is due."""
        self._timer, self._timer_at = None, math.inf
        now = self.loop.time()
        for response in [each for each, due in self._deadlines.items() if due <= now]:
            del self._deadlines[response]
            response._time_out()
        if self._deadlines:
            self._timer_at = min(self._deadlines.values())
            self._timer = self.loop.call_at(self._timer_at, self._check_deadlines)


async def _send_pieces(protocol: ResponseHandler, writer: StreamWriter, body: bytes) -> None:
    """Send a large body, between whose pieces others have their turn; a failure goes to whoever awaits the answer."""
    view = memoryview(body)
    try:
        for at in range(0, len(body), PIECE):
            await writer.write(view[at : at + PIECE])
            await asyncio.sleep(0)
    except (OSError, aiohttp.ClientError) as error:
        protocol.set_exception(error)
    else:
        protocol.start_timeout()
