"""Says why no connection to an upstream was made: to clients in general terms, with a name for counters."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple

import aiohttp

from guardrails.proxy.upstreams.transport.client_certificates import ClientCertificateRequired, says_so
from guardrails.proxy.upstreams.transport.tls import certificate_reasons

VERIFICATION: Final[Mapping[int, str]] = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "its authority is not trusted",
    20: "its authority is not trusted",
    21: "its authority is not trusted",
    23: "it was revoked",
    62: "it is for another name",
    64: "it is for another address",
}
"""OpenSSL's code → what is wrong with a certificate."""


class Cause(NamedTuple):
    """Why there is no connection.

    Attributes:
        message: for clients; names neither hosts nor files.
        code: for clients.
        why: for counters.
    """

    message: str
    code: str
    why: str


def connection_cause(error: BaseException) -> Cause | None:
    """Return why no connection was made, None where one was, or where an exception is none of connections."""
    if isinstance(error, ClientCertificateRequired) or (
        isinstance(error, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError) and says_so(error)
    ):
        told = "the upstream takes no connection without a client certificate that it knows"
        return Cause(told, "upstream_certificate", "client_certificate")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        wrong = certificate_fault(error)
        return Cause(
            f"the upstream's certificate is not accepted: {wrong}", "upstream_certificate", "certificate"
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return Cause("no TLS connection to the upstream can be made", "upstream_tls", "tls")
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return Cause("the proxy before the upstream cannot be reached", "upstream_unreachable", "proxy")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        told = f"the proxy before the upstream refused the connection with {error.status}"
        return Cause(told, "upstream_unreachable", "proxy")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Cause("the upstream's name is not known", "upstream_unreachable", "unreachable")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Cause("the upstream cannot be reached", "upstream_unreachable", "unreachable")
    return None


def certificate_fault(error: BaseException) -> str:
    """Return what is wrong with a certificate."""
    for each in certificate_reasons(error):
        if isinstance(each, ssl.SSLCertVerificationError) and hasattr(each, "verify_code"):
            return VERIFICATION.get(each.verify_code, "it cannot be verified")
    return "it cannot be verified"
