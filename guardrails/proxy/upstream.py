"""The model server behind: requests in, its answers out, and its failures as exceptions of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

import aiohttp

from guardrails.errors import BackendError, GuardrailsError, RequestError
from guardrails.proxy import sse, wire
from guardrails.proxy.errors import UpstreamAnswer
from guardrails.proxy.metrics import Metrics
from guardrails.proxy.settings import Settings

PASSED_ON = (
    "x-request-id",
    "x-client-request-id",
    "idempotency-key",
    "user-agent",
    "accept-language",
    "traceparent",
    "tracestate",
)
"""Headers of a client that the upstream gets. No others: some servers take orders by header."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The headers of one family of APIs: those of a client that the upstream gets besides the others, and those in which
    the operator's key goes instead of the client's, each with what stands before it.
    """

    passed_on: tuple[str, ...]
    keys: Mapping[str, str]


OPENAI = Dialect(
    ("authorization", "openai-organization", "openai-project", "openai-beta"), {"authorization": "Bearer "}
)
# Anthropic's clients have sent their key in either header; servers of others know one of them.
ANTHROPIC = Dialect(
    ("authorization", "x-api-key", "anthropic-version", "anthropic-beta"),
    {"authorization": "Bearer ", "x-api-key": ""},
)

PASSED_BACK = (
    "x-request-id",
    "request-id",
    "anthropic-organization-id",
    "openai-processing-ms",
    "openai-organization",
    "openai-version",
    "retry-after",
    "retry-after-ms",
)
PASSED_BACK_PREFIX = ("x-ratelimit-", "anthropic-ratelimit-")

ERROR_BYTES = 64 << 10
"""Bytes of an upstream's error that are read."""

DRAIN_S = 0.1
IDLE_POOL_S = 4.0
"""Seconds for which an idle connection is kept: less than the five after which uvicorn closes it."""


class Upstream:
    """One pooled client session; no redirects, no cookies, no proxies from the environment."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session; inside the event loop that will use it."""
        settings = self._settings
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_POOL_S),
            timeout=aiohttp.ClientTimeout(
                total=settings.total_s, sock_connect=settings.connect_s, sock_read=settings.idle_s
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    def headers(self, client: Mapping[str, str], dialect: Dialect) -> dict[str, str]:
        """Return the headers of a request to the upstream."""
        key = self._settings.upstream_key
        headers = {name: client[name] for name in (*dialect.passed_on, *PASSED_ON) if name in client}
        if key is not None:
            headers |= {name: prefix + key for name, prefix in dialect.keys.items()}
        return {**headers, "accept-encoding": "identity", "content-type": "application/json"}

    @asynccontextmanager
    async def answer(
        self,
        method: str,
        path: str,
        client: Mapping[str, str],
        raw: bytes | None,
        dialect: Dialect,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask the upstream; yields its answer once its status is 200. Read it inside, and only read it.

        Raises:
            UpstreamAnswer: it answered with an error.
            BackendError: it cannot be reached (502), took too long (504), or broke off (502).
        """
        assert self._session is not None  # requests come after the server has started
        started = perf_counter()
        try:
            async with self._session.request(
                method,
                self._settings.base_url + path,
                data=raw,
                headers=self.headers(client, dialect),
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise await _refused(response)
                yield response
        except TimeoutError as error:
            raise BackendError("the upstream took too long", 504, "upstream_timeout") from error
        except aiohttp.ClientConnectorError as error:
            raise BackendError("the upstream cannot be reached", 502, "upstream_unreachable") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise invalid("the upstream broke off its answer") from error
        finally:
            self._metrics.observe("guardrails_upstream_seconds", perf_counter() - started)

    async def whole(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the whole body of an answer; raises `BackendError` if it is too large."""
        pieces = bytearray()
        async for piece in response.content.iter_any():
            pieces += piece
            if len(pieces) > self._settings.max_answer_bytes:
                raise too_large(self._settings.max_answer_bytes)
        return bytes(pieces)


async def drained(response: aiohttp.ClientResponse) -> None:
    """Read what follows the end of a stream, so that its connection can be used again; not for long."""
    try:
        async with asyncio.timeout(DRAIN_S):
            while not response.content.at_eof():
                await response.content.readany()
    except (TimeoutError, aiohttp.ClientError):
        return  # the answer is whole; its connection is not kept


def invalid(message: str) -> BackendError:
    """Return the exception for an answer that cannot be used."""
    return BackendError(message, 502, "upstream_invalid")


def too_large(limit: int) -> BackendError:
    """Return the exception for an answer that is larger than the settings allow."""
    return invalid(f"the upstream's answer is larger than {limit} bytes")


def passed_back(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the headers of an answer that the client gets."""
    return {
        name.lower(): value
        for name, value in response.headers.items()
        if value.isascii() and (name.lower() in PASSED_BACK or name.lower().startswith(PASSED_BACK_PREFIX))
    }


async def _refused(response: aiohttp.ClientResponse) -> Exception:
    """Return the exception for an answer that is not 200."""
    if not 400 <= response.status <= 599:
        return invalid(f"the upstream answered {response.status}")
    raw = bytearray()
    async for piece in response.content.iter_any():
        raw += piece
        if len(raw) > ERROR_BYTES:
            break
    try:
        body = wire.parse(bytes(raw))
    except RequestError:
        body = {}
    return UpstreamAnswer(response.status, body, passed_back(response))


def failure_in(event: sse.Event) -> GuardrailsError | None:
    """Return the exception that an event of a stream stands for, None for one that goes on with the answer."""
    if event.type != b"error" and b'"error"' not in event.data:
        return None
    try:
        body = wire.parse(event.data, halves=True)
    except RequestError:
        body = {}
    if event.type != b"error" and body.get("error") is None:
        return None
    return UpstreamAnswer(502, body if "error" in body else {"error": body.get("message")})
