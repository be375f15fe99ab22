"""How many connections there are, and what becomes of clients that are slow."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import socket
import time
from functools import partial
from urllib.parse import urlsplit

import pytest

from guardrails.errors import GuardrailsError
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.server import connections
from guardrails.proxy.server.connections import (
    ClientPresence,
    Connections,
    Limits,
    check_descriptors,
    limit_to_descriptors,
    network_of,
    raise_descriptors,
)
from tests.cases import each_case
from tests.proxy import metrics_kit
from tests.proxy.conftest import WAIT_S

HEAD = b"POST /v1/check HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"


def connected(url: str, source: str = "127.0.0.1") -> socket.socket:
    """Return a connection from an address of this machine."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=WAIT_S, source_address=(source, 0))


def said(connection: socket.socket) -> bytes:
    """Return what a server says until it closes."""
    out = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            out += piece
    return out


def dripped(connection: socket.socket, drop: bytes) -> bytes:
    """Send a drop again and again until the server closes, and return what it said."""
    out = b""
    connection.settimeout(0.02)
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            connection.sendall(drop)
            if not (piece := connection.recv(1 << 16)):
                return out
            out += piece
        except TimeoutError:
            continue
        except OSError:
            return out
    raise AssertionError("the server never closed")


def counted(url: str, kit, name: str, **labels: str) -> float:
    """Return a number of the server's."""
    return metrics_kit.counted(kit.send(url, "/metrics").raw, name, **labels)


CLOSED = "guardrails_connections_closed_total"


def test_connections_are_counted_by_address() -> None:
    """All together and those of each; who leaves makes room, and what is refused is counted by reason."""
    closed: list[str] = []
    all_ = Connections(Limits(max_connections=3, max_connections_per_address=2), closed.append)

    assert [all_.enter("10.0.0.1") for _ in range(3)] == [True, True, False]
    assert [all_.enter("10.0.0.2"), all_.enter("10.0.0.3")] == [True, False]
    assert (all_.open, closed) == (3, ["too_many_of_address", "too_many"])
    all_.leave("10.0.0.1")
    assert all_.enter("10.0.0.3")


def test_one_address_never_has_all_by_default() -> None:
    """A quarter is left for others, such as probes."""
    all_ = Connections(Limits(max_connections=8))

    assert [all_.enter("a") for _ in range(8)] == [True] * 6 + [False] * 2
    assert all_.enter("b")


@each_case(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "10.0.0.1", False),
    ],
)
def test_a_client_is_an_address_or_a_network_of_its_own(one: str, other: str, same: bool) -> None:
    """Who has a network of IPv6 cannot pass for many."""
    assert (network_of(one) == network_of(other)) is same


@each_case(
    ("soft", "wanted", "most"),
    [
        (1_024, 4_096, 448),
        (1_024, 100, 100),
        (20_000, 4_096, 4_096),
        (64, 4_096, 1),
        (resource.RLIM_INFINITY, 4_096, 4_096),
    ],
)
def test_connections_leave_files_for_the_rest(monkeypatch, soft: int, wanted: int, most: int) -> None:
    """Half of what the process may open: each request that is served needs a connection to the upstream, too."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, resource.RLIM_INFINITY))

    assert limit_to_descriptors(wanted) == most


@each_case(
    ("soft", "hard", "raised"),
    [
        (1_024, 65_536, (8_320, 65_536)),
        (1_024, 4_096, (4_096, 4_096)),
        (1_024, resource.RLIM_INFINITY, (8_320, resource.RLIM_INFINITY)),
        (20_000, 65_536, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_the_command_may_open_what_it_needs(monkeypatch, soft: int, hard: int, raised: object) -> None:
    """As far as the system lets it; it never lowers the limit."""
    set_: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: set_.append(limits))

    raise_descriptors(connections.MOST)

    assert set_ == ([] if raised is None else [raised])


@each_case(
    ("soft", "wanted", "said"),
    [
        (64, 4_096, "may open 64 files, of which 64 are needed besides connections: too few to serve 16"),
        (159, 4_096, "may open 159 files"),
        (64, 2, "too few to serve 2 connections at a time: raise the limit to 132 (ulimit -n, "),
    ],
)
def test_a_process_that_could_serve_hardly_anybody_does_not_start(
    monkeypatch, soft: int, wanted: int, said: str
) -> None:
    """The error has what there is, what is needed and how to get it."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, soft))

    with pytest.raises(GuardrailsError, match=re.escape(said)):
        check_descriptors(wanted)


@each_case(
    ("soft", "wanted", "said"),
    [
        (160, 4_096, ["16 connections at a time, not 4096, as this process may open 160 files: raise the limit to 8320"]),
        (132, 2, []),
        (8_320, 4_096, []),
        (resource.RLIM_INFINITY, 4_096, []),
    ],
)  # fmt: skip
def test_fewer_connections_than_wanted_are_said(
    monkeypatch, caplog, soft: int, wanted: int, said: list[str]
) -> None:
    """Once, by the process that starts the server, and with how to have more."""
    caplog.clear()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, soft))
    check_descriptors(wanted)
    assert [message.partition(" (")[0] for message in caplog.messages] == said


def test_who_sends_slowly_takes_nobodys_place(serve, kit) -> None:
    """Many more than are served at a time have begun a request: all others are served as ever, and so are they once it is there."""
    url, body = serve(max_concurrent=2), json.dumps({"text": "fine"}).encode()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(url)) for _ in range(12)]
        for each in slow:
            each.sendall(HEAD.replace(b"99", b"%d" % len(body)) + body[:1])

        assert [kit.chat(url, kit.asking("hi")).status for _ in range(4)] == [200] * 4
        assert counted(url, kit, "guardrails_in_flight") == 0
        assert counted(url, kit, "guardrails_connections") >= 12
        slow[0].sendall(body[1:])
        assert slow[0].recv(1 << 16).startswith(b"HTTP/1.1 200 ")


