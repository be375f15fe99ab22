"""A stream while it is held: comments to the client, and what happens when it does not wait."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest


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
    from guardrails.proxy import answer

    def broken(answer, leaves):
        raise ValueError("a private text")

    monkeypatch.setattr(answer.subject, "body", broken)
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
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        assert fake.arrived.wait(kit.wait_s)
        if begins:
            assert client.recv(100)

    assert fake.dropped.wait(kit.wait_s)
    assert kit.send(url, "/healthz").status == 200
