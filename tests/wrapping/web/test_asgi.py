"""The middleware for ASGI, in front of Starlette and FastAPI."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from guardrails import Guard
from guardrails.testing import FakeGuard


@pytest.fixture
def guard() -> Guard:
    """A guard that blocks one word and redacts another."""
    return FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"], message="Not that.")


@pytest.fixture
def seen() -> list[Any]:
    """What reached the application."""
    return []


@pytest.fixture
def app(seen: list[Any]) -> Any:
    """An application that answers with what it got."""

    async def echo(request: Request) -> Any:
        raw = (await request.body()).decode()
        seen.append(raw)
        return JSONResponse({"body": raw, "query": dict(request.query_params)})

    async def said(request: Request) -> Any:
        return PlainTextResponse(request.query_params["say"] + " zqx" + request.query_params["end"])

    async def stream(request: Request) -> Any:
        kind = request.query_params.get("kind", "text/plain")
        return StreamingResponse(iter(["zqx", "bomb"]), media_type=kind)

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("open")
        await websocket.close()

    return Starlette(
        routes=[
            Route("/echo", echo, methods=["GET", "POST"]),
            Route("/free", echo, methods=["POST"]),
            Route("/said", said),
            Route("/stream", stream),
            Route("/ask/{text}", echo),
            WebSocketRoute("/socket", socket),
        ]
    )


def test_a_request_is_judged_before_the_application_runs(app: Any, guard: Guard, seen: list[Any]) -> None:
    """JSON, forms and parameters of the address."""
    client = TestClient(guard.asgi(app, paths=["/echo"]))
    assert client.post("/echo", json={"text": "tea"}).json()["body"] == '{"text":"tea"}'
    for call in (
        lambda: client.post("/echo", json={"deep": [{"text": "zqxbomb"}]}),
        lambda: client.post("/echo", data={"text": "zqxbomb"}),
        lambda: client.get("/echo", params={"q": "zqxbomb"}),
        lambda: client.post("/echo", content="zqxbomb", headers={"content-type": "text/plain"}),
    ):
        stopped = call()
        assert (stopped.status_code, stopped.json()["error"]["message"]) == (400, "Not that.")
        assert "zqxbomb" not in stopped.text
    assert len(seen) == 1
    assert client.post("/free", json={"text": "zqxbomb"}).status_code == 200


def test_what_is_redacted_the_application_gets_redacted(app: Any, guard: Guard) -> None:
    """With the length of what is left."""
    client = TestClient(guard.asgi(app))
    found = client.post("/echo", params={"q": "my zqxmask"}, json={"a": 1, "text": "my zqxmask"}).json()
    assert found == {"body": '{"a":1,"text":"my [REDACT]"}', "query": {"q": "my [REDACT]"}}


def test_declared_fields_alone_are_judged(app: Any, guard: Guard) -> None:
    """Names of others are the application's own."""
    client = TestClient(guard.asgi(app, fields=["/text"]))
    assert client.post("/echo", json={"name": "zqxbomb", "text": "tea"}).status_code == 200
    assert client.post("/echo", json={"name": "tea", "text": "zqxbomb"}).status_code == 400


def test_bodies_that_cannot_be_judged_are_refused(app: Any, guard: Guard, seen: list[Any]) -> None:
    """Too large, of another type, or broken."""
    client = TestClient(guard.asgi(app, max_bytes=400))
    assert client.post("/echo", json={"text": "x" * 500}).status_code == 413
    assert client.post("/echo", files={"f": b"x"}).status_code == 415
    assert client.post("/echo", content="{", headers={"content-type": "application/json"}).status_code == 400
    assert seen == []


def test_answers_are_judged_where_that_is_asked_for(app: Any, guard: Guard) -> None:
    """Whole, also where they come in pieces; without it they go on as they are."""
    client = TestClient(guard.asgi(app, responses=True))
    assert client.get("/said", params={"say": "well", "end": "mask"}).text == "well [REDACT]"
    for path, params in (("/said", {"say": "a", "end": "bomb"}), ("/stream", {})):
        stopped = client.get(path, params=params)
        assert (stopped.status_code, stopped.json()["error"]["code"]) == (403, "content_filter")
    assert client.get("/echo").json()["query"] == {}
    assert TestClient(guard.asgi(app)).get("/stream").text == "zqxbomb"


