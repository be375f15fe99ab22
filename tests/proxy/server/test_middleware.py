"""Around every route: shedding, unforeseen failures, ids, and what is counted."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

from guardrails.proxy.routes import check
from guardrails.proxy.server.middleware import is_piece, is_streamed
from tests.cases import each_case
from tests.proxy.metrics_kit import counted


def test_overload_is_answered_503(serve, fake, kit) -> None:
    """At the limit further requests are told to come back, and probes still answer; afterwards all is well."""
    url = serve(max_concurrent=1)
    gate = threading.Event()
    fake.answers(kit.completion("x"), gate=gate)
    first = threading.Thread(target=lambda: kit.chat(url, kit.asking("hi")))
    first.start()
    assert fake.arrived.wait(kit.wait_s)

    shed = kit.chat(url, kit.asking("hi"))
    probes = [kit.send(url, path).status for path in ("/healthz", "/readyz", "/metrics")]
    gate.set()
    first.join(kit.wait_s)

    assert (shed.status, shed.error["code"], shed.error["type"]) == (503, "guard_unavailable", "server_error")
    assert int(shed.headers["retry-after"]) >= 1
    assert probes == [200, 200, 200]
    assert kit.chat(url, kit.asking("hi")).status == 200
    assert "guardrails_shed_total 1" in kit.send(url, "/metrics").raw.decode()


@each_case("path", ["/v1/chat/completions", "/v1/check", "/v1/moderations", "/nowhere"])
def test_a_request_counts_once_its_body_is_there(serve, fake, kit, path) -> None:
    """Until then it takes no place; when it is there and all places are taken it is told to come back, and so is one with a head
    alone, of which no more is read then.
    """
    url = serve(max_concurrent=1)
    gate = threading.Event()
    fake.answers(kit.completion("x"), gate=gate)
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n".encode()
    place = (urlsplit(url).hostname, urlsplit(url).port)
    first = threading.Thread(target=lambda: kit.chat(url, kit.asking("hi")))
    with (
        socket.create_connection(place, kit.wait_s) as early,
        socket.create_connection(place, kit.wait_s) as late,
    ):
        early.sendall(head + b"{")
        assert kit.send(url, "/v1/check", {"text": "fine"}).status == 200
        first.start()
        assert fake.arrived.wait(kit.wait_s)
        late.sendall(head)
        early.sendall(b"}")
        told = [each.recv(1 << 16) for each in (early, late)]
        gate.set()
        first.join(kit.wait_s)

    assert [each[:13] for each in told] == [b"HTTP/1.1 503 "] * 2


def test_workers_that_are_full_are_answered_503(serve, kit, monkeypatch) -> None:
    """A guard that cannot decide does not let pass: neither a request nor an answer."""
    from guardrails.engine.core.pipeline import Pipeline
    from guardrails.errors import Overloaded

    url = serve()

    async def full(self, tree, request, make, **more):
        raise Overloaded("256 checks are waiting", 2)

    monkeypatch.setattr(Pipeline, "acheck", full)

    answer = kit.chat(url, kit.asking("hi"))

    assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (
        503,
        "guard_unavailable",
        "2",
    )


@each_case("streamed", [False, True])
def test_an_unforeseen_failure_is_500_and_tells_nothing(
    serve, fake, kit, monkeypatch, caplog, streamed
) -> None:
    """Never 200, never a text: the log has the type and the lines, the client an id to ask about."""
    from guardrails.proxy.exchange import answer as answers

    def broken(answer, tree):
        raise ValueError("a private text")

    monkeypatch.setattr(answers.Call, "read", broken)
    url = serve()

    answer = kit.chat(url, kit.asking("private", stream=streamed))

    assert (answer.status, answer.error["code"], answer.error["type"]) == (
        500,
        "internal_error",
        "server_error",
    )
    assert b"private" not in answer.raw
    assert answer.headers["x-request-id"] in caplog.text
    assert "ValueError" in caplog.text
    assert "private" not in caplog.text


def test_a_check_that_breaks_is_500(serve, kit, monkeypatch) -> None:
    """The other route, the same shape."""

    def broken(raw):
        raise KeyError("private")

    monkeypatch.setattr(check, "read", broken)

    assert kit.send(serve(), "/v1/check", {"text": "x"}).error["code"] == "internal_error"


def test_each_answer_has_an_id(proxy, kit) -> None:
    """Ours where the upstream gave none; no two are the same."""
    ids = {kit.send(proxy, path).headers["x-request-id"] for path in ("/healthz", "/nowhere", "/v1/models")}

    assert len(ids) == 3
    assert all(each.startswith("req_") for each in ids)


def test_requests_are_counted_by_route_status_and_action(serve, fake, kit) -> None:
    """Labels are from closed sets: a path that a client made up is `other`."""
    url = serve()
    for text in ("fine", "zqxflag", "zqxmask", "zqxbomb"):
        kit.chat(url, kit.asking(text))
    kit.send(url, "/v1/check", {"text": "zqxbomb"})
    kit.send(url, "/made/up/zqxpath")

    text = kit.send(url, "/metrics").raw.decode()

    for action, status in (("allow", 200), ("flag", 200), ("redact", 200), ("block", 400)):
        labels = {"route": "/v1/chat/completions", "status": str(status), "action": action}
        assert counted(text, "guardrails_requests_total", **labels) == 1
    assert counted(text, "guardrails_requests_total", route="/v1/check", status="200", action="block") == 1
    assert counted(text, "guardrails_requests_total", route="other", status="404", action="none") == 1
    assert "zqxpath" not in text


@each_case(
    ("media", "streamed"),
    [
        (b"text/event-stream; charset=utf-8", True),
        (b"application/vnd.amazon.eventstream", True),
        (b"application/x-ndjson", True),
        (b"application/json", False),
    ],
)
def test_answers_of_these_types_come_in_pieces(media: bytes, streamed: bool) -> None:
    """Of these the first piece is waited for."""
    assert is_streamed(media) is streamed


@each_case(
    ("body", "piece"),
    [
        (b"data: {}\n\n", True),
        (b": x-guardrails-action: allow\n\ndata: {}\n\n", True),
        (b'{"done":false}\n', True),
        (b"", False),
        (b": keep-alive\n\n", False),
        (b'event: ping\ndata: {"type": "ping"}\n\n', False),
    ],
)
def test_a_sign_of_life_is_no_piece(body: bytes, piece: bool) -> None:
    """Its time is not that of the first token."""
    assert is_piece(body) is piece
