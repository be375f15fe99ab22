"""Probes on a port of their own."""

from __future__ import annotations

import socket

import pytest
from starlette.responses import Response

from guardrails.proxy.server.listening import probe_listener
from guardrails.proxy.server.listening.probe_listener import LONGEST_HEAD, MOST_OPEN, ProbeListener
from tests.proxy.conftest import WAIT_S

GET = b"GET /healthz?x HTTP/1.1\r\nHost: guard\r\n\r\n"


@pytest.fixture
def listener():
    """Yield a listener that answers with what it was asked."""

    def answer(scope) -> Response:
        return Response(f"{scope['method']} {scope['path']} {scope['headers']}", media_type="text/plain")

    with socket.create_server(("127.0.0.1", 0)) as listening, ProbeListener(listening, answer) as running:
        yield running


def connect(listener: ProbeListener) -> socket.socket:
    """Return a connection to a listener."""
    return socket.create_connection(("127.0.0.1", listener.port), timeout=WAIT_S)


def read(connection: socket.socket) -> bytes:
    """Return what is said until the connection is closed."""
    out = b""
    try:
        while piece := connection.recv(1 << 16):
            out += piece
    except ConnectionResetError:
        pass
    return out


def ask(listener: ProbeListener, head: bytes) -> bytes:
    """Return the answer to the head of a request."""
    with connect(listener) as connection:
        connection.sendall(head)
        return read(connection)


@pytest.mark.parametrize(
    ("head", "status", "body"),
    [
        (GET, b"200 OK", b"GET /healthz [(b'host', b'guard')]"),
        (b"HEAD / HTTP/1.0\r\n\r\n", b"200 OK", b""),
        (b"POST / HTTP/1.1\r\n\r\n", b"405 Method Not Allowed", b"Probes are asked by GET."),
        (b"nonsense\r\n\r\n", b"400 Bad Request", b"This is no request."),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400 Bad Request", b"This is no request."),
        (b"\r\n\r\n", b"400 Bad Request", b"This is no request."),
        (b"\xff\x00 \xfe HTTP/1.1\r\n\r\n", b"405 Method Not Allowed", b"Probes are asked by GET."),
    ],
)
def test_each_head_is_answered_once(listener, head, status, body) -> None:
    """Then the connection is closed."""
    told = ask(listener, head)

    assert told.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert b"\r\nconnection: close\r\n" in told
    assert told.endswith(b"\r\n\r\n" + body)


def test_a_head_without_end_is_not_read(listener) -> None:
    """Neither in one piece nor byte by byte; others are answered."""
    assert ask(listener, b"GET / HTTP/1.1\r\nx: " + b"a" * 2 * LONGEST_HEAD + b"\r\n\r\n") == b""
    assert ask(listener, GET).startswith(b"HTTP/1.1 200")


def test_a_slow_head_is_closed(listener, monkeypatch) -> None:
    """After a while."""
    monkeypatch.setattr(probe_listener, "PATIENCE_S", 0.01)

    assert ask(listener, b"GET /healthz HTTP/1.1\r\n") == b""


def test_whoever_asks_at_once_is_answered(listener) -> None:
    """However many others hold connections open: the oldest of these are closed."""
    held = [connect(listener) for _ in range(3 * MOST_OPEN)]

    assert ask(listener, GET).startswith(b"HTTP/1.1 200")
    assert read(held[0]) == b""
    for connection in held:
        connection.close()
