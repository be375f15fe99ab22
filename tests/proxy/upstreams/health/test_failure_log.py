"""What operators read of an upstream that does not answer."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from guardrails.proxy.upstreams.health import failure_log
from guardrails.proxy.upstreams.health.failure_log import EVERY_S, FailureLog
from tests.cases import each_case


class Key:
    """Where a connection goes to."""

    host, port, ssl, is_ssl = "models.example", 443, True, True


def connector(kind: type[Any], error: Exception) -> Exception:
    """Return an error of making a connection."""
    made: Exception = kind(Key(), error)
    return made


@each_case(
    ("error", "said"),
    [
        (connector(aiohttp.ClientConnectorCertificateError, ValueError("self-signed")), "SSL_CERT_FILE"),
        (connector(aiohttp.ClientConnectorSSLError, OSError(1, "wrong version number")), "does it speak TLS there"),
        (connector(aiohttp.ClientConnectorDNSError, OSError(-2, "Name or service not known")), "the name in its url"),
        (connector(aiohttp.ClientConnectorError, OSError(111, "Connect call failed")), "is it running"),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), "reset by peer: it broke off"),
        (aiohttp.ServerDisconnectedError("a model's words"), "ServerDisconnectedError: it broke off"),
        (TimeoutError(), "TimeoutError: its answer took longer than total_s"),
        (aiohttp.ConnectionTimeoutError(), "not reached within connect_s"),
        (aiohttp.SocketTimeoutError(), "nothing came of it for idle_s"),
        (aiohttp.ClientPayloadError("a model's words"), "ClientPayloadError"),
    ],
)  # fmt: skip
def test_the_cause_and_the_cure_are_said(caplog: Any, error: BaseException, said: str) -> None:
    """And nothing of an answer."""
    caplog.clear()
    FailureLog(lambda: 0.0).record("a", error)
    [message] = caplog.messages
    assert message.startswith("upstream a does not answer: ")
    assert said in message
    assert "a model's words" not in message


def test_the_same_is_said_once_a_minute(caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each upstream, and each cause by itself; what is remembered is bounded."""
    now = [0.0]
    log = FailureLog(lambda: now[0])
    for error in (TimeoutError(), TimeoutError(), aiohttp.ClientPayloadError(), TimeoutError()):
        log.record("a", error)
    log.record("b", TimeoutError())
    assert len(caplog.messages) == 3
    now[0] = EVERY_S
    log.record("a", TimeoutError())
    assert len(caplog.messages) == 4
    monkeypatch.setattr(failure_log, "MOST_KNOWN", 2)
    log.record("c", TimeoutError())
    assert len(log._told) == 1
