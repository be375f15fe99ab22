"""A server behind that speaks streamable HTTP, asked by the guard itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.mcp.protocol import rpc
from guardrails.mcp.settings import load_settings
from guardrails.mcp.transport.remote_server import RemoteServer
from tests.cases import each_case

LIST = rpc.make_request("own", "tools/list", {})


def answered(url: str, **settings: Any) -> rpc.RpcMessage:
    """Ask a server for its tools."""
    doc = load_settings(None, {"servers": {"s": {"url": url}}, **settings})

    async def work() -> rpc.RpcMessage:
        server = RemoteServer(doc.servers["s"], doc)
        await server.open()
        try:
            return await server.answer({}, LIST)
        finally:
            await server.close()

    return asyncio.run(work())


@each_case(
    "said",
    [
        {"tools": []},
        [
            {"$id": 1},
            {"method": "notifications/progress", "params": {}},
            {"id": 9, "result": {}},
            {"result": {"tools": []}},
        ],
    ],
)
def test_an_answer_is_found(remote: Any, said: Any) -> None:
    """As JSON, or in a stream behind what else is said."""
    with remote.serving(remote.Script(**{"tools/list": said})) as server:
        assert answered(server.url).body == rpc.make_result("own", {"tools": []})


@each_case(
    ("said", "code"),
    [
        (500, "server_invalid"),
        (302, "server_moved"),
        (b"no", "server_invalid"),
        ([{"method": "notifications/progress"}], "server_invalid"),
        (b'{"a": "' + b"a" * 3_000 + b'"}', "server_invalid"),
        ([{"$wait": True}], "server_timeout"),
    ],
)
def test_without_an_answer_there_is_an_error(remote: Any, said: Any, code: str) -> None:
    """A status, an address elsewhere, no message, the end, too much, or nothing in time."""
    with remote.serving(remote.Script(**{"tools/list": said})) as server:
        with pytest.raises(BackendError) as raised:
            answered(server.url, max_message_bytes=2_048, request_s=1.0)
        assert raised.value.code == code
