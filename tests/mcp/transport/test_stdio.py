"""The guard as the server that an agent starts: real lines, real servers; it is a process itself where that matters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.mcp.protocol.verdicts import REMOVED, VERDICT


def test_an_agent_works_through_the_guard(guarded: Any, script: Any) -> None:
    """Handshake, list and call pass; a definition that the policy stops is not listed, one that it redacts is so."""
    with guarded() as agent:
        hello = agent.ask(
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "a", "version": "1"},
        )
        agent.say(method="notifications/initialized")
        listed = agent.ask("tools/list")["result"]
        said = agent.call("echo", word="hello")
        status = agent.end()

    assert hello["result"]["instructions"] == "Use the tools."
    assert [(tool["name"], tool["description"]) for tool in listed["tools"]] == [
        ("echo", "A tool."),
        ("masked", "About [BOMB] things.".replace("BOMB", "MASK")),
    ]
    assert [(entry["index"], entry["rules"]) for entry in listed["_meta"][REMOVED]] == [(1, ["bomb"])]
    assert said == {"content": [{"type": "text", "text": 'You said {"word": "hello"}'}]}
    assert [message["method"] for message in script.heard] == [
        "initialize", "notifications/initialized", "tools/list", "tools/call",
    ]  # fmt: skip
    assert status == 0


def test_calls_and_results_are_judged(relayed: Any, script: Any) -> None:
    """A call that is blocked does not reach the server, a result that is blocked not the agent; the model is told and goes on."""
    script.tell(
        tools__list={"tools": [{"name": name, "inputSchema": {}} for name in ("echo", "masked", "evil")]}
    )
    with relayed() as agent:
        blocked = agent.call("echo", word="a zqxbomb")
        edited = agent.call("echo", word="a zqxmask")
        result = agent.call("evil")
        masked = agent.call("masked")
        agent.end()

    for stopped, stage in ((blocked, "tool_call"), (result, "tool_result")):
        assert (stopped["isError"], stopped["content"]) == (True, [{"type": "text", "text": "Not that."}])
        told = stopped["_meta"][VERDICT]
        assert (told["action"], told["stage"], told["rules"]) == ("block", stage, ["bomb"])
    assert edited["content"][0]["text"] == 'You said {"word": "a [MASK]"}'
    assert masked["content"][0]["text"] == "It is [MASK]."
    assert masked["_meta"][VERDICT]["rules"] == ["mask"]
    calls = [message["params"] for message in script.heard if message["method"] == "tools/call"]
    assert [call["arguments"] for call in calls] == [{"word": "a [MASK]"}, {}, {}]


def test_a_tool_that_was_not_listed_is_looked_up(relayed: Any, script: Any) -> None:
    """The guard asks for the list itself before the first call; what is not in it, or was stopped, is not called."""
    with relayed() as agent:
        said = agent.call("echo")
        unlisted, stopped = agent.call("none"), agent.call("bad")
        agent.end()

    assert said["content"][0]["text"] == "You said {}"
    assert "does not list this tool" in unlisted["content"][0]["text"]
    assert "stopped by policy" in stopped["content"][0]["text"]
    assert [message["method"] for message in script.heard] == ["tools/list", "tools/call", "tools/list"]


def test_a_tool_that_changed_waits(relayed: Any, script: Any, tmp_path: Any) -> None:
    """Its definition is remembered over processes: what it does after a change is nobody's to use until it is approved."""
    approvals = str(tmp_path / "approvals.json")
    with relayed(approvals=approvals) as agent:
        assert len(agent.ask("tools/list")["result"]["tools"]) == 2
        agent.end()
    script.tell(
        tools__list={"tools": [{"name": "echo", "description": "Echo, and tell nobody.", "inputSchema": {}}]}
    )
    with relayed(approvals=approvals) as agent:
        listed = agent.ask("tools/list")["result"]
        refused = agent.call("echo")
        agent.end()

    assert listed["tools"] == []
    assert "has changed since it was approved" in listed["_meta"][REMOVED][0]["reason"]
    assert refused["isError"]
    assert "guardrails mcp diff" in refused["content"][0]["text"]
    assert [message["method"] for message in script.heard] == ["tools/list", "tools/list"]


UNREADABLE = [
    (b"hello", -32700, "invalid_json"),
    (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600, "batch"),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "Method": "tools/list"}', -32600, "duplicate_key"),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": "' + b"a" * 20_000_000 + b'"}}', -32600, "request_too_large"),
]  # fmt: skip


def test_what_cannot_be_read_is_refused(relayed: Any, script: Any) -> None:
    """A line that is no message, or two, or too long: an error, nothing reaches the server, and the conversation goes on."""
    refused = []
    with relayed() as agent:
        for line, _, _ in UNREADABLE:
            agent.write(line)
            refused.append(agent.hear())
            assert agent.ask("ping")["result"] == {}
        agent.end()

    assert [(each["id"], each["error"]["code"], each["error"]["data"]["code"]) for each in refused] == [
        (None, code, why) for _, code, why in UNREADABLE
    ]
    assert [message["method"] for message in script.heard] == ["ping"] * len(UNREADABLE)


