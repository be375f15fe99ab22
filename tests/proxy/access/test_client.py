"""The client's side: its language, its body, its presence."""

from __future__ import annotations

import asyncio
import http.client
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import ClientDisconnect, Request

from guardrails.errors import RequestError
from guardrails.proxy.access.admission import ANONYMOUS
from guardrails.proxy.access.client import (
    ReplayedBody,
    build_request,
    client_headers,
    preferred_language,
    read_body,
    read_claims,
    run_while_connected,
)
from guardrails.proxy.server.connections import PRESENCE, ClientPresence
from tests.cases import each_case


@each_case(
    ("header", "expected"),
    [
        ("de", "de"),
        ("de-CH, en;q=0.9", "de"),
        ("en;q=0.5, fr;q=0.8", "fr"),
        (" PT-br ", "pt"),
        ("*", None),
        ("", None),
        ("de;q=0", None),
        ("de;q=x, en;q=0.1", "en"),
        ("zqxlonglonglong, en;q=0.1", "en"),
        ("d\u00e9, es;q=0.1", "es"),
    ],
)
def test_the_language_is_the_one_preferred(header: str, expected: str | None) -> None:
    """The primary tag of the highest weight; nonsense counts for nothing."""
    assert preferred_language(header) == expected


async def _never() -> dict[str, str]:
    await asyncio.Event().wait()
    return {}


def test_work_ends_with_its_result_or_its_error() -> None:
    """A client that stays gets what the work gives, an exception as it is."""

    async def work(value):
        if isinstance(value, Exception):
            raise value
        return value

    assert asyncio.run(run_while_connected(_never, work(7))) == 7
    with pytest.raises(KeyError):
        asyncio.run(run_while_connected(_never, work(KeyError("x"))))


def test_work_for_nobody_is_cancelled() -> None:
    """The work sees the cancellation and has ended when the caller goes on."""
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    messages = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0)

    with pytest.raises(ClientDisconnect):
        asyncio.run(run_while_connected(receive, work()))
    assert ended == [True]


@each_case("gone", [False, True])
def test_who_is_cancelled_from_outside_is_not_taken_for_a_client_that_left(gone: bool) -> None:
    """A server that stops cancels what it serves, also while the client goes."""

    async def receive() -> dict[str, str]:
        if not gone:
            await asyncio.Event().wait()
        task.cancel()
        return {"type": "http.disconnect"}

    async def serve() -> None:
        nonlocal task
        task = asyncio.ensure_future(run_while_connected(receive, asyncio.Event().wait()))
        await asyncio.sleep(0)
        if not gone:
            task.cancel()
        await task

    task: asyncio.Future[bool]
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(serve())


def test_a_task_goes_on_after_its_client_left() -> None:
    """Nothing is left of the cancellation: what a task does then is not broken off."""

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def serve() -> int:
        with pytest.raises(ClientDisconnect):
            await run_while_connected(receive, asyncio.Event().wait())
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(serve()) == 0


def served_body(presence: ClientPresence) -> ReplayedBody:
    """Return what receives an empty body of a request whose server says when its client leaves."""
    return ReplayedBody(b"", {PRESENCE: presence}, _never)


def test_work_for_nobody_is_cancelled_when_the_server_says_that_the_client_left() -> None:
    """The work has ended when the caller goes on; nothing is left of the cancellation, nor of the watch."""
    presence, ended = ClientPresence(), list[bool]()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def serve() -> int:
        asyncio.get_running_loop().call_soon(presence.end)
        with pytest.raises(ClientDisconnect):
            await run_while_connected(served_body(presence), work())
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(serve()) == 0
    assert ended == [True]


def test_nothing_is_begun_for_a_client_that_has_left() -> None:
    """Nor is anything left that would be cancelled later."""
    presence, begun = ClientPresence(), list[bool]()
    presence.end()

    async def work() -> None:
        begun.append(True)

    async def serve() -> None:
        with pytest.raises(ClientDisconnect):
            await run_while_connected(served_body(presence), work())
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert not begun


