"""Clients that connect over TLS."""

from __future__ import annotations

import http.client
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from guardrails.proxy.upstreams.transport import rotation
from tests.proxy.tls_kit import Authority
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who gives certificates."""
    return Authority()


def chat(url: str, authority: Authority, cert: Path | None = None) -> int:
    """Return the status of an answer to a chat."""
    context = ssl.create_default_context(cadata=authority.certificate)
    if cert is not None:
        context.load_cert_chain(cert)
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection("localhost", parts.port, timeout=20, context=context)
    try:
        connection.request(
            "POST", "/v1/chat/completions", b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
        )
        return connection.getresponse().status
    finally:
        connection.close()


def test_clients_connect_over_tls(serve, authority, tmp_path) -> None:
    """And not without."""
    url = serve(tls={"cert_file": str(authority.file(tmp_path, "localhost"))})

    assert url.startswith("https://")
    assert chat(url, authority) == 200
    plain = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=20)
    plain.request("GET", "/healthz")
    with pytest.raises((http.client.HTTPException, OSError)):
        plain.getresponse()
    plain.close()


def test_clients_need_a_certificate_where_their_authority_is_named(serve, authority, tmp_path) -> None:
    """One of that authority."""
    server = {
        "cert_file": str(authority.file(tmp_path, "localhost")),
        "client_ca_file": authority.save(tmp_path),
    }
    url = serve(tls={**server, "min_version": "1.3"})

    assert chat(url, authority, authority.file(tmp_path, "client")) == 200
    for cert in (None, Authority("Another").file(tmp_path, "client")):
        with pytest.raises((ssl.SSLError, http.client.HTTPException, OSError)):
            chat(url, authority, cert)


def test_the_servers_certificate_is_rotated(serve, authority, tmp_path, monkeypatch) -> None:
    """Connections that come later get the new one."""
    monkeypatch.setattr(rotation, "EVERY_S", 0.02)
    cert = authority.file(tmp_path, "localhost")
    url = serve(tls={"cert_file": str(cert)})
    assert chat(url, authority) == 200
    other = Authority("Another")
    os.replace(other.file(tmp_path, "localhost"), cert)

    def is_new() -> Any:
        try:
            return chat(url, other) == 200
        except ssl.SSLError:
            return False

    wait_until(is_new)
