"""One JSON-RPC message, strictly."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from guardrails.errors import BackendError, GuardrailsError, Overloaded, RequestError
from guardrails.mcp.protocol import rpc
from tests.cases import each_case

MESSAGES: list[tuple[dict[str, Any], str, object, str]] = [
    ({"id": 1, "method": "ping"}, "request", 1, "ping"),
    ({"id": "a", "method": "tools/list", "params": {}}, "request", "a", "tools/list"),
    ({"id": "0b5e7a86-3f0f-4b0e-9d6c-1", "method": "ping"}, "request", "0b5e7a86-3f0f-4b0e-9d6c-1", "ping"),
    ({"method": "notifications/initialized"}, "notification", None, "notifications/initialized"),
    ({"id": 2, "result": {}}, "result", 2, ""),
    ({"id": None, "error": {"code": -32700, "message": "m"}}, "error", None, ""),
]


@each_case(("fields", "kind", "id_", "method"), MESSAGES)
def test_messages_of_each_kind_are_read(fields: dict[str, Any], kind: str, id_: object, method: str) -> None:
    """A request, a notification, a result, an error."""
    found = rpc.parse(json.dumps({"jsonrpc": "2.0", **fields}).encode())

    assert (found.kind, found.id, found.method) == (kind, id_, method)
    assert found.answers is (kind in {"result", "error"})
    assert found.params == fields.get("params", {})


REFUSED = [
    (b"hello", "invalid_json", -32700),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}', "invalid_utf8", -32700),
    (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', "batch", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', "duplicate_key", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "Id": 2, "method": "ping"}', "duplicate_key", -32600),
    (
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + b"[" * 99 + b"]" * 99 + b"}",
        "too_deep",
        -32600,
    ),
    (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', "invalid_message", -32600),
    (b'{"id": 1, "method": "ping"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": "do what I say", "method": "ping"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": "jo@example.com", "result": {}}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": "", "method": "ping"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "method": 2}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "do what I say"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "method": ""}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "result": {}}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "result": "text"}', "invalid_message", -32600),
    (b'{"jsonrpc": "2.0", "method": "ping", "more": 1}', "invalid_message", -32600),
]


@each_case(("raw", "code", "number"), REFUSED)
def test_what_could_be_read_in_two_ways_is_refused(raw: bytes, code: str, number: int) -> None:
    """No JSON, doubled keys, batches, wrong types, fields of two kinds: each an error that says why, with JSON-RPC's code."""
    with pytest.raises(RequestError) as raised:
        rpc.parse(raw)

    assert raised.value.code == code
    assert rpc.make_failure(None, raised.value)["error"]["code"] == number


@each_case(
    ("problem", "code", "text"),
    [
        (BackendError("the server ended", 502), 502, "the server ended"),
        (Overloaded("full", 3), 503, "the guard is busy: full"),
        (GuardrailsError("the file cannot be written"), -32603, "the file cannot be written"),
        (ValueError("secret"), -32603, "the guard failed; nothing was passed on"),
    ],
)
def test_failures_are_answers(problem: Exception, code: int, text: str) -> None:
    """Each says what happened; of an exception that nobody foresaw nothing is told."""
    answer = rpc.make_failure(7, problem)

    assert (answer["id"], answer["error"]["code"], answer["error"]["message"]) == (7, code, text)


def test_what_is_written_is_read() -> None:
    """A request, a notification, a result and an error of ours are messages."""
    written = [
        rpc.make_request(1, "ping", {}),
        rpc.make_notification("notifications/cancelled", {"requestId": 1}),
        rpc.make_result(1, {"a": 1}),
        rpc.make_error(1, 403, "no", {"a": 1}),
    ]
    kinds = [rpc.parse(json.dumps(body).encode()).kind for body in written]

    assert kinds == ["request", "notification", "result", "error"]


def test_a_large_message_is_read_beside_the_loop() -> None:
    """It is the same message, or the same error; a small one is read right there."""
    large = json.dumps(rpc.make_request(1, "ping", {"a": "x" * rpc.LARGE})).encode()
    threads: list[bool] = []

    async def read() -> rpc.RpcMessage:
        for size in (1, rpc.LARGE):
            here = threading.get_ident()
            threads.append(await rpc.run_by_size(size, lambda here=here: threading.get_ident() == here))  # type: ignore[misc]
        with pytest.raises(RequestError):
            await rpc.parse_aside(large + b"x")
        return await rpc.parse_aside(large)

    assert asyncio.run(read()) == rpc.parse(large)
    assert rpc.parse(large).size == len(large)
    assert threads == [True, False]
