"""The guard before a server that speaks streamable HTTP: real requests, real sockets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from guardrails.mcp.protocol.verdicts import VERDICT
from tests.waiting import wait_until

TOOLS = {"tools": [{"name": name, "inputSchema": {}} for name in ("echo", "evil", "long")]}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
SAID = {"content": [{"type": "text", "text": "fine zqxmask"}]}
SESSION = "session-1"
SID = {"mcp_session_id": SESSION}


@pytest.fixture
def serving(remote: Any) -> Any:
    """Return a function: what a server says besides the usual in, the server out."""
    usual = {"initialize": HELLO, "tools/list": TOOLS, "tools/call": SAID, "ping": {}}
    return lambda **said: remote.serving(remote.Script(**{**usual, **said}))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return the parameters of a call."""
    return {"name": name, "arguments": arguments}


def test_a_session_works_through_the_guard(serving: Any, before: Any) -> None:
    """The server's session and what is passed on by header reach both sides; calls and results are judged."""
    with serving() as server:
        agent = before(server.url)
        hello = agent.ask(
            "initialize", params={"protocolVersion": "2025-06-18"}, authorization="Bearer a", x_more="no"
        )
        noted = agent.post({"method": "notifications/initialized"}, **SID)
        said = agent.ask("tools/call", params=call("echo"), mcp_protocol_version="2025-06-18", **SID).message[
            "result"
        ]
        blocked = agent.ask("tools/call", params=call("echo", word="zqxbomb"), **SID).message["result"]
        ended = agent.send("DELETE", **SID)

    assert (hello.status, hello.headers["mcp-session-id"], hello.message["result"]) == (
        200,
        SESSION,
        HELLO,
    )
    assert (noted.status, noted.raw) == (202, b"")
    assert said["content"][0]["text"] == "fine [MASK]"
    assert (blocked["isError"], blocked["_meta"][VERDICT]["rules"]) == (True, ["bomb"])
    assert ended.status == 204
    assert server.methods == ["initialize", "notifications/initialized", "tools/list", "tools/call"]
    first, called = server.heard[0][1], server.heard[3][1]
    assert first["authorization"] == "Bearer a"
    assert "x-more" not in first
    assert (called["mcp-session-id"], called["mcp-protocol-version"]) == (SESSION, "2025-06-18")


