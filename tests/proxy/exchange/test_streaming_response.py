"""A stream that is sent as it is judged: signs of life meanwhile, failures on the way, and a client that does not wait."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import ClientDisconnect

from guardrails import Action, Stage, Verdict
from guardrails.errors import BackendError
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.errors import Problem
from guardrails.protocols.protocol import EventStream, write_error_event
from guardrails.protocols.streaming.codec import dump_events
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.exchange.streaming_response import StreamingAnswer, StreamPiece
from guardrails.types import FiredRule, PolicyRef
from tests.cases import each_case


@contextmanager
def begun(url: str, body) -> Iterator[http.client.HTTPResponse]:
    """Send a streaming request; yields the answer as soon as its headers are there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


@pytest.fixture
def slow(serve) -> str:
    """A proxy that sends comments at once."""
    return serve(keep_alive_s=0.02)


def test_a_client_hears_that_it_is_not_forgotten(slow, fake, kit) -> None:
    """Comments come while the upstream thinks; the answer after them is whole, and says what the check found."""
    fake.streams(*kit.pieces("a zqxmask"), gate=threading.Event())

    with begun(slow, kit.asking("a zqxflag", stream=True)) as response:
        assert response.headers["x-guardrails-action"] == "flag"
        assert [response.readline(), response.readline()] == [b": keep-alive\n", b"\n"]
        fake.reply.gate.set()
        rest = response.read()

    assert b"x-guardrails-action: redact; x-guardrails-rules: flag.flag,mask.redact" in rest
    assert b"[MASK]" in rest
    assert b"zqxmask" not in rest
    assert rest.endswith(b"data: [DONE]\n\n")


def test_openais_client_skips_the_comments(slow, fake, kit) -> None:
    """The real SDK reads a stream that began with comments."""
    import openai

    gate = threading.Event()
    fake.streams(*kit.pieces("hello"), gate=gate)

    with openai.OpenAI(base_url=f"{slow}/v1", api_key="k", max_retries=0) as client:
        stream = client.chat.completions.create(**kit.asking("hi", stream=True))
        gate.set()
        assert "".join(part.choices[0].delta.content or "" for part in stream) == "hello"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({"status": 429}, "slow_down"),
        ({"garbage": b"garbage\r\n\r\n"}, "upstream_invalid"),
        ({"cut": True}, "upstream_invalid"),
    ],
)
def test_a_failure_after_the_start_is_an_error_event(slow, fake, kit, reply, code) -> None:
    """The status is spent; the error comes as an event, in the same shape, and nothing else."""
    fake.answers(
        {"error": {"message": "m", "type": "t", "param": None, "code": "slow_down"}},
        gate=threading.Event(),
        **reply,
    )

    with begun(slow, kit.asking("hi", stream=True)) as response:
        assert response.readline() == b": keep-alive\n"
        fake.reply.gate.set()
        data = [line for line in response.read().splitlines() if line.startswith(b"data: ")]

    assert [json.loads(line[6:])["error"]["code"] for line in data] == [code]


def test_a_failure_of_ours_after_the_start_is_an_error_event(slow, fake, kit, monkeypatch, caplog) -> None:
    """The code breaks on a text: 500 in the stream, the place in the log, the text in neither."""
    from guardrails.proxy.exchange import answer

    def broken(answer, tree):
        raise ValueError("a private text")

    monkeypatch.setattr(answer.Call, "read", broken)
    fake.streams(*kit.pieces("private"), gate=threading.Event())

    with begun(slow, kit.asking("hi", stream=True)) as response:
        assert response.readline() == b": keep-alive\n"
        fake.reply.gate.set()
        rest = response.read()

    assert b'"code":"internal_error"' in rest
    assert b"private" not in rest
    assert "ValueError" in caplog.text
    assert "private" not in caplog.text


@pytest.mark.parametrize("begins", [True, False])
def test_a_client_that_leaves_cancels_the_upstream(slow, serve, fake, kit, begins) -> None:
    """Whether the upstream has begun to answer or not, whether comments were sent or not."""
    fake.streams(*([kit.chunk({"content": "a"})] if begins else []), done=False, hang=True)
    url = slow if begins else serve()
    parts = urlsplit(url)
    body = json.dumps(kit.asking("hi", stream=True)).encode()
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        assert fake.arrived.wait(kit.wait_s)
        if begins:
            assert client.recv(100)

    assert fake.dropped.wait(kit.wait_s)
    assert kit.send(url, "/healthz").status == 200


POLICY = PolicyRef("p", "1", "sha256:0")


