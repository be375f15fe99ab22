"""Who may ask a guard over HTTP, and in which session."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from guardrails import Guard, GuardrailsError
from guardrails.mcp.guards import McpGuard
from guardrails.mcp.session import AgentSession
from guardrails.mcp.settings import McpDoc, load_settings
from guardrails.mcp.transport import http as mcp_http
from guardrails.mcp.transport.http import MOST_LINKS_OF_ONE, LinkTable, open_socket
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.server.connections import Connections, Limits
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:6274"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "guard.example"}, 200),
        ({"host": "localhost:1234"}, 200),
        ({"host": "[::1]"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "[evil"}, 403),
    ],
)
def test_only_known_origins_and_hosts_may_ask(
    before: Any, remote: Any, headers: dict[str, str], status: int
) -> None:
    """A web page that reaches this machine under another name is refused, and so is one from elsewhere."""
    with remote.serving(remote.Script(ping={})) as server:
        agent = before(server.url, allowed_origins=["http://localhost:6274"], allowed_hosts=["guard.example"])

        assert agent.ask("ping", **headers).status == status
        assert len(server.heard) == int(status == 200)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example", "origin": "http://evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site", "origin": "https://app.example.com"},
    ],
)
def test_a_page_elsewhere_reaches_no_route(before: Any, remote: Any, headers: dict[str, str]) -> None:
    """Of the application, by no method: not with a text either, which needs no preflight."""
    with remote.serving(remote.Script(ping={})) as server:
        doc = load_settings(None, {"servers": {"s": {"url": server.url}}})
        routes = mcp_http.create_app(McpGuard(doc)).routes
        paths = [route.path.replace("{name}", "s") for route in routes if isinstance(route, Route)]
        assert (len(paths), sorted(paths)) == (len(routes), ["/mcp", "/mcp/s"])
        for path in paths:
            agent = before(server.url, path)
            for verb in ("POST", "GET", "HEAD", "DELETE"):
                answer = agent.send(
                    verb, b'{"jsonrpc":"2.0","id":1,"method":"ping"}', content_type="text/plain", **headers
                )
                assert (answer.status, path, verb) == (403, path, verb)
        assert server.heard == []


@pytest.mark.parametrize(
    ("names", "host", "status"),
    [
        ([], "other.example", 403),
        ([], "10.1.2.3:8090", 200),
        ([], "localhost", 200),
        (["guard.example"], "other.example", 403),
        (["*.example"], "other.example", 200),
    ],
)
def test_a_guard_on_all_addresses_knows_only_the_names_that_it_is_told(
    before: Any, remote: Any, names: list[str], host: str, status: int
) -> None:
    """Addresses were never looked up: no page can have one of its own that leads here."""
    with remote.serving(remote.Script(ping={})) as server:
        agent = before(server.url, host="0.0.0.0", open=True, allowed_hosts=names)

        answer = agent.ask("ping", host=host)

        assert answer.status == status
        assert status == 200 or "allowed_hosts" in answer.message["error"]["message"]


def test_half_a_request_is_not_waited_for(before: Any, remote: Any, monkeypatch: Any) -> None:
    """Neither its head nor its body: the limits of the proxy hold here, too."""
    limits = Limits(head_s=0.2, body_s=0.2)
    monkeypatch.setattr(mcp_http, "Connections", lambda: Connections(limits))
    head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    with remote.serving(remote.Script()) as server:
        port = before(server.url).port
        for sent in (head[:20], head + b"{"):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
                slow.sendall(sent)
                said = b"".join(iter(lambda slow=slow: slow.recv(4_096), b""))
            assert b"arrive" in said


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"hello", {}, 400, -32700),
        (b"[]", {}, 400, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "Method": "x"}', {}, 400, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"a" * 3_000 + b'"}', {}, 413, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}', {"content_type": "text/plain"}, 415, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}', {"content_type": None}, 415, -32600),
    ],
)
def test_what_is_no_message_is_refused(
    before: Any, remote: Any, body: bytes, headers: dict[str, Any], status: int, code: int
) -> None:
    """No JSON, a batch, doubled keys, too much, another type: an error, and nothing reaches the server."""
    with remote.serving(remote.Script(ping={})) as server:
        answer = before(server.url, max_message_bytes=2_048).send("POST", body, **headers)

        assert (answer.status, answer.message["error"]["code"], server.heard) == (status, code, [])


def test_a_message_that_does_not_come_to_its_end_is_not_waited_for(before: Any, remote: Any) -> None:
    """Longer than for an answer of the server's."""
    with remote.serving(remote.Script()) as server:
        port = before(server.url, request_s=0.2).port
        with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
            slow.sendall(
                b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
            )
            told = http.client.HTTPResponse(slow)
            told.begin()
            said = told.read()

    assert told.status == 400
    assert b"did not arrive within 0.2 s" in said


