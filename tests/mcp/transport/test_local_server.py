"""A server that is a command, served over HTTP: real processes, real requests."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}


@pytest.fixture
def agent(before: Any, script: Any) -> Any:
    """An agent before the scripted server."""
    return before(servers={"s": {"command": script.command}})


def begun(agent: Any) -> dict[str, str]:
    """Begin a session; returns its header."""
    hello = agent.ask("initialize", params={"protocolVersion": "2025-06-18"})
    assert hello.message["result"]["serverInfo"]["name"] == "scripted"
    return {"mcp_session_id": hello.headers["mcp-session-id"]}


def test_a_session_has_a_process_of_its_own(agent: Any, script: Any) -> None:
    """It begins with the handshake and ends with it; a session that is not there is one to begin anew."""
    first, second = begun(agent), begun(agent)
    assert first != second
    assert agent.post({"method": "notifications/initialized"}, **first).status == 202
    tools = agent.ask("tools/list", **first).message["result"]["tools"]
    said = agent.ask("tools/call", params={"name": "masked", "arguments": {}}, **first).message
    blocked = agent.ask(
        "tools/call", params={"name": "echo", "arguments": {"a": "zqxbomb"}}, **first
    ).message["result"]

    assert [tool["name"] for tool in tools] == ["echo", "masked"]
    assert (said["id"], said["result"]["content"][0]["text"]) == (1, "It is [MASK].")
    assert blocked["isError"]
    assert agent.send("DELETE", **first).status == 204
    assert agent.ask("ping", **first).status == 404
    assert agent.send("DELETE", **first).status == 404
    assert agent.ask("ping", **second).message["result"] == {}
    assert [each["method"] for each in script.heard].count("initialize") == 2


def test_agents_that_use_the_same_ids_have_their_own_answers(agent: Any) -> None:
    """Without a session they share a process, in which the guard's own ids tell them apart."""
    found: dict[int, tuple[object, str]] = {}

    def ask(number: int) -> None:
        params = {"name": "echo", "arguments": {"number": number}, "_meta": MODERN}
        message = {"jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": params}
        answer = agent.send("POST", json.dumps(message).encode()).message
        found[number] = (answer["id"], answer["result"]["content"][0]["text"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {number: ("same", f'You said {{"number": {number}}}') for number in range(12)}


def test_what_belongs_to_a_request_comes_on_its_stream(agent: Any, script: Any) -> None:
    """Progress and requests of the server's come before the answer, judged; what the agent answers reaches the server."""
    note = {
        "method": "notifications/progress",
        "params": {"progressToken": "t", "progress": 1, "message": "zqxmask"},
    }
    asked = {"id": "q", "method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {}}}
    session = begun(agent)
    script.tell(**{"tools__call_0_echo": {"$first": [note, asked], "content": []}})
    params = {"name": "echo", "_meta": {"progressToken": "t"}}
    progress, question, answer = agent.ask("tools/call", params=params, **session).messages()
    agent.post({"id": "q", "result": {"action": "accept", "content": {"name": "zqxmask"}}}, **session)
    agent.ask("ping", **session)

    assert progress["params"]["message"] == "[MASK]"
    assert (question["id"], question["method"]) == ("q", "elicitation/create")
    assert (answer["id"], answer["result"]) == (1, {"content": []})
    replies = [each for each in script.heard if "method" not in each]
    assert [each["result"]["content"] for each in replies] == [{"name": "[MASK]"}]


def test_an_agent_may_listen(agent: Any, script: Any) -> None:
    """What nobody asked for waits until somebody listens; the next one to listen takes over."""
    session = begun(agent)
    changed = {"method": "notifications/tools/list_changed"}
    script.tell(ping={"$first": [changed]})
    first = agent.send("GET", None, content_type=None, **session)
    listening = first.events()
    agent.ask("ping", **session)
    assert json.loads(next(listening).data)["method"] == "notifications/tools/list_changed"
    second = agent.send("GET", None, content_type=None, **session).events()
    assert list(listening) == []
    agent.ask("ping", **session)
    assert json.loads(next(second).data)["method"] == "notifications/tools/list_changed"
    assert agent.send("GET", None, content_type=None).status == 404


def test_what_nobody_waits_for_any_more_is_called_off(agent: Any, script: Any) -> None:
    """An agent that goes away, or that cancels: the server is told, under the id that it knows."""
    session = begun(agent)
    silent = {
        "$first": [{"method": "notifications/message", "params": {"level": "info", "data": "on it"}}],
        "$silent": True,
    }
    script.tell(**{"tools__call_0_echo": silent})
    answer = agent.ask("tools/call", params={"name": "echo"}, **session)
    assert json.loads(next(answer.events()).data)["params"]["data"] == "on it"
    assert (
        agent.post({"method": "notifications/cancelled", "params": {"requestId": 1}}, **session).status == 202
    )
    assert (
        agent.post({"method": "notifications/cancelled", "params": {"requestId": 9}}, **session).status == 202
    )
    agent.ask("ping", **session)

    calls = {each["method"]: each for each in script.heard}
    assert calls["notifications/cancelled"]["params"]["requestId"] == calls["tools/call"]["id"]


def test_a_process_that_ends_is_told_and_started_again(agent: Any, script: Any) -> None:
    """Who waits has an error with its cause; without a session the next request has a new process, with one it begins anew."""
    session = begun(agent)
    script.tell(ping={"$exit": 3})
    assert agent.ask("ping").message["error"]["data"] == {"code": "server_ended"}
    assert agent.ask("ping", **session).message["error"]["data"] == {"code": "server_ended"}
    script.tell(ping={})
    assert agent.ask("ping").message["result"] == {}
    assert agent.ask("ping", **session).status == 404


def test_a_command_that_cannot_be_started_is_an_error(before: Any) -> None:
    """It says which."""
    agent = before(servers={"s": {"command": ["/none/such"]}})

    answer = agent.ask("ping")
    assert answer.status == 502
    assert "cannot start the server '/none/such'" in answer.message["error"]["message"]


def test_what_was_idle_for_long_is_ended(before: Any, script: Any) -> None:
    """A session that nobody uses has no process for ever."""
    agent = before(servers={"s": {"command": script.command}}, session_idle_s=0.001)
    session = begun(agent)
    begun(agent)

    assert agent.ask("ping", **session).status == 404
