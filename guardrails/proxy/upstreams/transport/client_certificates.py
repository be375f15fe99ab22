"""Finds out whether a server broke a connection off because it wants a certificate of the client.

With TLS 1.3 a client may send its request before the server has looked for the certificate. A server that closes with that
request unread resets the connection, and the reset may arrive before its alert is read: all that is seen is a connection that
broke. So the server is asked once more, by a connection on which nothing is sent.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any, Final

import aiohttp

from guardrails.proxy.upstreams.transport.tls import certificate_reasons

WAIT_S: Final = 2.0
"""Seconds for which a server may take to close; one that needs no certificate waits for a request."""

ALERTS: Final = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_NO_CERTIFICATE")
"""Parts of the reasons by which a server says that our certificate is missing, or is none that it takes."""

CERTIFICATE_REQUEST: Final = 13
"""The type of TLS's message by which a server asks for a certificate."""


class ClientCertificateRequired(aiohttp.ClientError):
    """A server takes no connection without a certificate of the client's that it knows."""


def says_so(error: BaseException) -> bool:
    """Tell whether an exception says itself that our certificate is missing, or is not taken."""
    return any(alert in (each.reason or "") for each in certificate_reasons(error) for alert in ALERTS)


def demands_certificate(host: str, port: int) -> bool:
    """Tell whether a server breaks off who has no certificate. Blocks for some seconds at most; only a greeting is sent."""
    asked: list[bool] = []

    def watch(_: Any, direction: str, __: Any, ___: Any, kind: Any, ____: bytes) -> None:
        if direction == "read" and kind == CERTIFICATE_REQUEST:
            asked.append(True)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # no secret is sent, and nothing is believed
    if hasattr(context, "_msg_callback"):
        context._msg_callback = watch
    try:
        with (
            socket.create_connection((host, port), WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.recv(1)
    except TimeoutError:
        return False  # it waits for a request
    except OSError as error:
        return says_so(error) or bool(asked)
    return bool(asked)