def test_several_servers_have_names(before: Any, remote: Any) -> None:
    """Each is served at its own path, and nothing else is."""
    with remote.serving(remote.Script(ping={})) as one, remote.serving(remote.Script(ping={})) as two:
        agent = before(servers={"one": {"url": one.url}, "two": {"url": two.url}}, path="/mcp/two")
        assert agent.ask("ping").status == 200
        assert (len(one.heard), len(two.heard)) == (0, 1)
        for path in ("/mcp/three", "/mcp", "/"):
            agent.path = path
            assert agent.ask("ping").status == 404
        assert agent.send("PUT").status in {404, 405}


TAINT = """
format: 1
name: taint
tools: {untrusted: ["web/*"]}
rules:
  - {id: tainted, on: tool_call, when: tool.tainted && tool.server == "mail", then: block}
"""


@pytest.mark.parametrize(
    ("then", "blocked"),
    [
        ({}, True),
        ({"x_guardrails_session": "b"}, False),
        ({"authorization": "Bearer b"}, True),
        ({"mcp_session_id": "other"}, True),
    ],
)
def test_a_session_spans_servers(
    before: Any, remote: Any, tmp_path: Path, then: dict[str, str], blocked: bool
) -> None:
    """What a stranger's server returned is remembered for calls to another server: of the same agent, and of the same session."""
    policy = tmp_path / "taint.yaml"
    policy.write_text(TAINT)
    said = {"content": [{"type": "text", "text": "A stranger's words."}]}
    tools = {"tools": [{"name": "act", "inputSchema": {}}]}
    script = {"tools/list": tools, "tools/call": said}
    with remote.serving(remote.Script(**script)) as web, remote.serving(remote.Script(**script)) as mail:
        agent = before(
            policy=str(policy), servers={"web": {"url": web.url}, "mail": {"url": mail.url}}, path="/mcp/web"
        )
        agent.ask("tools/call", params={"name": "act"})
        agent.path = "/mcp/mail"
        found = agent.ask("tools/call", params={"name": "act"}, **then).message["result"]

    assert found.get("isError", False) is blocked
    assert ("tools/call" in mail.methods) is not blocked


@pytest.fixture
def links(policy: Path) -> LinkTable:
    """The conversations with a server."""
    doc = McpDoc.model_validate({"servers": {"s": {"url": "http://127.0.0.1:9/mcp"}}})
    return LinkTable("s", McpGuard(doc, Guard.load(policy)))


def test_conversations_of_one_agent_are_bounded(links: LinkTable) -> None:
    """Its idlest is forgotten, one that is used stays, and one that ended goes; other agents lose nothing."""
    session, other = AgentSession(), AgentSession()
    others = links.get("other", other)
    first, gone = links.get("first", session), links.get("gone", session)
    for number in range(2 * MOST_LINKS_OF_ONE):
        if number % 100 == 0:
            assert links.get("first", session) is first
        links.keep(str(number), session, first)
    assert links.get("gone", session) is not gone
    assert links.get("other", other) is others
    links.forget("first", session)
    links.forget(None, session)
    assert links.get("first", session) is not first
    assert links.get("first", AgentSession()) is not links.get("first", session)
    assert links.get(None, session) is not links.get(None, session)


