"""Sends requests to a service and reads the JSON of its answers, or raises a `RemoteError` that says why not.

Runs on the loop of `loop.py` alone. No redirects, no cookies, no proxies from the environment; an answer has a limit, and must
be JSON as the standard has it (no NaN, no doubled keys: two readers of it must see the same).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import math
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from guardrails.remote.breaker import CircuitBreaker
from guardrails.remote.endpoint import Endpoint, RemoteError
from guardrails.remote.form import FormField, encode_form

MOST_BYTES: Final = 8 << 20
"""Bytes of an answer."""

PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""

PAUSE_S: Final = 0.1
"""Seconds before the second try, doubled for each further one; half of it is left to chance."""

LONGEST_PAUSE_S: Final = 5.0
"""Seconds up to which a service's own `Retry-After` is waited for."""

IDLE_S: Final = 4.0
"""Seconds for which an idle connection is kept: less than the five after which uvicorn closes it."""

CLOSING_S: Final = 1.0
"""Seconds that the end of the process waits for connections to close."""

Sign = Callable[[str, str, bytes, Mapping[str, str]], Mapping[str, str]]
"""Method, URL, body and headers → the headers of the signed request."""


class TransientError(RemoteError):
    """A failure that the next try may not have; `after_s` is how long the service asks to wait."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class RemoteClient:
    """The connections to one endpoint, and what is known of how it is."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._breaker = CircuitBreaker(endpoint.failures, endpoint.open_s)
        self._slots = asyncio.Semaphore(endpoint.connections)
        self._waiting = 0
        aiohttp: Any = import_module("aiohttp")
        self._session: Any = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the endpoint's own is the only one
        )
        self._written: Any = import_module("yarl").URL
        self._lost = (aiohttp.ClientError, ConnectionError)

    async def post(
        self, path: str, body: object, *, headers: Mapping[str, str] | None = None, sign: Sign | None = None
    ) -> Any:
        """Send JSON to `path` below the endpoint's URL and return the JSON of the answer.

        Raises:
            RemoteError: no usable answer came, after all tries; the text names the endpoint and the cause.
        """
        return await self._send(path, json.dumps(body).encode(), headers or {}, sign)

    async def post_form(self, path: str, fields: Sequence[FormField]) -> Any:
        """Send a form to `path` below the endpoint's URL and return the JSON of the answer; raises as `post` does."""
        kind, data = encode_form(fields)
        return await self._send(path, data, {"content-type": kind}, None)

    async def _send(self, path: str, data: bytes, headers: Mapping[str, str], sign: Sign | None) -> Any:
        self._fail_if_open()
        async with _Place(self):
            self._fail_if_open()  # it may have opened while this one waited
            return await self._send_counted(path, data, headers, sign)

    def _fail_if_open(self) -> None:
        wait = self._breaker.remaining_wait(time.monotonic())
        if wait:
            name = self._endpoint.name
            raise RemoteError(f"endpoint {name!r} fails again and again; it is asked again in {wait:.0f} s")

    async def _send_counted(
        self, path: str, data: bytes, headers: Mapping[str, str], sign: Sign | None
    ) -> Any:
        """Send a request, and tell the breaker how it ended."""
        name = self._endpoint.name
        well: bool | None = None
        began = time.monotonic()
        self._breaker.record_start()
        try:
            answer = await self._tries(path, data, headers, sign)
            well = True
        except TransientError as error:
            well = False
            raise RemoteError(f"endpoint {name!r}: {error}") from None
        except RemoteError as error:
            # It answered; that the answer is no use says nothing of whether the next one will be.
            raise RemoteError(f"endpoint {name!r}: {error}") from None
        except asyncio.CancelledError:
            # Who gives up soon went away; who waited long was left waiting.
            well = False if time.monotonic() - began >= self._endpoint.timeout_s / 2 else None
            raise
        finally:
            self._breaker.record_end(time.monotonic(), well=well)
        return answer

    async def _tries(self, path: str, data: bytes, headers: Mapping[str, str], sign: Sign | None) -> Any:
        last = TransientError("not asked")
        for attempt in range(self._endpoint.retries + 1):
            if attempt:
                await _pause(attempt, last)
            try:
                async with asyncio.timeout(self._endpoint.timeout_s):
                    return await self._send_once(path, data, headers, sign)
            except TimeoutError:
                last = TransientError(f"no answer in {self._endpoint.timeout_s:g} s")
            except self._lost as error:
                last = TransientError(f"cannot be reached ({type(error).__name__})")
            except TransientError as error:
                last = error
        tries = self._endpoint.retries + 1
        raise TransientError(f"{last} (tried {tries} times)" if tries > 1 else str(last))

    async def _send_once(self, path: str, data: bytes, headers: Mapping[str, str], sign: Sign | None) -> Any:
        # The path goes out as it is written: another spelling would be another signature, or another path.
        url = self._endpoint.url.rstrip("/") + path
        sent = {"content-type": "application/json", **self._endpoint.request_headers(), **headers}
        if sign is not None:
            sent = dict(sign("POST", url, data, sent))
        where = self._written(url, encoded=True)
        async with self._session.post(where, data=data, headers=sent, allow_redirects=False) as response:
            # Also what is no use is read to its end, so that the connection can be used again.
            raw = await _read(response.content)
            if response.status in PASSING:
                raise TransientError(
                    f"answered {response.status}", _after(response.headers.get("retry-after"))
                )
            if response.status != 200:
                raise RemoteError(f"answered {response.status}")
        if raw is None:
            raise RemoteError(f"answered more than {MOST_BYTES >> 20} MiB")
        return parse_json(raw)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class _Place:
    """A place among the requests under way; those who wait for one have a limit too."""

    def __init__(self, client: RemoteClient) -> None:
        self._client = client

    async def __aenter__(self) -> None:
        client = self._client
        endpoint = client._endpoint
        if client._slots.locked() and client._waiting >= endpoint.waiting:
            most = f"{endpoint.connections} requests are under way and {client._waiting} waiting"
            raise RemoteError(f"endpoint {endpoint.name!r}: {most} already")
        client._waiting += 1
        try:
            await client._slots.acquire()
        finally:
            client._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._client._slots.release()