def test_a_stream_is_judged_event_by_event(serving: Any, before: Any) -> None:
    """Notes and requests of the server's go on as they come, edited or not at all; ids by which a client comes back stay."""
    progress = {
        "method": "notifications/progress",
        "params": {"progressToken": 1, "progress": 1, "message": "zqxmask"},
    }
    log = {"method": "notifications/message", "params": {"level": "info", "data": "zqxbomb"}}
    asked = {"id": 7, "method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {}}}
    stopped = {
        "id": 8,
        "method": "elicitation/create",
        "params": {"message": "zqxbomb", "requestedSchema": {}},
    }
    events = [{"$id": 1}, progress, log, asked, stopped, {"$id": 2, "result": SAID}, log]
    with serving(**{"tools/call long": events}) as server:
        agent = before(server.url)
        agent.ask("initialize")
        answer = agent.ask("tools/call", params=call("long"), **SID)
        found = [*answer.events()]
        replied = agent.post({"id": 7, "result": {"action": "accept", "content": {"name": "zqxmask"}}}, **SID)
        unasked = agent.post({"id": 8, "result": {"action": "accept"}}, **SID)

    assert [(event.id, event.retry) for event in found] == [
        (b"1", b"50"),
        (b"", b""),
        (b"", b""),
        (b"2", b"50"),
    ]
    told = [json.loads(event.data) for event in found if event.data]
    assert told[0]["params"]["message"] == "[MASK]"
    assert told[1]["id"] == 7
    assert told[2]["result"]["content"][0]["text"] == "fine [MASK]"
    assert (replied.status, unasked.status) == (202, 400)
    answers = {
        message["id"]: message
        for verb, _, message in server.heard
        if verb == "POST" and "method" not in message
    }
    assert answers[7]["result"]["content"] == {"name": "[MASK]"}
    assert answers[8]["error"]["code"] == 403


def test_a_client_may_listen_and_come_back(serving: Any, before: Any) -> None:
    """What the server says unasked is judged; an answer that a client missed is still its answer, and another one is nobody's."""
    with serving(**{"tools/call long": [{"$id": 1}]}) as server:
        agent = before(server.url)
        agent.ask("initialize")
        assert [event.id for event in agent.ask("tools/call", params=call("long"), **SID).events()] == [b"1"]
        for event in (
            {"id": 99, "result": SAID},
            {"$id": 2, "id": 1, "result": SAID},
            {"method": "notifications/tools/list_changed"},
        ):
            server.listening.put(event)
        server.listening.put(None)
        heard = agent.send("GET", None, last_event_id="1", content_type=None, **SID).messages()

    assert [message.get("id") for message in heard] == [1, None]
    assert heard[0]["result"]["content"][0]["text"] == "fine [MASK]"
    verb, headers, _ = server.heard[-1]
    assert (verb, headers["last-event-id"], headers["mcp-session-id"]) == ("GET", "1", SESSION)


MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN_HEADERS = {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/call", "mcp_name": "echo"}


def test_a_request_without_a_session_stands_for_itself(serving: Any, before: Any) -> None:
    """As revision 2026-07-28 has it: the guard's own list carries the same envelope; headers that repeat an argument follow it."""
    encoded = "=?base64?" + base64.b64encode("zqxmask \u00e9".encode()).decode() + "?="
    with serving() as server:
        agent = before(server.url)
        params = {**call("echo", word="zqxmask \u00e9", more=[1]), "_meta": MODERN}
        said = agent.ask("tools/call", params=params, mcp_param_word=encoded, **MODERN_HEADERS).message[
            "result"
        ]
        params = {**call("evil", word="zqxbomb"), "_meta": MODERN}
        blocked = agent.ask("tools/call", params=params, **{**MODERN_HEADERS, "mcp_name": "evil"}).message[
            "result"
        ]

    assert said["content"][0]["text"] == "fine [MASK]"
    assert (blocked["isError"], blocked["resultType"]) == (True, "complete")
    (_, listing, listed), (_, calling, called) = server.heard
    assert (listing["mcp-method"], "mcp-name" in listing, listed["params"]["_meta"]) == (
        "tools/list",
        False,
        MODERN,
    )
    assert (calling["mcp-method"], calling["mcp-name"]) == ("tools/call", "echo")
    assert called["params"]["arguments"]["word"] == "[MASK] \u00e9"
    assert base64.b64decode(calling["mcp-param-word"][9:-2]).decode() == "[MASK] \u00e9"


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp_method": "tools/list"},
        {"mcp_name": "evil"},
        {"mcp_name": "=?base64?%%?="},
        {"mcp_protocol_version": "2025-11-25"},
        {"mcp_param_word": "other"},
    ],
)
def test_headers_that_say_something_else_are_refused(
    serving: Any, before: Any, headers: dict[str, str]
) -> None:
    """Whoever acts on a header would act on what nobody judged: MCP's own error, and nothing reaches the server's tool."""
    with serving() as server:
        agent = before(server.url)
        params = {**call("echo", word="hello"), "_meta": MODERN}
        answer = agent.ask("tools/call", params=params, **{**MODERN_HEADERS, **headers})

    assert (answer.status, answer.message["error"]["code"]) == (400, -32020)
    assert "tools/call" not in server.methods


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (b'{"jsonrpc": "2.0", "id": 1, "result": {"a": 1, "a": 2}}', "server_invalid"),
        (b'{"jsonrpc": "2.0", "id": 2, "result": {"text": "zqxbomb"}}', "server_invalid"),
        (b'[{"jsonrpc": "2.0", "id": 1, "result": {}}]', "server_invalid"),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {"a": "' + b"a" * 3_000 + b'"}}', "server_invalid"),
        ([{"$id": 1, "method": "x", "Method": "zqxbomb"}], "server_invalid"),
        ([{"method": "notifications/progress", "params": {"message": "a" * 3_000}}], "server_invalid"),
        ([{"method": "notifications/progress", "params": {}}], "server_broke_off"),
        (500, "server_refused"),
        (302, "server_moved"),
    ],
)  # fmt: skip
def test_a_server_that_fails_passes_nothing(serving: Any, before: Any, said: Any, cause: str) -> None:
    """Doubled keys, another's answer, a batch, too much, a stream without an end, a status: an error with its cause."""
    with serving(ping=said) as server:
        agent = before(server.url, max_message_bytes=2_048)
        answer = agent.ask("ping")
        message = answer.messages()[-1] if isinstance(said, list) else answer.message

    assert (message["id"], message["error"]["code"], message["error"]["data"]["code"]) == (1, 502, cause)
    assert "zqx" not in json.dumps(message)