def test_a_guard_that_fails_is_503(app: Any, guard: Guard, seen: list[Any]) -> None:
    """And the application does not run."""

    async def acheck(*args: object, **options: object) -> object:
        raise ValueError("secret")

    guard.acheck = acheck  # type: ignore[method-assign,assignment]
    failed = TestClient(guard.asgi(app)).post("/echo", json={"text": "tea"})
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "guard_failed")
    assert "secret" not in failed.text
    assert seen == []


def test_it_is_added_as_a_middleware_and_leaves_sockets_alone(app: Any, guard: Guard) -> None:
    """In FastAPI's own way; what is no request of HTTP goes on."""
    fast = FastAPI()
    fast.add_middleware(guard.asgi, paths=["/chat"])

    @fast.post("/chat")
    async def chat(body: dict[str, str]) -> dict[str, str]:
        return body

    client = TestClient(fast)
    assert client.post("/chat", json={"text": "my zqxmask"}).json() == {"text": "my [REDACT]"}
    assert client.post("/chat", json={"text": "zqxbomb"}).status_code == 400
    with TestClient(guard.asgi(app)).websocket_connect("/socket") as socket:
        assert socket.receive_text() == "open"


JSON_TEXT = b'{"text": "a zqxbomb"}'
ESCAPED = b'{"text": "a zqx\\u0062omb"}'
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("text/plain", JSON_TEXT, 400),
        ("text/json", JSON_TEXT, 400),
        ("text/plain", ESCAPED, 400),
        ("text/plain; charset=latin-1", ESCAPED, 400),
        (FORM, JSON_TEXT, 400),
        (FORM, ESCAPED, 400),
        (FORM, b'{"x": "&text=zqxbomb&y=", "text": "tea"}', 400),
        (FORM, b"Text=zqxbomb", 400),
        (FORM, b"other=zqxbomb", 400),
        ("application/json", b"[" + JSON_TEXT + b"]", 400),
        ("application/json", b'{"Text": "zqxbomb"}', 400),
        ("application/json", b'{"text": {"deep": ["zqxbomb"]}}', 400),
        ("application/json", b'{"msg": "zqxbomb"}', 400),
        ("text/plain", b"a zqxbomb", 400),
        ("text/plain", "a zqxbomb".encode("utf-16-le"), 415),
        ("text/plain; charset=utf-7", b"a zqx+AGI-omb", 415),
        ("text/plain", b'{"text": "tea"}', 200),
        (FORM, b'{"text": "tea"}', 200),
        ("application/json", b'{"text": "tea", "name": "zqxbomb"}', 200),
    ],
)
def test_a_declared_field_cannot_be_hidden(
    app: Any, guard: Guard, kind: str, content: bytes, status: int
) -> None:
    """By another type or shape of the body, which applications parse all the same."""
    client = TestClient(guard.asgi(app, fields=["/text"]))
    assert client.post("/echo", content=content, headers={"content-type": kind}).status_code == status


def test_declared_fields_with_slashes_are_all_judged(app: Any, guard: Guard) -> None:
    """None stands in the place of another."""
    client = TestClient(guard.asgi(app, fields=["/*/*"]))
    body = {"a": {"b/c": "zqxbomb"}, "a/b": {"c": "hi"}}
    assert client.post("/echo", json=body).status_code == 400


