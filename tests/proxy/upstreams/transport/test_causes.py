"""Why there is no connection, over real ones: what clients are told, and operators."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.providers import OPENAI
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.upstreams.routing import Upstreams
from tests.proxy.proxy_kit import http_proxy
from tests.proxy.tls_kit import Authority, store

MODELS = b'{"data": [{"id": "m"}]}'


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who gives certificates."""
    return Authority()


@pytest.fixture
def open_until_the_end() -> Iterator[ExitStack]:
    """What is closed with the test."""
    with ExitStack() as stack:
        yield stack


def ask(url: str, **fields: Any) -> Any:
    """Return the list of an upstream's models, or why there is none."""

    async def work() -> Any:
        upstreams = Upstreams(
            Settings(upstreams={"a": {"url": url, "models": ["*"], "tries": 1, **fields}}), Metrics()
        )
        await upstreams.open()
        try:
            async with upstreams.answer("GET", "/models", {}, None, OPENAI) as response:
                return json.loads(await upstreams.read_whole(response))
        except BackendError as error:
            return error
        finally:
            await upstreams.close()

    return asyncio.run(work())


def mutual(authority: Authority, folder: Any, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a server's context that wants a certificate of the client."""
    context = authority.gives(folder, "localhost")
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.certificate)
    return context


def test_an_authority_of_the_operators_own_is_believed(authority, tmp_path, open_until_the_end) -> None:
    """Where its file is named."""
    server = open_until_the_end.enter_context(store(authority.gives(tmp_path, "localhost"), MODELS))
    url = f"https://localhost:{server.port}"

    assert ask(url, ca_file=authority.save(tmp_path)) == json.loads(MODELS)


@pytest.mark.parametrize(
    ("hosts", "until", "trusted", "why"),
    [
        (["localhost"], 2049, False, "its authority is not trusted"),
        (["localhost"], 2021, True, "it has expired"),
        (["other.example"], 2049, True, "it is for another name"),
    ],
)
def test_a_certificate_is_named_as_the_cause(
    authority, tmp_path, open_until_the_end, caplog, hosts, until, trusted, why
) -> None:
    """Not that the upstream could not be reached; clients read it without hosts, the log with its cure."""
    server = open_until_the_end.enter_context(store(authority.gives(tmp_path, *hosts, until=until), MODELS))

    error = ask(
        f"https://localhost:{server.port}", **({"ca_file": authority.save(tmp_path)} if trusted else {})
    )

    assert (error.status, error.code) == (502, "upstream_certificate")
    assert str(error) == f"the upstream's certificate is not accepted: {why}"
    assert f"its certificate is not accepted ({why})" in caplog.text
    assert "ca_file" in caplog.text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_ours_is_shown_to_who_wants_one(
    authority, tmp_path, open_until_the_end, version
) -> None:
    """From one file with its key, or two."""
    server = open_until_the_end.enter_context(store(mutual(authority, tmp_path, version), MODELS))
    given = {"ca_file": authority.save(tmp_path), "cert_file": str(authority.file(tmp_path, "guard"))}

    assert ask(f"https://localhost:{server.port}", **given) == json.loads(MODELS)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", ["none", "unknown"])
def test_that_one_is_wanted_is_named_as_the_cause(
    authority, tmp_path, open_until_the_end, caplog, version, shown
) -> None:
    """Whether there is none, or one of an authority that the server does not know."""
    server = open_until_the_end.enter_context(store(mutual(authority, tmp_path, version), MODELS))
    given = {"ca_file": authority.save(tmp_path)}
    if shown == "unknown":
        given["cert_file"] = str(Authority("Another").file(tmp_path, "guard"))

    error = ask(f"https://localhost:{server.port}", **given)

    if shown == "unknown" and error.code == "upstream_invalid":
        return  # it reset the connection before it said why
    assert (error.status, error.code) == (502, "upstream_certificate")
    assert "client certificate" in str(error)
    assert "cert_file" in caplog.text


def test_a_server_that_resets_instead_of_saying_so_is_found_out(authority, tmp_path, caplog) -> None:
    """Its alert is lost where the reset comes first; it is asked once more, without a request."""
    context = mutual(authority, tmp_path, ssl.TLSVersion.TLSv1_3)
    listener = socket.create_server(("127.0.0.1", 0))

    def reset(plain: socket.socket) -> None:
        # What the server says after its greeting never arrives: a reset throws away what the client has not read.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        spoken = context.wrap_bio(incoming, outgoing, server_side=True)
        with plain, suppress(OSError, ssl.SSLError):
            while True:
                try:
                    spoken.do_handshake()
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(1 << 16))

    def accept() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                threading.Thread(target=reset, args=(plain,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with closing(listener):
        error = ask(f"https://localhost:{listener.getsockname()[1]}", ca_file=authority.save(tmp_path))

    assert (error.status, error.code) == (502, "upstream_certificate")
    assert "client certificate" in str(error)


def test_a_server_without_tls_is_told(open_until_the_end, fake) -> None:
    """Its URL begins with https."""
    error = ask(fake.url.replace("http:", "https:"))
    assert (error.status, error.code) == (502, "upstream_tls")


def test_a_tunnel_is_made_through_a_proxy(authority, tmp_path, open_until_the_end, monkeypatch) -> None:
    """Of the settings, or of the environment, with its name and password; the certificate is that of the upstream."""
    server = open_until_the_end.enter_context(store(authority.gives(tmp_path, "models.example"), MODELS))
    proxy = open_until_the_end.enter_context(http_proxy(server.port))
    given = {"ca_file": authority.save(tmp_path)}

    assert ask("https://models.example/v1", proxy=proxy.url, **given) == json.loads(MODELS)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:p%40ss@"))
    monkeypatch.setenv("NO_PROXY", "other.example")
    assert ask("https://models.example/v1", **given) == json.loads(MODELS)

    assert proxy.asked == ["CONNECT models.example:443 HTTP/1.1"] * 2
    assert proxy.logins == ["user:p@ss"]


def test_requests_without_tls_are_forwarded_by_a_proxy(open_until_the_end, fake, monkeypatch) -> None:
    """It is told the whole URL; what is for the proxy stays there."""
    fake.answers({"data": []})
    proxy = open_until_the_end.enter_context(http_proxy(int(fake.url.rpartition(":")[2].partition("/")[0])))
    monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://user:pass@"))

    assert ask("http://models.example/v1") == {"data": []}

    assert proxy.asked == ["GET http://models.example/v1/models HTTP/1.1"]
    assert (proxy.logins, fake.asked[0].headers["host"]) == (["user:pass"], "models.example")


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (True, "the proxy before the upstream cannot be reached"),
        (False, "the proxy before the upstream refused the connection with 407"),
    ],
)
def test_a_proxy_is_named_as_the_cause(authority, tmp_path, open_until_the_end, caplog, gone, told) -> None:
    """Where it is away, or does not let us through."""
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        proxy = open_until_the_end.enter_context(http_proxy(unused.getsockname()[1]))
        proxy.refuses = b"HTTP/1.1 407 Login\r\ncontent-length: 0\r\n\r\n"
        url = "http://127.0.0.1:1" if gone else proxy.url

        error = ask("https://models.example/v1", proxy=url)

    assert (error.status, error.code, str(error)) == (502, "upstream_unreachable", told)
    assert "HTTPS_PROXY" in caplog.text
