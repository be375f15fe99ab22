"""A client of httpx with a guard around its requests: what is sent, what comes back, and whose connections they are."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from guardrails import Blocked, Guard, RequestError
from guardrails.protocols.ollama.protocol import CHATS
from guardrails.testing import FakeGuard
from guardrails.wrapping.http.http_client import guard_http_client
from guardrails.wrapping.sdk.calls import Calls
from guardrails.wrapping.sdk.exchange import Terms

CALLS = Calls({"POST /**/chat": CHATS, "GET /**/models": None})
ANSWER = {"model": "m", "created_at": "", "message": {"role": "assistant", "content": "Hello."}, "done": True}


@pytest.fixture
def sent() -> list[httpx.Request]:
    """The requests that were sent."""
    return []


@pytest.fixture
def make(sent: list[httpx.Request]) -> Callable[..., Any]:
    """Return a function that makes a guarded client whose server answers so."""

    def made(
        guard: Any, status: int = 200, answer: Any = ANSWER, kind: Any = httpx.Client, **terms: Any
    ) -> Any:
        def serve(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return httpx.Response(status, json=answer)

        bare = kind(transport=httpx.MockTransport(serve), base_url="http://model")
        return guard_http_client(bare, Terms(guard, **{"answers": False, **terms}), CALLS)

    return made


def body(text: str) -> dict[str, Any]:
    """Return a request."""
    return {"model": "m", "stream": False, "messages": [{"role": "user", "content": text}]}


@pytest.fixture
def guard() -> Guard:
    """A guard that blocks one word and redacts another."""
    return FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"])


def test_what_is_judged_is_what_is_sent(make: Any, guard: Guard, sent: list[httpx.Request]) -> None:
    """Byte for byte where nothing changes, else with what is left of it, and its length."""
    client = make(guard)
    raw = b'{ "stream":false, "model": "m", "messages": [{"role": "user", "content": "hi"}] }'
    client.post("/api/chat", content=raw, headers={"content-type": "application/json"})
    assert sent[0].content == raw
    client.post("/api/chat", json=body("say zqxmask"), headers={"x-mine": "1"})
    assert "zqxmask" not in sent[1].content.decode()
    assert int(sent[1].headers["content-length"]) == len(sent[1].content)
    assert sent[1].headers["x-mine"] == "1"
    assert isinstance(client, httpx.Client)


def test_a_block_sends_nothing(make: Any, guard: Guard, sent: list[httpx.Request]) -> None:
    """It is raised, or answered as the API answers."""
    with pytest.raises(Blocked):
        make(guard).post("/api/chat", json=body("zqxbomb"))
    found = make(guard, answers=True).post("/api/chat", json=body("zqxbomb")).json()
    assert found["done_reason"] == "content_filter"
    assert sent == []


def test_an_answer_is_judged(make: Any, guard: Guard) -> None:
    """Also on an event loop; a body that was stopped is nobody's."""
    answer = {**ANSWER, "message": {"role": "assistant", "content": "take zqxmask"}}
    assert "zqxmask" not in make(guard, answer=answer).post("/api/chat", json=body("hi")).text

    async def ask() -> str:
        async with make(guard, answer=answer, kind=httpx.AsyncClient) as client:
            response = await client.post("/api/chat", json=body("hi"))
            return str(response.text)

    assert "zqxmask" not in asyncio.run(ask())


def test_an_error_of_the_server_is_judged(make: Any, guard: Guard) -> None:
    """It may hold what was asked."""
    response = make(guard, 400, {"error": "cannot read zqxmask"}).post("/api/chat", json=body("hi"))
    assert response.status_code == 400
    assert "zqxmask" not in response.text
    assert make(guard, 404, {"error": "no such model"}).post("/api/chat", json=body("hi")).json() == {
        "error": "no such model"
    }


def test_what_cannot_be_judged_is_refused(make: Any, guard: Guard, sent: list[httpx.Request]) -> None:
    """Calls in no row, bodies that are no JSON or that two parsers read in two ways."""
    client = make(guard)
    for call in (
        lambda: client.post("/api/other", json={}),
        lambda: client.post("/api/chat", content=b"zqxbomb"),
        lambda: client.post("/api/chat", data={"a": "b"}),
        lambda: client.post("/api/chat", content=iter([b"{}"]), headers={"content-type": "application/json"}),
        lambda: client.post(
            "/api/chat", content=b'{"a":1,"a":2}', headers={"content-type": "application/json"}
        ),
    ):
        with pytest.raises(RequestError):
            call()
    assert sent == []
    assert client.get("/api/models").json() == ANSWER


def test_the_connections_are_those_of_the_client_that_was_wrapped(guard: Guard) -> None:
    """A guarded client that is forgotten does not close them."""
    closed: list[bool] = []

    class Transport(httpx.MockTransport):
        def close(self) -> None:
            closed.append(True)

    class Closing(httpx.Client):
        def __del__(self) -> None:
            self.close()

    bare = Closing(transport=Transport(lambda request: httpx.Response(200, json={})))
    guarded = guard_http_client(bare, Terms(guard, answers=False), CALLS)
    with pytest.raises(TypeError, match="not wrapped"):
        guard_http_client(guarded, Terms(guard, answers=False), CALLS)
    del guarded
    gc.collect()
    assert closed == []
    assert json.loads(bare.get("http://model/api/models").content) == {}


def test_only_clients_of_httpx_can_be_guarded(guard: Guard) -> None:
    """All else is named."""
    with pytest.raises(TypeError, match="a dict"):
        guard_http_client({}, Terms(guard, answers=False), CALLS)