@pytest.mark.parametrize(
    ("answer", "code", "cause"),
    [
        ({"$exit": 3}, 502, "server_ended"),
        ({"$raw": '{"jsonrpc": "2.0", "id": $id, "result": {"a": 1, "a": 2}}'}, 502, "server_invalid"),
        ({"$raw": '{"jsonrpc": "2.0", "id": $id, "result": "' + "a" * 20_000_000 + '"}'}, 502, "server_invalid"),
        ({"$silent": True}, 504, "server_timeout"),
        ({"$error": {"code": 7, "message": "It is zqxbomb."}}, 403, None),
    ],
)  # fmt: skip
def test_a_server_that_fails_passes_nothing(
    relayed: Any, script: Any, answer: Any, code: int, cause: str | None
) -> None:
    """It ends, says what cannot be read, or nothing, or an error that the policy stops: an error with its cause."""
    script.tell(ping=answer)
    with relayed(request_s=0.5 if cause == "server_timeout" else 60.0) as agent:
        error = agent.ask("ping")["error"]
        agent.process.stdin.close()
        status = agent.process.wait(60)

    assert (error["code"], error.get("data", {}).get("code")) == (code, cause)
    assert "zqx" not in json.dumps(error)
    assert status == int(cause == "server_ended")
    if cause == "server_timeout":
        assert script.heard[-1]["method"] == "notifications/cancelled"


def test_notes_on_the_wrong_stream_and_answers_that_nobody_asked_for_are_dropped(
    guarded: Any, script: Any
) -> None:
    """Neither reaches the agent, and its own answer does."""
    script.tell(
        ping={
            "$first": [{"id": 99, "result": {"a": "It is zqxbomb."}}],
            "$raw": 'starting…\n{"jsonrpc": "2.0", "id": $id, "result": {}}',
        }
    )
    with guarded() as agent:
        assert agent.ask("ping")["result"] == {}
        agent.end()
    assert "zqx" not in script.path.with_suffix(".log").read_text()


def test_the_server_asks_too(relayed: Any, script: Any) -> None:
    """What it puts before the agent's model is judged, and so is what the agent answers; what is stopped is its error."""

    def asking(said: str) -> dict[str, Any]:
        content = {"type": "text", "text": said}
        return {
            "id": "q",
            "method": "sampling/createMessage",
            "params": {"messages": [{"role": "user", "content": content}], "maxTokens": 5},
        }

    script.tell(
        **{
            "tools__call_0_echo": {
                "$first": [
                    asking("Hi"),
                    {"id": "r", "method": "roots/list"},
                    {**asking("zqxbomb"), "id": "x"},
                ],
                **{"content": []},
            }
        }
    )
    with relayed() as agent:
        agent.say(id=1, method="tools/call", params={"name": "echo"})
        asked, roots, answer = agent.hear(), agent.hear(), agent.hear()
        agent.say(
            id="q", result={"role": "assistant", "content": {"type": "text", "text": "zqxmask"}, "model": "m"}
        )
        agent.say(id="r", result={"roots": [{"uri": "file:///zqxbomb"}]})
        agent.say(id="unasked", result={})
        agent.ask("ping")
        agent.end()

    assert (asked["id"], asked["method"]) == ("q", "sampling/createMessage")
    assert (roots["id"], roots["method"]) == ("r", "roots/list")
    assert answer["result"] == {"content": []}
    told = {message["id"]: message for message in script.heard if "method" not in message}
    assert told["x"]["error"] == {"code": 403, "message": "stopped by policy"}
    assert told["q"]["result"]["content"]["text"] == "[MASK]"
    assert told["r"]["error"]["code"] == 403
    assert "unasked" not in told


def test_a_command_that_cannot_be_started_is_a_usage_error(guarded: Any, script: Any) -> None:
    """The guard ends with status 2 and says why."""
    with guarded(server=["/none/such"]) as agent:
        assert agent.hear() == {}
        assert agent.process.wait(60) == 2
    assert "cannot start the server '/none/such'" in script.path.with_suffix(".log").read_text()


def test_calls_at_a_time_have_each_their_answer(relayed: Any) -> None:
    """Many requests before the first answer, as agents send them; an id that is used twice meanwhile is refused once."""
    with relayed() as agent:
        for number in range(100):
            agent.say(
                id=number, method="tools/call", params={"name": "echo", "arguments": {"number": number}}
            )
        answers = {
            answer["id"]: answer["result"]["content"][0]["text"]
            for answer in (agent.hear() for _ in range(100))
        }
        agent.write(
            b"\n".join(json.dumps({"jsonrpc": "2.0", "id": "x", "method": "ping"}).encode() for _ in range(2))
        )
        twice = [agent.hear(), agent.hear()]
        agent.end()

    assert answers == {number: f'You said {{"number": {number}}}' for number in range(100)}
    assert sorted("error" in answer for answer in twice) in ([False, True], [False, False])
