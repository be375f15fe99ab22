"""Asks an upstream that is down for its models until it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from guardrails.errors import GuardrailsError
from guardrails.protocols.providers import OPENAI
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.routing_choice import Row
from guardrails.proxy.upstreams.upstream_client import UpstreamRequest

WATCH_S = 5.0
"""Seconds that an answer is waited for."""


class HealthCheckedUpstreams(Protocol):
    """The upstreams, of which each ends as up or down with every answer (`Upstreams`)."""

    def health(self) -> Mapping[str, bool]:
        """Return of each by name whether it is up."""
        ...

    def ask_one(self, row: Row, asked: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Ask one."""
        ...

    async def read_whole(self, response: UpstreamResponse) -> bytes:
        """Read an answer."""
        ...


async def run_health_checks(
    upstreams: HealthCheckedUpstreams, row: Row, every_s: float, sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Ask one for its models every so many seconds in which it is down; never returns."""
    asked = UpstreamRequest("GET", "/models", {}, None, OPENAI)
    while True:
        await sleep(every_s)
        if not upstreams.health()[row.name]:
            with suppress(GuardrailsError, TimeoutError):
                async with asyncio.timeout(WATCH_S), upstreams.ask_one(row, asked) as response:
                    await upstreams.read_whole(response)