def test_conversations_of_all_agents_are_bounded(links: LinkTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The idlest of all is forgotten."""
    monkeypatch.setattr(mcp_http, "MOST_LINKS", 3)
    sessions = [AgentSession() for _ in range(4)]
    found = [links.get("s", session) for session in sessions]
    for session, link in zip(sessions[1:], found[1:], strict=True):
        assert links.get("s", session) is link
    assert links.get("s", sessions[0]) is not found[0]


def test_an_agent_has_half_of_the_places(before: Any, remote: Any) -> None:
    """Further requests are told to come back, before they are read; a place is free again once an answer is there, or the agent
    has gone. Who only listens takes none.
    """
    waits = [{"method": "notifications/message", "params": {"level": "info", "data": "on it"}}, {"$wait": 1}]
    with remote.serving(
        remote.Script(ping={}, **{"resources/read": waits, "subscriptions/listen": waits})
    ) as server:
        agent = before(server.url, max_concurrent=4)
        for _ in range(3):
            next(agent.ask("subscriptions/listen").events())
        calls = [agent.ask("resources/read", params={"uri": "a://b"}) for _ in range(2)]
        for call in calls:
            next(call.events())
        refused = agent.ask("ping")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.message["error"]["data"]["code"] == "guard_unavailable"
        for connection in agent.open:
            connection.close()
        wait_until(lambda: agent.ask("ping").status == 200)


def test_messages_share_a_room(before: Any, remote: Any) -> None:
    """One that is large waits for no other, and finds no room beside another; small ones always do."""
    waits = [{"method": "notifications/message", "params": {"level": "info", "data": "on it"}}, {"$wait": 1}]
    with remote.serving(remote.Script(ping={}, **{"resources/read": waits})) as server:
        agent = before(server.url, max_bodies_bytes=1 << 20)
        asking = b'{"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "a://b"}}'
        large = b'{"jsonrpc": "2.0", "id": 2, "method": "ping"}' + b" " * 3_000_000
        next(agent.send("POST", asking + b" " * 3_000_000).events())
        assert agent.send("POST", large).status == 503
        assert agent.ask("ping").status == 200
        for connection in agent.open:
            connection.close()
        wait_until(lambda: agent.send("POST", large).status == 200)


def test_an_address_that_is_taken_is_an_error() -> None:
    """It says which, and why."""
    doc = load_settings(None, {"servers": {"s": {"url": "http://127.0.0.1:9/mcp"}}, "port": 0})
    with open_socket(doc) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(GuardrailsError, match=f"cannot listen on 127.0.0.1:{port}"):
            open_socket(doc.model_copy(update={"port": port}))


def test_requests_at_a_time_do_not_mix(before: Any, remote: Any) -> None:
    """Agents that all ask with the same ids have each the answer to their own."""
    tools = {"tools": [{"name": "echo", "inputSchema": {}}]}
    with remote.serving(remote.Script(**{"tools/list": tools, "tools/call": {"content": []}})) as server:
        agent = before(server.url)
        found: dict[int, int] = {}

        def ask(number: int) -> None:
            message = {"jsonrpc": "2.0", "id": number % 3, "method": "tools/call", "params": {"name": "echo"}}
            answer = agent.send("POST", json.dumps(message).encode())
            found[number] = answer.message["id"]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == {number: number % 3 for number in range(24)}


KEYED = """
format: 1
name: keyed
rules:
  - {id: other, on: tool_call, when: request.tenant != "research" || request.user.tier != "trusted", then: block}
"""


@pytest.mark.parametrize(
    ("headers", "status", "passed"),
    [
        ({}, 401, None),
        ({"authorization": "Bearer wrong"}, 401, None),
        ({"x_guardrails_key": "wrong", "authorization": "Bearer right"}, 401, None),
        ({"authorization": "Basic right"}, 401, None),
        ({"authorization": "Bearer late"}, 401, None),
        ({"authorization": "bearer right"}, 200, None),
        ({"x_guardrails_key": "right"}, 200, None),
        ({"x_guardrails_key": "right", "authorization": "Bearer own"}, 200, "Bearer own"),
    ],
)
def test_only_agents_with_a_key_may_ask(
    before: Any, remote: Any, tmp_path: Path, headers: dict[str, str], status: int, passed: str | None
) -> None:
    """Where the settings have keys; rules know whose it is, and no server gets it."""
    policy = tmp_path / "keyed.yaml"
    policy.write_text(KEYED)
    keys = [
        {"id": "one", "sha256": hash_key("right"), "team": "research", "user": {"tier": "trusted"}},
        {"id": "two", "sha256": hash_key("late"), "not_after": "2020-01-01"},
    ]
    script = {"resources/read": {"contents": []}}
    with remote.serving(remote.Script(**script)) as server:
        agent = before(server.url, policy=str(policy), keys=keys)
        answer = agent.ask("resources/read", params={"uri": "a"}, **headers)

    assert answer.status == status
    if status == 401:
        assert (answer.headers["www-authenticate"], server.heard) == ("Bearer", [])
    else:
        assert "result" in answer.message
        [(_, heard, _)] = server.heard
        assert heard.get("authorization") == passed
        assert "x-guardrails-key" not in heard


def test_a_session_of_a_server_is_its_agents(before: Any, script: Any) -> None:
    """Another agent that knows its id has none of it: neither its process, nor what it asked, nor its end."""
    keys = [{"id": name, "sha256": hash_key(name)} for name in ("one", "two")]
    agent = before(servers={"s": {"command": script.command}}, keys=keys)
    one, two = {"x_guardrails_key": "one"}, {"x_guardrails_key": "two"}
    session = {"mcp_session_id": agent.ask("initialize", **one).headers["mcp-session-id"]}

    assert agent.ask("ping", **session, **two).status == 404
    assert agent.send("GET", None, content_type=None, **session, **two).status == 404
    assert agent.send("DELETE", **session, **two).status == 404
    assert agent.ask("ping", **session, **one).message["result"] == {}
