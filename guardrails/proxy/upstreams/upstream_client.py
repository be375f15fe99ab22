"""The client of one server behind: sends requests, reads answers, and tells failures as exceptions of ours."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

from guardrails.errors import BackendError, GuardrailsError, RequestError
from guardrails.protocols.protocol import WithheldAnswer, invalid_answer
from guardrails.protocols.providers import ANTHROPIC, Provider
from guardrails.proxy.access.forwarded_headers import is_plain_header
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.upstreams.health.upstream_health import UpstreamHealth
from guardrails.proxy.upstreams.http_client import HttpClient, UpstreamResponse
from guardrails.proxy.upstreams.routing_choice import Row
from guardrails.proxy.upstreams.transport.causes import connection_cause
from guardrails.proxy.upstreams.transport.client_certificates import (
    ClientCertificateRequired,
    demands_certificate,
    says_so,
)
from guardrails.proxy.upstreams.transport.key_files import file_state, read_key
from guardrails.proxy.upstreams.transport.tls import client_context
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

BAGGAGE = "baggage"
"""What a client says of a trace, in its own words."""


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

LACKING = frozenset({501, 505})
"""Statuses that say that it does not know what was asked, which another may; it is up all the same."""

REFUSED = frozenset({401, 403})
"""Statuses that say that it does not take a key."""

ERROR_BYTES = 64 << 10
"""Bytes of an upstream's error that are read."""

DRAIN_S = 0.1

IDLE_POLL_S = 0.5

ASK_AGAIN_S = 60.0
"""Seconds for which it is remembered whether a server wants a certificate."""

SERVED_BY, SERVED_MODEL = "x-guardrails-upstream", "x-guardrails-model"

JSON = "application/json"


class Upstream:
    """One server: its connections, and how it is. No redirects, no cookies.

    Attributes:
        row: what settings say of it.
        key: what is sent to it (`Row.key`).
        health: how it is.
        active: its requests that are under way.
        shown_name: what its answers tell of whose they are.
    """

    def __init__(self, row: Row) -> None:
        self.row, self.key = row, row.key
        self.health = UpstreamHealth(row.failures, row.open_s)
        self.active, self.shown_name = 0, ""
        self._client = HttpClient(
            row.url,
            row.connect_s,
            row.idle_s,
            row.total_s,
            tls=client_context(row.certificates),
            proxy=row.proxy,
        )
        self._files = {path: file_state(path) for path in row.files}
        self._demanded: tuple[float, bool] = (-math.inf, False)

    @property
    def name(self) -> str:
        """How it is called in the log."""
        return f"upstream {self.row.name}"

    def open(self) -> None:
        """Get ready; inside the event loop that will use it."""
        self._client.open()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def close_when_idle(self) -> None:
        """Close its connections once its requests have ended."""
        try:
            while self.active:  # noqa: ASYNC110 - a rare end, that nobody waits for
                await asyncio.sleep(IDLE_POLL_S)
        finally:
            await self.close()

    async def reread(self) -> bool:
        """Take the key and the certificates as their files are by now; return whether any of them is another one.

        Raises:
            ValueError, OSError: a file is wrong; what was there before stays.
        """
        row, known = self.row, self._files
        if not known:
            return False
        now = await asyncio.to_thread(lambda: {path: file_state(path) for path in known})
        if now == known:
            return False
        self._files = now
        key = self.key if row.key_file is None else await asyncio.to_thread(read_key, row.key_file)
        self._client.use_tls(await asyncio.to_thread(client_context, row.certificates))
        self.key = key
        self.health.reset()
        return True

    def headers(self, client: Mapping[str, str], provider: Provider, media: str = JSON) -> dict[str, str]:
        """Return the headers of a request to the upstream, with the type of its body."""
        key = self.key
        names, headers = forwarded_headers(provider), dict[str, str]()
        for name, value in client.items():
            if name in names and name not in headers:  # the first of a name counts
                headers[name] = value
        if key is not None:
            # The client's is for here, whatever the operator's key goes in.
            for name in ("authorization", *provider.keys):
                headers.pop(name, None)
        elif provider is ANTHROPIC and "x-api-key" in headers:
            headers.pop("authorization", None)
        if key:
            headers |= key_headers(key, provider, self.row.key_header)
        headers["accept-encoding"], headers["content-type"] = "identity", media
        return headers

    async def ask(
        self, asked: UpstreamRequest, total_s: float | None = None, first_byte_s: float | None = None
    ) -> UpstreamResponse:
        """Return the answer once its status is 200; whoever takes it must release it.

        Args:
            asked: what it is asked.
            total_s: the time for all of the answer, where that is less than the upstream has.
            first_byte_s: the time until the first bytes of its body, where somebody else would be asked instead.

        Raises:
            UpstreamAnswer: it answered with an error.
            BackendError: it answered neither.
            SlowFirstByte: its first bytes were not there in time.
            OSError, aiohttp.ClientError: it did not answer (`failure_of`).
        """
        if first_byte_s is None:
            return await self._ask(asked, total_s)
        response: UpstreamResponse | None = None
        try:
            async with asyncio.timeout(first_byte_s) as limit:
                response = await self._ask(asked, total_s)
                await response.wait_for_body()
        except BaseException as error:
            if response is not None:
                response.release()
            if isinstance(error, TimeoutError) and limit.expired():
                raise SlowFirstByte(f"no byte of an answer within {first_byte_s:g} s") from error
            raise
        return response

    async def request(self, asked: UpstreamRequest, total_s: float | None = None) -> UpstreamResponse:
        """Return an answer of any status once its head is there; whoever takes it must release it.

        Raises:
            OSError, aiohttp.ClientError: it did not answer (`failure_of`).
        """
        try:
            headers = self.headers(asked.client, asked.provider, asked.media)
            if asked.trace is not None:
                headers.pop("tracestate", None)  # of a trace that may have been another one
                headers |= asked.trace
            return await self._client.ask(
                asked.method,
                address(self.row.url, asked.base, asked.path),
                headers,
                asked.raw,
                total_s,
            )
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            if await self._demands_certificate(error):
                raise ClientCertificateRequired("the server wants a certificate of the client") from error
            raise

    async def _ask(self, asked: UpstreamRequest, total_s: float | None) -> UpstreamResponse:
        response = await self.request(asked, total_s)
        response.upstream = self.shown_name
        if response.status != 200:
            try:
                raise await _error_of(response)
            finally:
                response.release()
        return response

    async def _demands_certificate(self, error: aiohttp.ClientError) -> bool:
        """Tell whether a connection broke because the server wants a certificate of ours; it is asked once in a while."""
        if says_so(error):
            return True
        broke = (
            not isinstance(error, aiohttp.ClientConnectorError)
            or isinstance(error, aiohttp.ClientConnectorSSLError)
            or isinstance(error.os_error, ConnectionResetError)
        )
        url, row = URL(self.row.url), self.row
        if not broke or url.scheme != "https" or row.proxy or row.certificates.cert_file or url.host is None:
            return False
        found_at, demands = self._demanded
        if perf_counter() - found_at > ASK_AGAIN_S:
            demands = await asyncio.to_thread(demands_certificate, url.host, url.port or 443)
            self._demanded = perf_counter(), demands
        return demands


