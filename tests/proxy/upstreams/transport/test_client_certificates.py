"""Whether a server wants a certificate of the client."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from guardrails.proxy.upstreams.transport import client_certificates
from guardrails.proxy.upstreams.transport.client_certificates import demands_certificate
from tests.cases import each_case
from tests.proxy.tls_kit import Authority, store


@each_case(
    ("mode", "demands"), [(ssl.CERT_NONE, False), (ssl.CERT_OPTIONAL, False), (ssl.CERT_REQUIRED, True)]
)
def test_a_server_is_asked(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, mode: Any, demands: bool) -> None:
    """One that goes on without one does not want it."""
    monkeypatch.setattr(client_certificates, "WAIT_S", 0.3)
    authority = Authority()
    context = authority.gives(tmp_path, "localhost")
    context.verify_mode = mode
    context.load_verify_locations(cadata=authority.certificate)
    with store(context, b"{}") as server:
        assert demands_certificate("localhost", server.port) is demands


def test_a_server_that_is_away_wants_nothing() -> None:
    """Nobody can say so."""
    assert demands_certificate("127.0.0.1", 1) is False
