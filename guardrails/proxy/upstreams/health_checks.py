"""An upstream that is down in, requests of our own to it until it answers out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import aiohttp

from guardrails.errors import GuardrailsError
from guardrails.protocols.providers import OPENAI
from guardrails.proxy.upstreams.routing_choice import Row
from guardrails.proxy.upstreams.upstream_client import Asked

WATCH_S = 5.0
"""Seconds that an answer is waited for."""


class Watched(Protocol):
    """The upstreams, of which each ends as up or down with every answer (`Upstreams`)."""

    def up(self) -> Mapping[str, bool]:
        """Return of each by name whether it is up."""
        ...

    def of(self, row: Row, asked: Asked) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Ask one."""
        ...

    async def whole(self, response: aiohttp.ClientResponse) -> bytes:
        """Read an answer."""
        ...


async def watch(
    upstreams: Watched, row: Row, every_s: float, sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Ask one for its models every so many seconds in which it is down; never returns."""
    asked = Asked("GET", "/models", {}, None, OPENAI)
    while True:
        await sleep(every_s)
        if not upstreams.up()[row.name]:
            with suppress(GuardrailsError, TimeoutError):
                async with asyncio.timeout(WATCH_S), upstreams.of(row, asked) as response:
                    await upstreams.whole(response)