def test_errors_of_a_server_keep_their_status_and_are_judged(serving: Any, before: Any) -> None:
    """A client tells by the status, and by the code, what it has before it."""
    with serving() as server:
        agent = before(server.url)
        answer = agent.ask("resources/list")

    assert (answer.status, answer.message["error"]) == (404, {"code": -32601, "message": "no such method"})


def test_a_server_that_is_not_there_is_an_error(before: Any) -> None:
    """It says what to look at."""
    agent = before("http://127.0.0.1:9/mcp")

    assert agent.ask("ping").message["error"]["data"] == {"code": "server_unreachable"}
    assert agent.post({"method": "notifications/initialized"}).status == 502
    assert agent.send("GET", None, content_type=None).status == 502


def test_a_client_that_goes_away_calls_off_what_it_asked(serving: Any, before: Any) -> None:
    """The stream to the server is closed when the client closes its own."""
    with serving(**{"tools/call long": [{"$id": 1}, {"$wait": True}]}) as server:
        agent = before(server.url)
        answer = agent.ask("tools/call", params=call("long"))
        assert next(answer.events()).id == b"1"
        agent.close()
        answer._response.close()

        assert server.ended.wait(30)


def test_a_stream_that_falls_silent_is_an_error(serving: Any, before: Any) -> None:
    """On the stream itself, as a message to the one who waits, where it cannot be resumed."""
    note = {"method": "notifications/message", "params": {"level": "info", "data": "on it"}}
    with serving(**{"tools/call long": [note, {"$silence": True}]}) as server:
        said = before(server.url, request_s=0.5).ask("tools/call", params=call("long")).messages()
        server.ended.set()

    assert said[0]["params"]["data"] == "on it"
    assert (said[1]["id"], said[1]["error"]["data"]["code"]) == (1, "server_timeout")


@pytest.mark.parametrize("events", [[{"$wait": True}], [{"$silence": True}]])
def test_who_went_away_may_ask_again_with_the_same_id(serving: Any, before: Any, events: Any) -> None:
    """In the same session of the server's, from an answer that has begun, or not: nothing of it is kept."""
    note = {"method": "notifications/message", "params": {"level": "info", "data": "on it"}}
    with serving(**{"tools/call long": [note, *events]}, ping={}) as server:
        agent = before(server.url)
        session = {"mcp_session_id": agent.ask("ping").headers["mcp-session-id"]}
        answer = agent.ask("tools/call", params=call("long"), **session)
        next(answer.events())
        agent.close()
        answer._response.close()
        wait_until(lambda: "result" in agent.ask("ping", **session).message)
        server.ended.set()


def test_the_operators_token_goes_instead_of_the_agents(serving: Any, before: Any, monkeypatch: Any) -> None:
    """It comes from the environment."""
    monkeypatch.setenv("SERVER_TOKEN", "own")
    with serving() as server:
        agent = before(servers={"s": {"url": server.url, "key_env": "SERVER_TOKEN"}})
        agent.ask("ping", authorization="Bearer agent")

    assert server.heard[0][1]["authorization"] == "Bearer own"


@pytest.mark.parametrize(
    "name",
    [
        "user_agent",
        "accept_language",
        "mcp_session_id",
        "last_event_id",
        "tracestate",
        "mcp_protocol_version",
    ],
)
def test_headers_that_go_on_are_judged(serving: Any, before: Any, name: str) -> None:
    """Keys are for the server, and are not."""
    with serving() as server:
        agent = before(server.url)
        refused = agent.ask("ping", **{name: "x-zqxbomb-x"})
        passed = agent.ask("ping", authorization="Bearer x-zqxbomb-x")

    assert (refused.status, refused.message["error"]["data"]["code"]) == (400, "blocked_header")
    assert passed.status == 200
    assert [headers.get("authorization") for _, headers, _ in server.heard] == ["Bearer x-zqxbomb-x"]