class Client:
    """What a server makes of the messages of a response; `leaves` is set when the client goes away, `waited` when it
    has had three signs of life.
    """

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.tree, self.waited = asyncio.Event(), asyncio.Event()

    async def send(self, message: Any) -> None:
        """Take a message."""
        self.sent.append(message)
        if self.body.count(CHATS.framing.keep_alive) == 3:
            self.waited.set()

    async def receive(self) -> dict[str, Any]:
        """Wait until the client goes away."""
        await self.tree.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        """All that was sent behind the start."""
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the start."""
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}


CHATS = Endpoint(CHAT)


def fail(problem: Problem) -> bytes:
    """Write a failure as an event."""
    return dump_events(write_error_event(problem, None))


def answered(
    work: Callable[[Client, Report], AsyncIterator[StreamPiece]], every_s: float = 60.0
) -> tuple[Client, Report]:
    """Serve what a work yields to a client, to its end."""
    report = Report(POLICY)

    async def serve() -> Client:
        client = Client()
        live = StreamingAnswer(
            lambda: work(client, report), CHATS, report, fail, every_s, "/v1/chat/completions"
        )
        await live({"type": "http"}, client.receive, client.send)
        return client

    return asyncio.run(asyncio.wait_for(serve(), 20)), report


def flagged(rule: str) -> Verdict:
    """Return a verdict by which a rule fired."""
    return Verdict("vd_1", Action.FLAG, Stage.OUTPUT, POLICY, None, rules=(FiredRule(rule, Action.FLAG),))


def test_pieces_are_sent_as_they_come() -> None:
    """The answer starts with the first of them, with its headers and those of the checks so far."""

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        assert client.sent == []
        report.add(flagged("first"))
        yield StreamPiece(b"data: 1\n\n", {"x-more": "y"})
        assert [message["type"] for message in client.sent] == ["http.response.start", "http.response.body"]
        yield StreamPiece(b"data: 2\n\n")
        assert client.sent[-1]["body"] == b"data: 2\n\n"

    client, _ = answered(work)
    assert client.sent[0]["status"] == 200
    assert (
        client.headers.items()
        >= {**EventStream.headers, "x-more": "y", "x-guardrails-rules": "first"}.items()
    )
    assert client.body == b"data: 1\n\ndata: 2\n\n"
    assert [message.get("more_body") for message in client.sent] == [None, True, True, False]


def test_what_is_found_later_stands_in_a_comment() -> None:
    """Once, before the events that come with it."""

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        yield StreamPiece(b"data: 1\n\n")
        report.add(flagged("later"))
        yield StreamPiece(b"data: 2\n\n")
        yield StreamPiece(b"data: 3\n\n")

    client, _ = answered(work)
    parts = client.body.split(b"\n\n")
    assert [part[:7] for part in parts] == [b"data: 1", b": x-gua", b"data: 2", b"data: 3", b""]
    assert b"x-guardrails-rules: later" in parts[1]


def test_nothing_at_all_is_an_empty_answer() -> None:
    """Its end is sent whatever the work does."""

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        for piece in list[StreamPiece]():
            yield piece

    client, _ = answered(work)
    assert client.sent[0]["type"] == "http.response.start"
    assert (client.sent[0]["status"], client.body) == (200, b"")


@each_case("begun", [True, False])
def test_signs_of_life_come_while_nothing_else_does(begun: bool) -> None:
    """Before the first piece as well: then the answer starts with one."""

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        if begun:
            yield StreamPiece(b"data: 1\n\n")
        await client.waited.wait()
        yield StreamPiece(b"data: 2\n\n")

    client, _ = answered(work, every_s=0.01)
    assert client.body.endswith(b"data: 2\n\n")
    assert client.body.startswith(b"data: 1\n\n" if begun else CHATS.framing.keep_alive)


def test_a_failure_before_the_start_has_its_status() -> None:
    """Nothing was sent yet."""

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        raise BackendError("it broke", 502, "upstream_invalid")
        yield StreamPiece(b"")

    client, _ = answered(work)
    assert client.sent[0]["status"] == 502
    assert json.loads(client.body)["error"]["code"] == "upstream_invalid"
    assert "x-guardrails-policy" in client.headers


@each_case(
    ("error", "code"), [(BackendError("it broke", 502, "upstream_invalid"), b"upstream_invalid"), (ValueError("a private text"), b"internal_error")]
)  # fmt: skip
def test_a_failure_on_the_way_is_the_last_event(
    error: Exception, code: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One of ours says nothing of the text, here or in the log."""

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        yield StreamPiece(b"data: 1\n\n")
        raise error

    client, _ = answered(work)
    assert client.body.startswith(b"data: 1\n\n")
    assert code in client.body
    assert b"private" not in client.body
    assert "private" not in caplog.text
    assert client.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_a_failure_of_ours_before_the_start_is_the_servers() -> None:
    """It answers 500 itself, and logs what it was."""

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        raise ValueError("it broke")
        yield StreamPiece(b"")

    with pytest.raises(ValueError, match="broke"):
        answered(work)


@each_case("begun", [True, False])
def test_a_client_that_goes_ends_the_work(begun: bool) -> None:
    """What it holds is let go before anything else happens."""
    ended: list[bool] = []

    async def work(client: Client, report: Report) -> AsyncIterator[StreamPiece]:
        try:
            if begun:
                yield StreamPiece(b"data: 1\n\n")
            client.tree.set()
            await asyncio.Event().wait()
            yield StreamPiece(b"data: never\n\n")
        finally:
            ended.append(True)

    with pytest.raises(ClientDisconnect):
        answered(work)
    assert ended == [True]


def test_no_more_is_asked_of_the_upstream_than_the_client_takes(serve, fake, kit) -> None:
    """A client that reads nothing stops the upstream after some buffers, and is let go in the end; the upstream sees that."""
    piece = "data: " + json.dumps(kit.chunk({"content": "harmless words and so on. " * 400})) + "\n\n"
    endless = itertools.repeat(piece.encode(), 20_000)  # 200 MB
    written = itertools.count()
    fake.reply = type(fake.reply)(
        (each for each in endless if next(written) >= 0), content_type="text/event-stream", hang=True
    )
    url = urlsplit(serve(idle_s=0.5, keep_alive_s=0.05, max_answer_bytes=1 << 30))
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=20) as client:
        body = json.dumps(kit.asking("hi", stream=True)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        assert fake.dropped.wait(kit.wait_s)
    assert next(written) < 5_000