@each_case(
    ("begin", "told"),
    [
        (b"", b""),
        (b"GET /healthz HTTP/1.1\r\nhost: local", b"HTTP/1.1 408 "),
        (HEAD[:-2], b"HTTP/1.1 408 "),
        (GET + b"GET /heal", b"HTTP/1.1 408 "),
        (b"\r\n", b"HTTP/1.1 408 "),
    ],
)
def test_half_a_head_is_not_waited_for(serve, kit, begin: bytes, told: bytes) -> None:
    """Of the first request or a later one; who says nothing at all hears nothing, as a browser that connects ahead."""
    url = serve(head_s=0.2)
    with connected(url) as slow:
        slow.sendall(begin)
        heard = said(slow)

    *before, last = heard.split(b"HTTP/1.1 ")[1:] or [b""]
    assert (b"HTTP/1.1 " if last else b"") + last[:4] == told
    assert [each[:3] for each in before] == [b"200"] * begin.count(GET)
    assert counted(url, kit, CLOSED, reason="slow_head") == 1


@each_case("begin", [b"", GET])
@each_case("drop", [b"\r\n", b"x: y\r\n"])
def test_a_head_that_comes_in_drops_has_no_more_time(serve, kit, begin: bytes, drop: bytes) -> None:
    """Nor have empty lines before one, also on a connection that served a request before."""
    url = serve(head_s=0.2)
    with connected(url) as slow:
        slow.sendall(begin + (b"" if drop == b"\r\n" else b"GET /healthz HTTP/1.1\r\n"))
        assert dripped(slow, drop).count(b"HTTP/1.1 200 ") == bool(begin)
    assert counted(url, kit, CLOSED, reason="slow_head") == 1


@each_case("chunked", [False, True])
def test_a_body_that_comes_in_drops_is_408(serve, kit, chunked: bool) -> None:
    """Though every drop comes soon after the last."""
    url = serve(body_s=0.2, body_bytes_per_s=10_000)
    length = b"content-length: 9999"
    head = HEAD.replace(b"content-length: 99", b"transfer-encoding: chunked" if chunked else length)
    with connected(url) as slow:
        slow.sendall(head)
        heard = dripped(slow, b"1\r\n \r\n" if chunked else b" ")

    assert heard.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"too_slow"' in heard
    assert counted(url, kit, CLOSED, reason="slow_body") == 1


@each_case("path", [b"/v1/check", b"/healthz", b"/nowhere"])
def test_a_body_that_nobody_reads_is_not_taken_for_ever(serve, kit, path: bytes) -> None:
    """The request was answered before it came; what is left of it comes too slowly."""
    url = serve(body_s=0.2, body_bytes_per_s=10_000, keys=[{"id": "a", "sha256": hash_key("k")}])
    head = HEAD.replace(b"/v1/check", path).replace(b"99", b"9999")
    with connected(url) as slow:
        slow.sendall(head)
        heard = dripped(slow, b" ")

    assert heard.startswith(b"HTTP/1.1 ")
    assert heard.count(b"HTTP/1.1 ") == 1
    assert counted(url, kit, CLOSED, reason="slow_body") == 1


def test_an_address_at_its_bound_keeps_nobody_else_out(serve, kit) -> None:
    """Its further connections are refused; who comes from another address is served, probes too."""
    url = serve(max_connections_per_address=2)
    with connected(url), connected(url):
        with connected(url) as third:
            assert said(third).startswith(b"HTTP/1.1 503 ")
        for path in ("/healthz", "/readyz", "/metrics", "/v1/models"):
            with connected(url, "127.0.0.2") as other:
                other.sendall(b"GET %s HTTP/1.0\r\nhost: localhost\r\n\r\n" % path.encode())
                told = said(other)
                assert told.startswith(b"HTTP/1.1 200 ")
                if path == "/metrics":
                    assert f'{CLOSED}{{reason="too_many_of_address"}} 1'.encode() in told


def test_all_connections_have_a_bound(serve, kit) -> None:
    """What is beyond is refused, and there is room again once one is gone."""
    url = serve(max_connections=2, max_connections_per_address=2)
    with connected(url, "127.0.0.2"), connected(url, "127.0.0.3"), connected(url) as third:
        assert said(third).startswith(b"HTTP/1.1 503 ")

    end = time.monotonic() + WAIT_S
    while counted_or_none(url, kit) is None:
        assert time.monotonic() < end
    assert counted(url, kit, CLOSED, reason="too_many") >= 1


def counted_or_none(url: str, kit) -> int | None:
    """Return how many connections there are; None while there is no room for another."""
    try:
        answer = kit.send(url, "/metrics")
    except OSError:
        return None
    return len(answer.raw) if answer.status == 200 else None


def test_who_watches_a_client_is_told_once_that_it_left() -> None:
    """Each watcher, but not who watches no more; it is known afterwards."""
    presence, told = ClientPresence(), list[str]()
    watchers = [partial(told.append, name) for name in "abc"]
    for each in watchers:
        presence.watch(each)
    presence.unwatch(watchers[1])
    presence.unwatch(watchers[1])
    assert (presence.has_left, told) == (False, [])

    presence.end()
    presence.end()

    assert (presence.has_left, told) == (True, ["a", "c"])