class SlowFirstByte(TimeoutError):
    """The first bytes of an answer are late, and somebody else can be asked."""


class UpstreamRequest(NamedTuple):
    """What an upstream is asked: `path` is below `base` (`Endpoint.base`); `client` are the headers of who asks, `media` the type
    of the body. `trace` are headers that say in which trace it is asked, in place of the client's.
    """

    method: str
    path: str
    client: Mapping[str, str]
    raw: bytes | None
    provider: Provider
    base: str = ""
    media: str = JSON
    trace: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer.

    Attributes:
        client_error: what a client is told.
        why: what is counted.
        is_upstream_healthy: whether the upstream is up all the same; None where that tells nothing.
        may_retry: whether the same may be asked again; None where it may have been worked on.
        after_s: how long the upstream asks to wait; infinite where only another one may be asked.
        is_of_server: whether it fails alike for every model.
    """

    client_error: GuardrailsError
    why: str
    is_upstream_healthy: bool | None = False
    may_retry: bool | None = False
    after_s: float | None = None
    is_of_server: bool = False


def key_headers(key: str, provider: Provider, header: str | None = None) -> dict[str, str]:
    """Return the headers in which the operator's key goes: those of the API, or the one that an upstream's settings name."""
    if header is None:
        return {name: prefix + key for name, prefix in provider.keys.items()}
    return {header: f"Bearer {key}" if header == "authorization" else key}


def forwarded_headers(provider: Provider) -> frozenset[str]:
    """Return the headers of a client that an upstream of a provider's gets."""
    return _with_passed_on(provider.headers)


@lru_cache(64)
def _with_passed_on(headers: tuple[str, ...]) -> frozenset[str]:
    return PASSED_ON.union(headers)


@lru_cache(64)
def with_baggage(names: frozenset[str]) -> frozenset[str]:
    """Return the headers of a client that an upstream gets where traces are continued (`UpstreamRequest.trace`)."""
    return names | {BAGGAGE}


def failure_of(error: BaseException, secret: str | None = None) -> Failure | None:
    """Return what an exception says of the upstream, None where it is none of its. Nobody is told its `secret`, the operator's
    key.
    """
    if isinstance(error, UpstreamAnswer):
        return _answered_failure(error, secret)
    if isinstance(error, BackendError):
        return Failure(error, "broken")
    if isinstance(error, SlowFirstByte):
        told = BackendError("the upstream took too long", 504, "upstream_timeout")
        return Failure(told, "slow", may_retry=True, after_s=math.inf)
    if (cause := connection_cause(error)) is not None:
        told = BackendError(cause.message, 502, cause.code)
        return Failure(told, cause.why, may_retry=True, is_of_server=True)
    if isinstance(error, TimeoutError):
        told = BackendError("the upstream took too long", 504, "upstream_timeout")
        unsent = isinstance(error, aiohttp.ConnectionTimeoutError)
        return Failure(told, "timeout", may_retry=unsent or None, is_of_server=unsent)
    if isinstance(error, aiohttp.ClientError | ConnectionError):
        return Failure(invalid_answer("the upstream broke off its answer"), "broken", may_retry=None)
    return None


def _answered_failure(error: UpstreamAnswer, secret: str | None) -> Failure:
    """Return what an error says that the upstream answered."""
    status, shown = error.status, error.without_secret(secret)
    if secret and status in REFUSED:  # of 403 it may be this model that the key is not for
        return Failure(shown, str(status), False, True, math.inf, is_of_server=status == 401)
    if status in BAD or status == BUSY:
        return Failure(shown, str(status), None if status == BUSY else False, True, _asks(error.headers))
    if status >= 500:  # the same server may have begun to work on it, and would say the same
        return Failure(shown, str(status), None if status in LACKING else False, True, math.inf)
    return Failure(shown, str(status), True)


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


def too_large(limit: int) -> WithheldAnswer:
    """Return the exception for an answer that is larger than the settings, or the policy, allow."""
    return WithheldAnswer(f"the upstream's answer is larger than {limit} bytes", 502, "upstream_invalid")


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
    if response.model is not None:
        passed[SERVED_MODEL] = response.model
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