@pytest.mark.parametrize("path", ["/echo", "/api/echo"])
@pytest.mark.parametrize("end", ["", "/"])
def test_paths_are_covered_where_an_application_is_mounted(
    app: Any, guard: Guard, path: str, end: str
) -> None:
    """In it and in front of it."""
    inside = Starlette(routes=[Mount("/api", guard.asgi(app, paths=[path]))])
    rooted = FastAPI()
    rooted.add_api_route("/echo", lambda: "done", methods=["POST"])
    rooted.add_middleware(guard.asgi, paths=[path])
    for client in (TestClient(inside), TestClient(rooted, root_path="/api")):
        assert client.post("/api/echo", json={"text": "tea"}).status_code == 200
        assert client.post("/api/echo" + end, json={"text": "zqxbomb"}).status_code == 400
    assert TestClient(rooted, root_path="/api").post("/echo", json={"text": "zqxbomb"}).status_code == 400


def test_parameters_in_the_path_are_judged(app: Any, guard: Guard) -> None:
    """They are blocked, not changed."""
    client = TestClient(guard.asgi(app))
    assert client.get("/ask/a%20zqxbomb").status_code == 400
    assert client.get("/ask/a%20zqxmask", params={"q": "tea"}).json()["query"] == {"q": "tea"}


def test_only_what_changed_is_written(guard: Guard) -> None:
    """The parameters stay as they came where the body alone is redacted."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["query_string"], (await receive())["body"]))
        await Response()(scope, receive, send)

    client = TestClient(guard.asgi(app))
    client.post("/?b=%7e&a=x%20y&b", json={"text": "my zqxmask"})
    client.post(
        "/?b=1&a=zqxmask&b=2", content=b'{ "text":"tea"}', headers={"content-type": "application/json"}
    )
    assert seen == [
        (b"b=%7e&a=x%20y&b", b'{"text":"my [REDACT]"}'),
        (b"b=1&a=%5BREDACT%5D&b=2", b'{ "text":"tea"}'),
    ]


@pytest.mark.parametrize(
    ("kind", "raw", "status", "left"),
    [
        ("text/plain; charset=iso-8859-1", b"caf\xe9", 200, b"caf\xe9"),
        ("text/plain; charset=iso-8859-1", b"caf\xe9 zqxmask", 200, b"caf\xe9 [REDACT]"),
        ("text/plain; charset=utf-16", "zqxmask".encode("utf-16"), 200, "[REDACT]".encode("utf-16")),
        ("text/plain; charset=utf-16", "zqxbomb".encode("utf-16"), 403, None),
        ("application/json", b'{"a": NaN}', 200, b'{"a": NaN}'),
        ("application/json", b'{"a": NaN, "b": "zqxmask"}', 200, b'{"a": NaN, "b": "[REDACT]"}'),
        ("application/json", b'{"a": "zqxbomb", "a": 1}', 403, None),
        ("application/json", b"{zqxbomb", 403, None),
        ("application/json", b"", 200, b""),
    ],
)
def test_answers_in_any_form_are_judged(
    guard: Guard, kind: str, raw: bytes, status: int, left: bytes | None
) -> None:
    """In their own character set, and as texts where they are no strict JSON."""
    response = Response(raw, headers={"content-type": kind})
    answer = TestClient(guard.asgi(response, responses=True)).get("/")
    assert answer.status_code == status
    assert left is None or answer.content == left


@pytest.mark.parametrize("kind", ["text/event-stream", "application/x-ndjson"])
def test_streams_go_on_as_they_come(guard: Guard, kind: str) -> None:
    """Unjudged, piece by piece, also where answers are judged."""
    sent: list[Any] = []
    seen: list[int] = []

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]}
        await send(start)
        for piece in (b"zqx", b"bomb"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            seen.append(len(sent))
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(guard.asgi(stream, responses=True)(scope, receive, send))
    assert [message.get("body") for message in sent] == [None, b"zqx", b"bomb", b""]
    assert seen == [2, 3]


def test_an_application_that_compresses_is_judged(app: Any, guard: Guard) -> None:
    """It is asked for no compressed answer."""
    served = guard.asgi(GZipMiddleware(app, minimum_size=1), responses=True)
    assert TestClient(served).get("/said", params={"say": "a", "end": "bomb"}).status_code == 403
    assert TestClient(served).get("/said", params={"say": "a", "end": "tea"}).text == "a zqxtea"
