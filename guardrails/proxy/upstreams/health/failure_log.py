"""Tells operators in the log why an upstream does not answer, which clients are told in general terms alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import aiohttp

from guardrails.proxy.upstreams.routing_choice import Row
from guardrails.proxy.upstreams.transport.causes import certificate_fault
from guardrails.proxy.upstreams.transport.client_certificates import ClientCertificateRequired

LOG = logging.getLogger("guardrails.proxy")

SAYING: Final = (aiohttp.ClientOSError, aiohttp.ClientHttpProxyError, ClientCertificateRequired)
"""Exceptions whose words are ours, or the system's, and no answer's."""

EVERY_S: Final = 60.0
"""Seconds after which the same is said of an upstream again."""

MOST_KNOWN: Final = 1_000
"""Causes that are remembered."""

CURES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (
        ClientCertificateRequired,
        "name a certificate that it knows in cert_file, and its key in cert_key_file",
    ),
    (
        aiohttp.ClientConnectorCertificateError,
        "name its authority's certificate in ca_file, or in SSL_CERT_FILE",
    ),
    (aiohttp.ClientSSLError, "its url begins with https://: does it speak TLS there?"),
    (aiohttp.ClientProxyConnectionError, "is the proxy of proxy or HTTPS_PROXY running?"),
    (aiohttp.ClientHttpProxyError, "may this machine ask the proxy of proxy or HTTPS_PROXY for it?"),
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
        self._tell(name, f"does not answer: {describe_cause(error)}")

    def record_refusal(self, row: Row, status: int) -> None:
        """Say that an upstream does not take the operator's key, unless that was said lately."""
        self._tell(
            row.name, f"refuses the key of {row.key_source} with {status}: put one there that it takes"
        )

    def _tell(self, name: str, cause: str) -> None:
        now = self._clock()
        if now - self._told.get((name, cause), -EVERY_S) < EVERY_S:
            return
        if len(self._told) >= MOST_KNOWN:
            self._told.clear()
        self._told[name, cause] = now
        LOG.warning("upstream %s %s", name, cause)


def describe_cause(error: BaseException) -> str:
    """Return the cause and a cure. What an answer says stays out: it may be a model's."""
    reason = str(error) if isinstance(error, SAYING) else type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = f"its certificate is not accepted ({certificate_fault(error)}): {reason}"
    cure = next((cure for kind, cure in CURES if isinstance(error, kind)), "")
    return f"{reason}: {cure}" if cure else reason