def test_a_client_that_leaves_after_the_work_cancels_nothing() -> None:
    """What follows the work, such as writing its answer, is somebody else's care."""
    presence = ClientPresence()

    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    async def serve() -> int:
        found = await run_while_connected(served_body(presence), work())
        presence.end()
        await asyncio.sleep(0)
        return found

    assert asyncio.run(serve()) == 7


def test_a_body_is_received_again_and_then_what_comes_after_it() -> None:
    """As a server's own messages would be."""

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def serve() -> list[Any]:
        body = ReplayedBody(b"x", {}, receive)
        return [await body(), await body()]

    assert asyncio.run(serve()) == [
        {"type": "http.request", "body": b"x", "more_body": False},
        {"type": "http.disconnect"},
    ]


@each_case(
    ("pieces", "limit", "received"),
    [
        ([b""], 0, b""),
        ([b"abcd"], 4, b"abcd"),
        ([b"ab", b"cd"], 4, b"abcd"),
        ([b"abcd", b""], 4, b"abcd"),
        ([b"abcde"], 4, None),
        ([b"abcd", b"e"], 4, None),
    ],
)
def test_a_body_may_have_as_many_bytes_as_the_limit(
    pieces: list[bytes], limit: int, received: bytes | None
) -> None:
    """In however many pieces it comes; with one more it is refused as too large."""
    left = [*pieces]

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    if received is not None:
        assert asyncio.run(read_body({}, receive, limit)) == received
    else:
        with pytest.raises(RequestError, match=f"larger than {limit} bytes"):
            asyncio.run(read_body({}, receive, limit))


PATHS = [
    "/v1/chat/completions",
    "/v1/check",
    "/v1/moderations",
    "/v1beta/models/m:generateContent",
    "/contentsafety/text:analyze",
]


@each_case("path", PATHS)
def test_who_begins_a_request_and_never_ends_it_keeps_nobody_out(serve, kit, path) -> None:
    """It is told so in the shape of the API, and the connection is closed."""
    url = serve(body_s=0.2, max_concurrent=1)
    parts = urlsplit(url)

    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=kit.wait_s) as slow:
        slow.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode())
        told = http.client.HTTPResponse(slow)
        told.begin()
        said = told.read()

    assert (told.status, told.headers["connection"]) == (408, "close")
    assert b"arrives too slowly" in said
    assert kit.chat(url, kit.asking("hi")).status == 200


def test_headers_are_texts_of_which_the_first_counts() -> None:
    """They are read once, and anew where others were put in their place."""
    scope: dict[str, Any] = {"headers": [(b"a", b"1"), (b"b", b"\xe9"), (b"a", b"2")]}
    assert client_headers(scope) == {"a": "1", "b": "\xe9"}
    assert client_headers(scope) is client_headers(scope)
    scope["headers"] = [*scope["headers"], (b"c", b"3")]
    assert client_headers(scope) == {"a": "1", "b": "\xe9", "c": "3"}


@each_case(
    ("headers", "body", "claims"),
    [
        ([], {}, {}),
        ([(b"accept-language", b"de-CH"), (b"user-agent", b"x")], {}, {"language": "de", "user_agent": "x"}),
        ([(b"accept-language", b"*")], {"user": "jo"}, {"user": "jo"}),
        ([(b"user-agent", b""), (b"user-agent", b"y")], {"user": 7}, {"user_agent": ""}),
    ],
)
def test_clients_say_of_themselves_what_headers_and_body_say(headers, body, claims) -> None:
    """What is no text is not said."""
    assert read_claims(Request({"type": "http", "headers": headers}), body) == claims


@each_case("metadata", ["x", ["x"], 1, None])
def test_who_asks_is_no_more_than_was_said(metadata) -> None:
    """What is no mapping is no metadata; a client fills neither user nor tenant."""
    who = build_request(
        ANONYMOUS, {"user": "jo"}, {"metadata": metadata, "model": 7, "user": "jo", "tenant": "t"}, 2
    )

    assert (who.metadata, who.model, who.user, who.tenant, who.turns) == (None, None, {}, None, 2)
