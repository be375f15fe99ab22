"""The middleware for ASGI, in front of Starlette and FastAPI."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
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
        return StreamingResponse(iter(["zqx", "bomb"]), media_type="text/plain")

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
