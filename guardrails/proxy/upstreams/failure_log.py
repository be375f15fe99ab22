"""Tells operators in the log why an upstream does not answer, which clients are told in general terms alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import aiohttp

LOG = logging.getLogger("guardrails.proxy")

EVERY_S: Final = 60.0
"""Seconds after which the same is said of an upstream again."""

MOST_KNOWN: Final = 1_000
"""Causes that are remembered."""

CURES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.ClientConnectorCertificateError, "name its authority's certificate in SSL_CERT_FILE"),
    (aiohttp.ClientSSLError, "its url begins with https://: does it speak TLS there?"),
    (aiohttp.ClientConnectorDNSError, "look at the name in its url"),
    (aiohttp.ClientConnectorError, "is it running, and may this machine reach it?"),
    (aiohttp.ConnectionTimeoutError, "it was not reached within connect_s"),
    (aiohttp.SocketTimeoutError, "nothing came of it for idle_s"),
    (TimeoutError, "its answer took longer than total_s"),
    (aiohttp.ClientOSError, "it broke off: is its url right in http:// or https://?"),
    (aiohttp.ServerDisconnectedError, "it broke off: is its url right in http:// or https://?"),
)
"""What an exception says → what to do about it."""


class FailureLog:
    """What was said of upstreams lately. `clock` is any clock in seconds that never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    def record(self, name: str, error: BaseException) -> None:
        """Say that an upstream failed, and why, unless that was said lately."""
        cause, now = _describe(error), self._clock()
        if now - self._told.get((name, cause), -EVERY_S) < EVERY_S:
            return
        if len(self._told) >= MOST_KNOWN:
            self._told.clear()
        self._told[name, cause] = now
        LOG.warning("upstream %s does not answer: %s", name, cause)


def _describe(error: BaseException) -> str:
    """Return the cause and a cure. What an answer says stays out: it may be a model's."""
    reason = str(error) if isinstance(error, aiohttp.ClientOSError) else type(error).__name__
    cure = next((cure for kind, cure in CURES if isinstance(error, kind)), "")
    return f"{reason}: {cure}" if cure else reason
