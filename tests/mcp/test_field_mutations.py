"""Every field of every MCP message, either way, in turn with a value that must not reach the other side.

The messages are those below, and those that the tables of all methods make: each of their fields with a text. Each value of each
message is replaced by an address, a key and a listed word, which have the letters of a name or a token.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from typing import Any

import pytest

from guardrails import Guard
from guardrails.engine.content.field_readers import Table
from guardrails.mcp.link import LinkResult
from guardrails.mcp.protocol.methods import CLIENT, NOTE, NOTES, SERVER, McpMethod
from tests.cases import check_each, each_case
from tests.proxy.field_mutations import POLICY, VALUES, leaves, put

from .test_link import Talk

HARMLESS = "Good day."
META = {"progressToken": "1", "io.modelcontextprotocol/subscriptionId": "1", "other": {"a": HARMLESS}}
ICONS = [{"src": "https://example.com/i.png", "mimeType": "image/png", "sizes": ["48x48"], "theme": "light"}]
ANNOTATIONS = {"audience": ["user"], "priority": 0.5, "lastModified": "2025-01-12T15:00:58Z"}
DESCRIBED = {
    "name": "act",
    "title": "t",
    "description": "d",
    "icons": ICONS,
    "annotations": ANNOTATIONS,
    "_meta": META,
}
CONTENT = [
    {"type": "text", "text": HARMLESS, "annotations": ANNOTATIONS, "_meta": META},
    {"type": "image", "data": "AAAA", "mimeType": "image/png"},
    {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
    {
        "type": "resource",
        "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": HARMLESS, "_meta": META},
    },
    {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "blob": "AAAA"}},
    {**DESCRIBED, "type": "resource_link", "uri": "file:///a", "size": 1},
    {"type": "tool_use", "name": "act", "id": "1", "input": {"a": HARMLESS}},
    {
        "type": "tool_result",
        "toolUseId": "1",
        "content": [{"type": "text", "text": HARMLESS}],
        "isError": False,
    },
]
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string", "enum": ["b"], "default": "b"}},
    "required": ["a"],
}
DEFINITION = {
    **DESCRIBED,
    "inputSchema": SCHEMA,
    "outputSchema": SCHEMA,
    "execution": {"taskSupport": "optional"},
}
SAMPLING = {
    "messages": [{"role": "user", "content": CONTENT}],
    "modelPreferences": {"hints": [{"name": "claude"}]},
    "tools": [DEFINITION],
    "toolChoice": {"mode": "auto"},
}
ARGUED = {"name": "act", "arguments": {"a": HARMLESS}, "_meta": META}

REQUESTS: Mapping[str, Any] = {
    "initialize": {
        "clientInfo": {"name": "c", "version": "1", "icons": ICONS},
        "capabilities": {"x": {"y": HARMLESS}},
    },
    "tools/call": ARGUED,
    "prompts/get": ARGUED,
    "completion/complete": {
        "ref": {"type": "ref/prompt", "name": "p"},
        "argument": {"name": "a", "value": "b"},
    },
    "sampling/createMessage": SAMPLING,
    "elicitation/create": {"message": HARMLESS, "requestedSchema": SCHEMA},
    "x/new": {"a": [HARMLESS], "_meta": META},
}
"""Parameters by method, beside those that its table makes."""

RESULTS: Mapping[str, Any] = {
    "initialize": {"serverInfo": {"name": "s", "version": "1", "icons": ICONS}, "instructions": HARMLESS},
    "tools/list": {"tools": [DEFINITION], "nextCursor": "1"},
    "tools/call": {
        "content": CONTENT,
        "structuredContent": {"a": [HARMLESS]},
        "isError": False,
        "_meta": META,
    },
    "resources/list": {"resources": [{**DESCRIBED, "uri": "file:///a", "mimeType": "text/plain"}]},
    "resources/templates/list": {"resourceTemplates": [{**DESCRIBED, "uriTemplate": "file:///{a}"}]},
    "resources/read": {"contents": [CONTENT[3]["resource"], CONTENT[4]["resource"]]},
    "prompts/list": {
        "prompts": [{**DESCRIBED, "arguments": [{"name": "a", "title": "t", "description": "d"}]}]
    },
    "prompts/get": {"description": HARMLESS, "messages": [{"role": "user", "content": CONTENT[0]}]},
    "completion/complete": {"completion": {"values": ["a"], "total": 1, "hasMore": False}},
    "tasks/list": {"tasks": [{"taskId": "1", "status": "working"}]},
    "sampling/createMessage": {
        "role": "assistant",
        "content": CONTENT[0],
        "model": "m",
        "stopReason": "endTurn",
    },
    "elicitation/create": {"action": "accept", "content": {"a": HARMLESS}},
    "roots/list": {"roots": [{"uri": "file:///a", "name": "a"}]},
    "x/new": {"a": [HARMLESS]},
}
"""Results, likewise."""

Send = Callable[[Talk, Any], LinkResult]
"""Has one side send a body; returns what becomes of it."""


def table_body(reader: object) -> dict[str, Any]:
    """Return a body with each field of a table."""
    return dict.fromkeys(reader.fields, HARMLESS) if isinstance(reader, Table) else {}


def sent_by_agent(method: str) -> Send:
    """Have the agent ask."""
    return lambda talk, body: talk.agent(id=7, method=method, params=body)


def sent_by_server(method: str) -> Send:
    """Have the server ask."""
    return lambda talk, body: talk.server(id=7, method=method, params=body)


def answered_by_server(method: str, part: str = "result") -> Send:
    """Have the server answer what the agent asks."""

    def send(talk: Talk, body: Any) -> LinkResult:
        assert talk.agent(id=7, method=method, params={"name": "act"}).forwarded is not None
        return talk.server(id=7, **{part: body})

    return send


def answered_by_agent(method: str, part: str = "result") -> Send:
    """Have the agent answer what the server asks."""

    def send(talk: Talk, body: Any) -> LinkResult:
        assert talk.server(id=7, method=method, params={}).forwarded is not None
        return talk.agent(id=7, **{part: body})

    return send


def messages() -> Iterator[tuple[str, Any, Send]]:
    """Yield every message: what it is called, its body, and how it is sent."""
    asking: list[tuple[Mapping[str, McpMethod], Callable[[str], Send], Callable[..., Send]]] = [
        (CLIENT, sent_by_agent, answered_by_server),
        (SERVER, sent_by_server, answered_by_agent),
    ]
    for table, ask, answer in asking:
        for name in (*table, "x/new"):
            method = table.get(name)
            bodies = [REQUESTS.get(name), table_body(method.request.read) if method else None]
            yield from ((f"{name}: request", body, ask(name)) for body in bodies if body)
            bodies = [RESULTS.get(name), table_body(method.result.read) if method else None]
            yield from ((f"{name}: result", body, answer(name)) for body in bodies if body)
        error = {"code": 1, "message": HARMLESS, "data": {"a": HARMLESS}}
        yield "error", error, answer("ping", "error")
    for note in sorted(NOTES):
        fields = table_body(NOTE)
        yield (
            f"{note}: of the agent",
            fields,
            lambda talk, body, note=note: talk.agent(method=note, params=body),
        )
        yield (
            f"{note}: of the server",
            fields,
            lambda talk, body, note=note: talk.server(method=note, params=body),
        )


@pytest.fixture(scope="module")
def guard(guard_of: Any) -> Guard:
    """A guard that blocks what the mutations hold."""
    made: Guard = guard_of(POLICY)
    return made


def outcome(guard: Guard, send: Send, body: Any, value: str) -> str:
    """Return what became of a value: `stopped`, `named`, or `LEAKED`."""
    passed = send(Talk(guard), body).forwarded
    if value not in json.dumps(passed):
        return "stopped"
    return "named" if "unchecked." in json.dumps(passed) else "LEAKED"


@pytest.mark.parametrize("values", [1])
def test_no_field_of_a_message_goes_on_unjudged(guard: Guard, values: int) -> None:
    """An address, a key or a word on a list, in a request, a result, an error or a notification of either side.

    Each field has so many of the values, the next one those that follow; `tests/thorough` tries each field with all.
    """
    fields = [
        (f"{name}: {field}", send, body, path)
        for name, body, send in messages()
        for path, field in leaves(body)
        if path
    ]
    turns = cycle(VALUES.items())
    cases = {
        f"{name}: {which}": (send, put(body, path, value), value)
        for name, send, body, path in fields
        for which, value in islice(turns, values)
    }
    assert len(cases) > 500 * values

    def check(case: tuple[Send, Any, str]) -> None:
        send, body, value = case
        assert outcome(guard, send, body, value) != "LEAKED"

    check_each(cases.items(), check)


@each_case("value", [value for value in VALUES.values() if "@" not in value and " " not in value])
def test_a_method_that_nobody_knows_is_judged_by_its_name(guard: Guard, value: str) -> None:
    """Of requests and notifications, either way."""
    for say in (Talk(guard).agent, Talk(guard).server):
        assert say(id=7, method=value, params={}).forwarded is None
        assert say(method=value, params={}).forwarded is None


@each_case("value", [value for value in VALUES.values() if "@" not in value])
def test_the_id_of_a_request_is_judged(guard: Guard, value: str) -> None:
    """It goes to the other side, and comes back. One of several words is no message (`test_rpc.py`)."""
    assert Talk(guard).agent(id=value, method="ping").forwarded is None
    assert Talk(guard).server(id=value, method="ping").forwarded is None