async def _read(content: Any) -> bytes | None:
    """Return the bytes of an answer, None where they are too many."""
    raw = bytearray()
    async for piece in content.iter_any():
        raw += piece
        if len(raw) > MOST_BYTES:
            return None
    return bytes(raw)


def _after(written: str | None) -> float | None:
    """Return the seconds of a `Retry-After`; dates are not followed."""
    try:
        return None if written is None else max(0.0, float(written))
    except ValueError:
        return None


async def _pause(attempt: int, last: TransientError) -> None:
    """Wait before another try: what the service asks for, within bounds, or longer each time."""
    asked = last.after_s
    if asked is not None and asked > LONGEST_PAUSE_S:
        raise TransientError(f"{last}, and asks to wait for {asked:.0f} s")
    own = PAUSE_S * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret, only spread
    await asyncio.sleep(own if asked is None else max(own, asked))


def parse_json(raw: bytes) -> Any:
    """Return JSON as Python values; raises `RemoteError` for what is none, or could be read in two ways."""
    try:
        return json.loads(
            raw.decode(), parse_constant=_constant, parse_float=_finite, object_pairs_hook=_mapping
        )
    except (ValueError, RecursionError):
        raise RemoteError("the answer is no JSON") from None


def _constant(_: str) -> float:
    raise ValueError


def _finite(written: str) -> float:
    """Return a number; 1e999 is one in JSON, and none here."""
    value = float(written)
    if math.isinf(value):
        raise ValueError
    return value


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


_CLIENTS: dict[tuple[asyncio.AbstractEventLoop, Endpoint], RemoteClient] = {}
_OWNERS: dict[RemoteClient, int] = {}


def get_client(endpoint: Endpoint) -> RemoteClient:
    """Return the client of an endpoint, one for all who ask for the same on this loop; call it on the loop."""
    key = (asyncio.get_running_loop(), endpoint)
    if key not in _CLIENTS:
        _CLIENTS[key] = RemoteClient(endpoint)
        _OWNERS[_CLIENTS[key]] = os.getpid()
    return _CLIENTS[key]


@atexit.register
def _close() -> None:
    """At the end of the process: close what its loop still keeps. A child leaves alone what is its parent's."""
    for (loop, _), each in _CLIENTS.items():
        if loop.is_running() and _OWNERS[each] == os.getpid():
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(each.close(), loop).result(CLOSING_S)
