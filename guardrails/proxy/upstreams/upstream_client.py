"""The client of one server behind: sends requests, reads answers, and tells failures as exceptions of ours."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

from guardrails.errors import BackendError, GuardrailsError, RequestError
from guardrails.protocols.protocol import invalid_answer
from guardrails.protocols.providers import Provider
from guardrails.proxy.access.forwarded_headers import is_plain_header
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.upstreams.http_client import HttpClient, UpstreamResponse
from guardrails.proxy.upstreams.routing_choice import Row
from guardrails.remote.breaker import CircuitBreaker
from guardrails.wire import sse, strict_json

PASSED_ON = frozenset(
    {
        "x-request-id",
        "x-client-request-id",
        "idempotency-key",
        "user-agent",
        "accept-language",
        "traceparent",
        "tracestate",
    }
)
"""Headers of a client that the upstream gets. No others: some servers take orders by header."""


PASSED_BACK = frozenset(
    {
        "x-request-id",
        "request-id",
        "anthropic-organization-id",
        "openai-processing-ms",
        "openai-organization",
        "openai-version",
        "retry-after",
        "retry-after-ms",
    }
)
PASSED_BACK_PREFIX = ("x-ratelimit-", "anthropic-ratelimit-")

VERSION = re.compile(r"/v\d+[a-z0-9]*$")
"""What a URL ends with that names the version of an API."""

BAD, BUSY = frozenset({502, 503, 504, 529}), 429
"""Statuses that say that an upstream is down (or overloaded: Anthropic's 529), and that it has no room for this client."""

ERROR_BYTES = 64 << 10
"""Bytes of an upstream's error that are read."""

DRAIN_S = 0.1

SERVED_BY = "x-guardrails-upstream"

JSON = "application/json"


class Upstream:
    """One server: its connections, and how it is. No redirects, no cookies, no proxies from the environment. `name` is what its
    answers tell of whose they are.
    """

    def __init__(self, row: Row, name: str = "") -> None:
        self.row = row
        self.breaker = CircuitBreaker(row.failures, row.open_s)
        self._name = name
        self._client = HttpClient(row.url, row.connect_s, row.idle_s, row.total_s)

    def is_healthy(self) -> bool:
        """Tell whether it is up, as far as its last answers tell."""
        return self.breaker.is_closed

    def open(self) -> None:
        """Get ready; inside the event loop that will use it."""
        self._client.open()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    def headers(self, client: Mapping[str, str], provider: Provider, media: str = JSON) -> dict[str, str]:
        """Return the headers of a request to the upstream, with the type of its body."""
        key = self.row.key
        names, headers = forwarded_headers(provider), dict[str, str]()
        for name, value in client.items():
            if name in names and name not in headers:  # the first of a name counts
                headers[name] = value
        if key is not None:
            # The client's is for here, whatever the operator's key goes in.
            for name in ("authorization", *provider.keys):
                headers.pop(name, None)
        if key:
            headers |= {name: prefix + key for name, prefix in provider.keys.items()}
        headers["accept-encoding"], headers["content-type"] = "identity", media
        return headers

    async def ask(self, asked: UpstreamRequest, total_s: float | None = None) -> UpstreamResponse:
        """Return the answer once its status is 200; whoever takes it must release it. `total_s` is the time for all of it, where
        that is less than the upstream has.

        Raises:
            UpstreamAnswer: it answered with an error.
            BackendError: it answered neither.
            OSError, aiohttp.ClientError: it did not answer (`failure_of`).
        """
        response = await self._client.ask(
            asked.method,
            address(self.row.url, asked.base, asked.path),
            self.headers(asked.client, asked.provider, asked.media),
            asked.raw,
            total_s,
        )
        response.upstream = self._name
        if response.status != 200:
            try:
                raise await _error_of(response)
            finally:
                response.release()
        return response


class UpstreamRequest(NamedTuple):
    """What an upstream is asked: `path` is below `base` (`Endpoint.base`); `client` are the headers of who asks, `media` the type
    of the body.
    """

    method: str
    path: str
    client: Mapping[str, str]
    raw: bytes | None
    provider: Provider
    base: str = ""
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer.

    Attributes:
        client_error: what a client is told.
        why: what is counted.
        is_upstream_healthy: whether the upstream is up all the same; None where that tells nothing.
        may_retry: whether the same may be asked again; None where it may have been worked on.
        after_s: how long the upstream asks to wait.
    """

    client_error: GuardrailsError
    why: str
    is_upstream_healthy: bool | None = False
    may_retry: bool | None = False
    after_s: float | None = None


def forwarded_headers(provider: Provider) -> frozenset[str]:
    """Return the headers of a client that an upstream of a provider's gets."""
    return _with_passed_on(provider.headers)


@lru_cache(64)
def _with_passed_on(headers: tuple[str, ...]) -> frozenset[str]:
    return PASSED_ON.union(headers)


def failure_of(error: BaseException, secret: str | None = None) -> Failure | None:
    """Return what an exception says of the upstream, None where it is none of its. Nobody is told its `secret`."""
    if isinstance(error, UpstreamAnswer):
        status = error.status
        well = False if status in BAD else None if status == BUSY or status >= 500 else True
        shown = error.without_secret(secret)
        return Failure(shown, str(status), well, status in BAD or status == BUSY, _asks(error.headers))
    if isinstance(error, BackendError):
        return Failure(error, "broken")
    if isinstance(error, TimeoutError):
        told = BackendError("the upstream took too long", 504, "upstream_timeout")
        unsent = isinstance(error, aiohttp.ConnectionTimeoutError)
        return Failure(told, "timeout", may_retry=unsent or None)
    if isinstance(error, aiohttp.ClientConnectorError):
        told = BackendError("the upstream cannot be reached", 502, "upstream_unreachable")
        return Failure(told, "unreachable", may_retry=True)
    if isinstance(error, aiohttp.ClientError | ConnectionError):
        return Failure(invalid_answer("the upstream broke off its answer"), "broken", may_retry=None)
    return None


def _asks(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait; dates are not followed."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


async def read_whole(response: UpstreamResponse, most: int) -> bytes:
    """Return the whole body of an answer; raises `BackendError` if it is larger than `most`."""
    content = response.content
    whole: bytes | bytearray = await content.readany()
    while len(whole) <= most:
        if content.at_eof():
            return bytes(whole)
        if isinstance(whole, bytes):
            whole = bytearray(whole)
        whole += await content.readany()
    raise too_large(most)


@lru_cache(maxsize=1_024)
def address(url: str, base: str, path: str) -> URL:
    """Return where to ask: a path below the upstream's URL, or below another root of its paths (`/v1beta`), which stands in the
    place of the version that the URL ends with, if it ends with one.
    """
    return URL((VERSION.sub("", url).removesuffix(base) + base if base else url) + path)


async def drain(response: UpstreamResponse) -> None:
    """Read what follows the end of a stream, so that its connection can be used again; not for long."""
    try:
        async with asyncio.timeout(DRAIN_S):
            while not response.content.at_eof():
                await response.content.readany()
    except (TimeoutError, aiohttp.ClientError):
        return  # the answer is whole; its connection is not kept


def too_large(limit: int) -> BackendError:
    """Return the exception for an answer that is larger than the settings allow."""
    return invalid_answer(f"the upstream's answer is larger than {limit} bytes")


def response_headers(response: UpstreamResponse) -> dict[str, str]:
    """Return the headers of an answer that the client gets; not those that say something, as nobody judges them."""
    passed: dict[str, str] = {}
    for written, value in response.headers.items():
        name = written.lower()
        known = name in PASSED_BACK or (name.startswith(PASSED_BACK_PREFIX) and is_plain_header(name))
        if known and is_plain_header(value):
            passed[name] = value
    if response.upstream:
        passed[SERVED_BY] = response.upstream
    return passed


async def _error_of(response: UpstreamResponse) -> Exception:
    """Return the exception for an answer that is not 200."""
    if not 400 <= response.status <= 599:
        return invalid_answer(f"the upstream answered {response.status}")
    raw = bytearray()
    async for piece in response.content.iter_any():
        raw += piece
        if len(raw) > ERROR_BYTES:
            break
    try:
        body = strict_json.parse(bytes(raw))
    except RequestError:
        body = {}
    return UpstreamAnswer(response.status, body, response_headers(response))


def failure_in(event: sse.Event, body: Mapping[str, Any]) -> GuardrailsError | None:
    """Return the exception that an event of a stream stands for, None for one that goes on with the answer; `body` is what it
    says, `{}` where that cannot be read.
    """
    if event.type != b"error" and b'"error"' not in event.data:
        return None
    if event.type != b"error" and body.get("error") is None:
        return None
    return UpstreamAnswer(502, body if "error" in body else {"error": body.get("message")})
