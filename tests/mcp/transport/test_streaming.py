"""One message or a stream as an HTTP answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from guardrails.mcp.transport.streaming import EventResponse, message_response


def test_a_message_is_json() -> None:
    """With its status and headers."""
    answer = message_response(
        {"jsonrpc": "2.0", "id": 1, "result": {"a": "\u00e9"}}, 404, {"mcp-session-id": "s"}
    )

    assert (answer.status_code, answer.body) == (
        404,
        '{"jsonrpc":"2.0","id":1,"result":{"a":"\u00e9"}}'.encode(),
    )
    assert (answer.headers["content-type"], answer.headers["mcp-session-id"]) == ("application/json", "s")


def sent(*, leaves: bool) -> tuple[list[dict[str, Any]], bool]:
    """Serve a stream to a client that stays, or leaves after the first piece; returns what it got, and whether the stream was ended."""
    got: list[dict[str, Any]] = []
    ended = False
    gone = asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes, None]:
        nonlocal ended
        try:
            yield b"a"
            if leaves:
                gone.set()
                await asyncio.Event().wait()
            yield b"b"
        finally:
            ended = True

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        got.append(message)

    async def serve() -> None:
        await EventResponse(pieces(), {"mcp-session-id": "s"})({"type": "http"}, receive, send)

    if leaves:
        with pytest.raises(ClientDisconnect):
            asyncio.run(serve())
    else:
        asyncio.run(serve())
    return got, ended


def test_a_stream_goes_out_piece_by_piece() -> None:
    """Without a length, not kept by anybody on the way."""
    got, ended = sent(leaves=False)
    headers = dict(got[0]["headers"])

    assert b"content-length" not in headers
    assert headers[b"content-type"] == b"text/event-stream"
    assert (headers[b"mcp-session-id"], headers[b"x-accel-buffering"]) == (b"s", b"no")
    assert [message["body"] for message in got[1:]] == [b"a", b"b", b""]
    assert ended


def test_a_stream_ends_with_its_client() -> None:
    """What makes it is ended at once."""
    got, ended = sent(leaves=True)

    assert [message.get("body") for message in got] == [None, b"a"]
    assert ended
