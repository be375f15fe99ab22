"""Connections: what is refused before it is a request, and that one cannot be read in two ways."""

from __future__ import annotations

import json
import re
import socket
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import urlsplit

import pytest
import uvicorn
from uvicorn.server import ServerState

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server import http
from guardrails.proxy.server.connections import CONNECTIONS, Connections, Limits
from guardrails.proxy.server.http import JOINED, MOST_UNREAD
from guardrails.proxy.server.serve import SERVER, running
from tests.cases import each_case

HOST = b"host: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
CHUNKED = b"POST /v1/check HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n"
BODY = b'{"text": "fine"}'
CHECK = b"POST /v1/check HTTP/1.1\r\n" + HOST + b"content-length: %d\r\n" % len(BODY)
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Write a chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def connected(url: str) -> socket.socket:
    """Return a connection."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def said(connection: socket.socket) -> bytes:
    """Return all that a server says until it closes."""
    out = b""
    try:
        while piece := connection.recv(1 << 16):
            out += piece
    except ConnectionResetError:  # it closed while we were still sending
        pass
    return out


def statuses(url: str, *pieces: bytes) -> list[int]:
    """Send pieces, then a request after which the server closes; return the statuses of its answers."""
    with connected(url) as connection:
        try:
            for piece in (*pieces, GET + b"connection: close\r\n\r\n"):
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", said(connection))]


@each_case(
    "request_",
    [
        GET + b"\r\n",
        CHECK + b"\r\n" + BODY,
        CHUNKED + chunk(BODY[:5]) + chunk(BODY[5:]) + END,
        CHECK + b"expect: 100-continue\r\n\r\n" + BODY,
        GET + b"x-long: " + b"a" * (MOST_UNREAD // 2) + b"\r\n\r\n",
    ],
)
def test_a_request_is_answered_however_it_is_cut(proxy, request_: bytes) -> None:
    """Whole, or in two pieces; the connection stays open for the next."""
    assert statuses(proxy, request_)[-2:] == [200, 200]
    for at in (1, 30, len(request_) // 2, len(request_) - 1):
        assert statuses(proxy, request_[:at], request_[at:])[-2:] == [200, 200]


def test_requests_that_are_sent_together_are_answered_in_order(proxy) -> None:
    """One after the other."""
    assert statuses(proxy, (GET + b"\r\n") * 3 + CHECK + b"\r\n" + BODY) == [200] * 5


@each_case(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        GET + HOST + b"\r\n",
        GET + b"x\x00: y\r\n\r\n",
        GET + b"no colon\r\n\r\n",
        GET + b"x : y\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
        CHECK + b"content-length: 3\r\n\r\n" + BODY,
        CHECK + b"transfer-encoding: chunked\r\n\r\n" + chunk(BODY) + END,
        b"POST /v1/check HTTP/1.1\r\n" + HOST + b"content-length: -1\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip\r\n\r\n",
        CHUNKED + b"zz\r\n",
        b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        CHUNKED + b"5 \r\nabcde\r\n" + END,
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(proxy, request_: bytes) -> None:
    """With 400, and the connection is closed: two parsers must never read two requests."""
    assert statuses(proxy, request_) == [400]


@each_case(
    ("begin", "more"),
    [
        (b"GET /", b"a"),
        (GET + b"x-long: ", b"a"),
        (GET, b"x: y\r\n"),
        (CHUNKED, b"0"),
        (CHUNKED + b"1;", b"x"),
        (CHUNKED + chunk(BODY) + b"0\r\n", b"x: y\r\n"),
        (CHUNKED + chunk(BODY) + b"0\r\nx-long: ", b"a"),
    ],
)
def test_what_has_no_end_is_refused(proxy, begin: bytes, more: bytes) -> None:
    """A head, the length of a chunk, or a trailer that goes on and on is not kept in memory."""
    pieces = [more * (MOST_UNREAD // len(more))] * 64  # more than one read takes
    assert statuses(proxy, begin, *pieces) == [400]


def test_a_body_may_come_in_many_pieces(proxy) -> None:
    """What brings a request nearer is limited by the limit of bodies alone."""
    text = json.dumps({"text": "word " * MOST_UNREAD}).encode()
    pieces = [chunk(text[at : at + 4_096]) for at in range(0, len(text), 4_096)]
    assert statuses(proxy, CHUNKED, *pieces, END) == [200, 200]


def test_what_follows_a_body_is_no_header(proxy, fake, kit) -> None:
    """A trailer does not become part of the request, which is under way by then."""
    fake.answers(kit.completion("fine"))
    body = json.dumps(kit.asking("hi")).encode()
    head = CHUNKED.replace(b"/v1/check", b"/v1/chat/completions")
    assert statuses(proxy, head + chunk(body) + b"0\r\nauthorization: Bearer late\r\n\r\n") == [200, 200]
    assert "authorization" not in fake.asked[0].headers


@each_case("wanted", [b"h2c", b"websocket"])
def test_no_other_protocol_is_spoken(proxy, wanted: bytes) -> None:
    """Who asks for one (Java's client does for HTTP/2) is served in this one, with all that follows."""
    asked = b"connection: upgrade\r\nupgrade: " + wanted + b"\r\n"
    assert statuses(proxy, (GET + asked + b"\r\n") * 2 + CHECK + asked + b"\r\n" + BODY) == [200] * 4
    assert statuses(proxy, CHECK + asked + b"\r\n" + BODY, GET + b"\r\n") == [200] * 3


def test_nonsense_behind_a_request_does_not_end_up_in_its_answer(proxy, fake, kit) -> None:
    """The connection is closed; the upstream's answer is given up."""
    fake.streams(*kit.pieces("an answer that is under way "), hang=True, done=False)
    body = json.dumps({**kit.asking("hi"), "stream": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\n" + HOST + b"content-length: %d\r\n\r\n" % len(body)
    with connected(proxy) as connection:
        connection.sendall(head + body)
        begun = connection.recv(1 << 16)
        connection.sendall(b"nonsense\r\n\r\n")
        rest = said(connection)
    assert begun.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1" not in rest
    assert fake.dropped.wait(kit.wait_s)


def test_who_goes_away_is_not_waited_for_although_more_was_asked(proxy, fake, kit) -> None:
    """The request that is served is given up, also where another waits behind it."""
    fake.answers(b"", hang=True)
    fake.reply.pieces = []
    body = json.dumps(kit.asking("hi")).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\n" + HOST + b"content-length: %d\r\n\r\n" % len(body)
    with connected(proxy) as connection:
        connection.sendall((head + body) * 2)
        assert fake.arrived.wait(kit.wait_s)
    assert fake.dropped.wait(kit.wait_s)


def test_connections_send_at_once(fake, kit, policy_guard, monkeypatch) -> None:
    """A piece of a stream does not wait for the client to confirm the one before."""
    options = []
    original = http.Http.connection_made

    def made(self, transport) -> None:
        original(self, transport)
        options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(http.Http, "connection_made", made)
    with running(Settings(fake.url, port=0), policy_guard) as url:
        kit.send(url, "/healthz")

    assert options
    assert all(options)


class Clock:
    """A loop whose time is told: what is due happens when time passes it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[tuple[float, Any]] = []

    def time(self) -> float:
        """Return the time."""
        return self.now

    def call_at(self, when: float, call: Any) -> Any:
        """Set a timer."""
        entry = (when, call)
        self.calls.append(entry)
        return SimpleNamespace(cancel=lambda: entry in self.calls and self.calls.remove(entry))

    def call_later(self, seconds: float, call: Any) -> Any:
        """Set a timer that counts from now."""
        return self.call_at(self.now + seconds, call)

    def create_task(self, work: Any) -> Any:
        """Leave work undone."""
        work.close()
        return MagicMock()

    def until(self, now: float) -> None:
        """Let time pass."""
        while due := [entry for entry in self.calls if entry[0] <= now]:
            entry = min(due, key=lambda each: each[0])
            self.calls.remove(entry)
            self.now = max(self.now, entry[0])
            entry[1]()
        self.now = now


class Timed:
    """A connection on a clock, of which is known when it was closed for slowness, and why."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.closed: list[tuple[str, float]] = []
        self.transport = MagicMock()
        self.transport.is_closing.side_effect = lambda: self.transport.close.called
        found = Connections(Limits(**limits), lambda why: self.closed.append((why, self.clock.now)))
        config = uvicorn.Config(lambda scope: None, **SERVER)
        self.http = http.Http(config, ServerState(), {CONNECTIONS: found}, self.clock)
        self.http.connection_made(self.transport)

    def serves(self) -> None:
        """Take what came of a body, and answer the request that is served once it is there."""
        served = self.http._served
        if served is not None and not served.response_complete:
            served.body.clear()
            self.http.flow.resume_reading()
            if not served.more_body:
                served.response_complete = True
                served.on_response()

    def plays(self, *steps: tuple[float, bytes]) -> list[tuple[str, float]]:
        """Let bytes come at their times, then much time pass; return what became of it."""
        for at, data in steps:
            self.clock.until(at)
            if self.closed:
                break
            self.http.data_received(data)
            self.serves()
        self.clock.until(self.clock.now + 1_000)
        return self.closed


POST = b"POST /v1/check HTTP/1.1\r\n" + HOST + b"content-length: %d\r\n\r\n"
SLOW_LINK = 125_000
"""Bytes in a second of a link of 1 Mbit/s."""


def steady(size: int, rate: float, step_s: float = 1.0) -> list[tuple[float, bytes]]:
    """Return a request whose body comes at a steady rate."""
    piece, at, steps = int(rate * step_s), 0.0, [(0.0, POST % size)]
    while size > 0:
        at += step_s
        steps.append((at, b"x" * min(piece, size)))
        size -= piece
    return steps


@each_case(
    ("steps", "closed"),
    [
        ([(0, GET + b"\r\n")], []),
        ([], [("slow_head", 10)]),
        ([(9, GET)], [("slow_head", 10)]),
        ([(9, GET), (9.9, b"\r\n"), (50, GET), (59.9, b"\r\n")], []),
        ([(1, GET + b"\r\n"), (50, GET), (55, b"x: y\r\n")], [("slow_head", 60)]),
        ([(1, GET + b"\r\n"), (50, b"\r\n"), (55, b"\r\n")], [("slow_head", 60)]),
        (steady(52_428_800, SLOW_LINK), []),
        (steady(100_000, 1_010), []),
        ([(0, POST % 60), *((at, b"x") for at in range(1, 61))], [("slow_body", 30.03)]),
        ([(0, POST % 2_000_000), (1, b"x" * 1_000_000)], [("slow_body", 31)]),
        ([(0, POST % 2_000_000), (1, b"x" * 1_000_000), (30, b"x" * 1_000_000)], []),
        ([(0, CHUNKED), *((at, chunk(b"x")) for at in range(1, 61))], [("slow_body", 30.03)]),
        ([(0, CHUNKED + chunk(b"x") + b"0\r\n"), *((at, b"x: y\r\n") for at in range(1, 61))], [("slow_body", 30)]),
    ],
)  # fmt: skip
def test_how_long_a_request_may_take(
    steps: list[tuple[float, bytes]], closed: list[tuple[str, float]]
) -> None:
    """A head ten seconds, a body as long as it keeps ahead of the least rate: 50 MB over a slow link are no trouble, a byte a second
    is, and so is one that stops, however fast it was before.
    """
    found = Timed().plays(*steps)

    assert [why for why, _ in found] == [why for why, _ in closed]
    assert [at for _, at in found] == pytest.approx([at for _, at in closed], abs=0.1)


@each_case("begun", [GET, POST % 9 + b"x"])
def test_who_waits_for_us_is_not_slow(begun: bytes) -> None:
    """While an earlier request of the connection is served, and its later ones are not read, they have time; then as any."""
    timed = Timed()
    timed.http.data_received(GET + b"\r\n" + begun)
    timed.clock.until(500)
    assert timed.closed == []

    timed.serves()
    timed.clock.until(509)
    assert timed.closed == []
    timed.clock.until(540)
    assert [why for why, _ in timed.closed] == ["slow_body" if begun != GET else "slow_head"]


def test_nothing_is_watched_on_a_connection_that_is_gone() -> None:
    """Nor is it counted any more."""
    timed = Timed()
    timed.http.data_received(GET)
    timed.http.connection_lost(None)

    assert timed.clock.calls == []
    assert timed.http._connections.open == 0
    assert timed.plays() == []


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Recorded:
    """A transport and a loop that note what is written, and when others of the loop had their turn (`None`)."""

    def __init__(self) -> None:
        self.out: list[bytes | None] = []
        self.calls: list[Any] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        """Note it."""
        assert not self.closed
        self.out.append(bytes(data))

    def close(self) -> None:
        """Take nothing more."""
        self.closed = True

    def is_closing(self) -> bool:
        """Tell whether it takes nothing more."""
        return self.closed

    def call_soon(self, call: Any) -> None:
        """Keep it."""
        self.calls.append(call)

    def turn(self) -> None:
        """Let others have their turn."""
        self.out.append(None)
        calls, self.calls = self.calls, []
        for call in calls:
            call()


@each_case(
    ("steps", "out"),
    [
        ((HEAD, b"body"), [HEAD + b"body"]),
        ((HEAD, b"body", "turn"), [HEAD + b"body", None]),
        ((HEAD, b""), [HEAD]),
        ((HEAD, "turn"), [None, HEAD]),
        ((HEAD, "turn", b"event", b"event"), [None, HEAD, b"event", b"event"]),
        ((HEAD, b"event", b"event"), [HEAD + b"event", b"event"]),
        ((HEAD, b"x" * JOINED), [HEAD + b"x" * JOINED]),
        ((HEAD, b"x" * (JOINED + 1)), [HEAD, b"x" * (JOINED + 1)]),
        ((HEAD, "flush", b"body"), [HEAD, b"body"]),
        ((HEAD, "close", "turn"), [HEAD, None]),
        ((HEAD, "gone", "turn"), [None]),
    ],
)
def test_a_head_goes_out_with_what_follows_at_once(
    steps: tuple[bytes | str, ...], out: list[bytes | None]
) -> None:
    """It waits for nothing else; a large body is not copied for it, and nothing is written to a connection that was closed."""
    transport = Recorded()
    writer = http.AnswerWriter(transport, transport)  # type: ignore[arg-type] # what it uses of both
    acts = {"turn": transport.turn, "flush": writer.flush, "close": writer.close, "gone": transport.close}

    for step in steps:
        writer.write(step) if isinstance(step, bytes) else acts[step]()

    assert transport.out == out


def test_an_answer_is_one_write(proxy) -> None:
    """Its client reads all of it at once, and one to HEAD, which has no body, before the next."""
    with connected(proxy) as connection:
        connection.sendall(GET + b"\r\n")
        assert connection.recv(1 << 16).endswith(b"}")
        connection.sendall(GET.replace(b"GET", b"HEAD") + b"\r\n" + GET + b"connection: close\r\n\r\n")
        heads = said(connection).split(b"HTTP/1.1 ")

    assert [each[:3] for each in heads] == [b"", b"200", b"200"]
    assert [each.endswith(b"}") for each in heads] == [False, False, True]
