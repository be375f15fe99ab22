"""The middleware for Django, with the parts of Django that it touches; the released package is in `tests/system/clients/`."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Guard
from guardrails.testing import FakeGuard
from guardrails.wrapping.web import django


@pytest.fixture
def guard() -> Guard:
    """A guard that blocks one word and redacts another."""
    return FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"], message="Not that.")


@pytest.fixture(autouse=True)
def _without_django(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django, "_write", lambda answer: answer)


def request(text: str) -> Any:
    """Return a request as Django makes one, as far as it is read."""
    raw = f'{{"text": "{text}"}}'.encode()
    return SimpleNamespace(
        path="/chat", body=raw, META={"CONTENT_TYPE": "application/json", "QUERY_STRING": ""}
    )


class Response(SimpleNamespace):
    """An answer as Django makes one, as far as it is read."""

    def has_header(self, name: str) -> bool:
        return name in self.headers


def serve(middleware: Any, text: str, view: Any, *, is_async: bool) -> Any:
    """Serve a request by a view behind the middleware."""

    async def aview(given: Any) -> Any:
        return view(given)

    served = middleware(aview if is_async else view)
    assert inspect.iscoroutinefunction(served) is is_async
    return asyncio.run(served(request(text))) if is_async else served(request(text))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_request_is_judged_before_the_view_runs(guard: Guard, *, is_async: bool) -> None:
    """What is redacted the view gets redacted."""
    seen: list[bytes] = []

    def view(given: Any) -> Any:
        seen.append(getattr(given, "_body", given.body))
        return "done"

    middleware = guard.django(paths=["/chat"])
    assert serve(middleware, "tea", view, is_async=is_async) == "done"
    assert serve(middleware, "my zqxmask", view, is_async=is_async) == "done"
    assert serve(middleware, "a zqxbomb", view, is_async=is_async).status == 400
    assert seen == [b'{"text": "tea"}', b'{"text":"my [REDACT]"}']
    assert serve(guard.django(paths=["/other"]), "zqxbomb", view, is_async=is_async) == "done"
    assert serve(guard.django(max_bytes=4), "tea", view, is_async=is_async).status == 413


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_answers_are_judged_where_that_is_asked_for(guard: Guard, *, is_async: bool) -> None:
    """JSON and texts; streams go on."""

    def answer(raw: bytes, *, streaming: bool = False) -> Any:
        response = Response(
            content=raw, streaming=streaming, headers={"content-type": "text/plain", "content-length": "3"}
        )
        return serve(guard.django(responses=True), "tea", lambda _: response, is_async=is_async)

    assert answer(b"a zqxmask").content == b"a [REDACT]"
    assert answer(b"a zqxmask").headers["content-length"] == "10"
    assert answer(b"zqxbomb").status == 403
    assert answer(b"zqxbomb", streaming=True).content == b"zqxbomb"
