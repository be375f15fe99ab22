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
        path="/chat",
        path_info="/chat",
        body=raw,
        META={"CONTENT_TYPE": "application/json", "QUERY_STRING": ""},
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
    """JSON and texts; streams go on, and empty answers."""

    def answer(raw: bytes, *, streaming: bool = False, **headers: str) -> Any:
        response = Response(
            content=raw,
            streaming=streaming,
            headers={"content-type": "text/plain", "content-length": "3"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        return serve(guard.django(responses=True), "tea", lambda _: response, is_async=is_async)

    assert answer(b"a zqxmask").content == b"a [REDACT]"
    assert answer(b"a zqxmask").headers["content-length"] == "10"
    assert answer(b"zqxbomb").status == 403
    assert answer(b"zqxbomb", streaming=True).content == b"zqxbomb"
    assert answer(b"").content == b""
    assert answer("é zqxmask".encode("utf-16"), content_type="text/plain; charset=utf-16").content == (
        "é [REDACT]".encode("utf-16")
    )
    assert answer(b'{"a": NaN, "b": "zqxmask"}', content_type="application/json").content == (
        b'{"a": NaN, "b": "[REDACT]"}'
    )
    assert answer(b"zqxbomb", content_type="text/event-stream").content == b"zqxbomb"
    assert answer(b"zipped", content_encoding="gzip").status == 503


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"path": "/app/chat", "path_info": "/chat"}, 400),
        ({"path": "/chat/", "path_info": "/chat/"}, 400),
        ({"path": "/ask/zqxbomb", "path_info": "/ask/zqxbomb", "body": b""}, 400),
        ({"META": {"CONTENT_TYPE": "text/plain; charset=utf-7", "QUERY_STRING": "q=tea"}, "body": b""}, 415),
        ({"META": {"CONTENT_TYPE": "text/plain", "QUERY_STRING": ""}}, 400),
    ],
)
def test_requests_are_covered_and_read_as_django_reads_them(
    guard: Guard, given: dict[str, Any], status: int
) -> None:
    """Mounted, with a slash at the end, in its path, in another character set, as JSON of another type."""
    middleware = guard.django(paths=["/chat", "/ask/*"], fields=["/text"])
    asked = SimpleNamespace(**(vars(request("zqxbomb")) | given))
    assert middleware(lambda _: None)(asked).status == status


def test_only_what_changed_is_written(guard: Guard) -> None:
    """The parameters stay as they came where the body alone is redacted."""
    asked = request("my zqxmask")
    asked.META["QUERY_STRING"] = "b=%7e&a=x%20y&b"
    guard.django()(lambda _: None)(asked)
    assert asked._body == b'{"text":"my [REDACT]"}'
    assert asked.META["QUERY_STRING"] == "b=%7e&a=x%20y&b"
