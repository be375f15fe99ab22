"""What becomes of each message: requests are matched with answers, both are judged, and failure is never a pass."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from guardrails import Budget, Detection, Guard
from guardrails.errors import BackendError
from guardrails.mcp.approvals import ApprovalStore
from guardrails.mcp.link import MOST_ASKED, LinkResult, McpLink, MessageJudge
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.methods import CLIENT, SERVER
from guardrails.mcp.protocol.verdicts import REMOVED, VERDICT
from guardrails.mcp.session import AgentSession
from guardrails.mcp.tools import ServerTools
from tests.cases import each_case, scale

EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""
tools: {{allow: [{{name: "*"}}], untrusted: ["s/fetch", "s/resources/read"]}}
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block}}
  - {{id: mask, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
  - {{id: carried, on: tool_call, when: tool.carries, then: block}}
  - {{id: changed, on: tool_definition, when: tool.changed, then: flag}}
"""
DEFINED = [{"name": name, "inputSchema": {}} for name in ("act", "fetch")]


class Talk:
    """A conversation that is had at once: what is said in, what becomes of it out."""

    def __init__(
        self, guard: Guard, *, unknown: str = "judge", pages: list[Any] | None = None, **tools: Any
    ) -> None:
        self.session = AgentSession()
        self.tools = ServerTools("s", tools.pop("approvals", ApprovalStore()), **tools)
        self.link = McpLink(MessageJudge(guard, "s", self.session), self.tools, unknown=unknown)
        self.asked: list[dict[str, Any]] = []
        self._pages = iter(pages if pages is not None else [{"tools": DEFINED}])

    async def ask(self, body: dict[str, Any]) -> rpc.RpcMessage:
        """Answer what the guard asks for itself."""
        self.asked.append(body)
        page = next(self._pages)
        if isinstance(page, Exception):
            raise page
        if "error" in page:
            return rpc.classify_message({"jsonrpc": "2.0", "id": body["id"], **page})
        return rpc.classify_message(rpc.make_result(body["id"], page))

    def agent(self, **message: Any) -> LinkResult:
        """The agent says something."""
        return self._had(
            lambda: self.link.from_agent(rpc.classify_message({"jsonrpc": "2.0", **message}), self.ask)
        )

    def server(self, **message: Any) -> LinkResult:
        """The server says something."""
        return self._had(lambda: self.link.from_server(rpc.classify_message({"jsonrpc": "2.0", **message})))

    def exchange(self, method: str, result: Any, **params: Any) -> dict[str, Any]:
        """The agent asks and the server answers; returns what the agent gets."""
        asked = self.agent(id=1, method=method, params=params)
        body = asked.returned or self.server(id=1, result=result).forwarded
        assert body is not None
        return body

    @staticmethod
    def _had(say: Callable[[], Awaitable[LinkResult]]) -> LinkResult:
        async def had() -> LinkResult:
            return await say()

        return asyncio.run(had())


@pytest.fixture(scope="module")
def guard(guard_of: Any) -> Guard:
    """A guard that blocks `zqxbomb` and redacts `zqxmask`, and follows what strangers wrote."""
    made: Guard = guard_of(POLICY)
    return made


@pytest.fixture
def talk(guard: Guard) -> Talk:
    """A conversation."""
    return Talk(guard)


def test_what_is_over_the_budget_goes_no_further(guard: Guard) -> None:
    """Neither a call nor a result: whoever waits is told why."""
    talk = Talk(Guard(guard.policy, budget=Budget(characters=200)))
    long, short = "word " * 50, "word"
    asked = talk.agent(id=1, method="tools/call", params={"name": "act", "arguments": {"text": long}})
    assert asked.forwarded is None
    answered = talk.exchange(
        "tools/call", {"content": [{"type": "text", "text": long}]}, name="act", arguments={"text": short}
    )
    for body in (asked.returned, answered):
        assert body is not None
        assert "200 that are judged at once" in body["error"]["message"]
        assert long not in json.dumps(body)


def test_poisoned_instructions_are_left_out(talk: Talk) -> None:
    """The handshake goes on without them, and says so to programs."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
    body = talk.exchange("initialize", {**hello, "instructions": "Say zqxbomb."})["result"]

    assert {name: value for name, value in body.items() if name != "_meta"} == hello
    assert body["_meta"][REMOVED][0]["of"] == "instructions"
    assert (
        talk.exchange("server/discover", {**hello, "instructions": "About zqxmask."})["result"][
            "instructions"
        ]
        == "About [MASK]."
    )
    blocked = talk.exchange("initialize", {**hello, "serverInfo": {"name": "zqxbomb"}})
    assert (blocked["error"]["code"], blocked["error"]["data"][VERDICT]["rules"]) == (403, ["bomb"])


@pytest.mark.parametrize(
    ("method", "field", "good", "bad"),
    [
        (
            "tools/list",
            "tools",
            {"name": "a", "inputSchema": {}},
            {"name": "b", "inputSchema": {"enum": ["zqxmask"]}},
        ),
        ("tools/list", "tools", {"name": "a", "inputSchema": {}}, {"name": "b", "title": "zqxbomb"}),
        (
            "resources/list",
            "resources",
            {"uri": "file:///a", "name": "a"},
            {"uri": "file:///b", "name": "zqxbomb"},
        ),
        (
            "resources/templates/list",
            "resourceTemplates",
            {"uriTemplate": "a", "name": "a"},
            {"uriTemplate": "zqxbomb", "name": "b"},
        ),
        (
            "prompts/list",
            "prompts",
            {"name": "a"},
            {"name": "b", "arguments": [{"name": "c", "description": "zqxbomb"}]},
        ),
    ],
)
def test_a_poisoned_entry_is_left_out_of_its_list(
    talk: Talk, method: str, field: str, good: Any, bad: Any
) -> None:
    """The others stay, in their order, with the rest of the page."""
    body = talk.exchange(method, {field: [bad, good, bad], "nextCursor": "c"})["result"]

    assert (body[field], body["nextCursor"]) == ([good], "c")
    assert len(body["_meta"][REMOVED]) == 2
    assert "zqx" not in json.dumps(body)


def test_tools_that_cannot_be_told_apart_are_left_out(talk: Talk) -> None:
    """Two of one name, and one without any; none of them may be called."""
    tools = [{"name": "a", "description": "1"}, {"name": "a", "description": "2"}, {"description": "3"}, "x"]
    body = talk.exchange("tools/list", {"tools": tools})["result"]

    assert body["tools"] == []
    assert len(body["_meta"][REMOVED]) == 4
    refused = talk.agent(id=2, method="tools/call", params={"name": "a"}).returned
    assert refused is not None
    assert "two tools of this name" in refused["result"]["content"][0]["text"]


def test_all_pages_are_read_before_an_unlisted_tool_is_refused(guard: Guard) -> None:
    """The guard goes on as long as there are more; one that goes round in a circle ends."""
    talk = Talk(guard, pages=[{"tools": [], "nextCursor": "2"}, {"tools": DEFINED, "nextCursor": "2"}])

    assert talk.agent(id=1, method="tools/call", params={"name": "act"}).forwarded is not None
    assert [each["params"] for each in talk.asked] == [{}, {"cursor": "2"}]


@each_case(
    ("page", "code"), [({"error": {"code": -32601, "message": "m"}}, None), (BackendError("late", 504), 504)]
)
def test_without_a_list_nothing_is_called(guard: Guard, page: Any, code: int | None) -> None:
    """A server that has none, or does not answer."""
    step = Talk(guard, pages=[page]).agent(id=1, method="tools/call", params={"name": "act"})

    assert step.forwarded is None
    assert step.returned is not None
    assert step.returned.get("error", {}).get("code") == code
    assert code is not None or step.returned["result"]["isError"]


def test_answers_are_matched_with_requests(talk: Talk) -> None:
    """An id in use is refused, an answer that nobody asked for goes nowhere, whichever side sends it, nor does a second one."""
    assert talk.server(id=1, result={}) == LinkResult()
    assert talk.agent(id=1, method="ping").forwarded == {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    twice = talk.agent(id=1, method="ping").returned
    assert twice is not None
    assert twice["error"]["code"] == -32600
    assert talk.server(id="1", result={}) == LinkResult()
    assert talk.server(id=1, result={}).forwarded == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert talk.server(id=1, result={}) == LinkResult()
    assert talk.agent(id=5, result={}).forwarded is None
    assert talk.server(id=None, error={"code": 1, "message": "m"}) == LinkResult()


def test_what_is_called_off_is_nobodys(talk: Talk) -> None:
    """A late answer to it goes nowhere; the note reaches the server."""
    talk.agent(id=1, method="ping")
    assert talk.agent(method="notifications/cancelled", params={"requestId": 1, "reason": "zqxmask"}).forwarded == {
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "reason": "[MASK]"},
    }  # fmt: skip
    assert talk.server(id=1, result={}) == LinkResult()
    assert talk.link.give_up(1, BackendError("late")) is None


def test_of_what_an_agent_left_only_the_last_is_waited_for(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come back for the answer; what it asked with the same id in the meantime is another request."""
    monkeypatch.setattr("guardrails.mcp.link.MOST_LEFT", 2)
    for number in range(4):
        talk.agent(id=number, method="ping")
    for number in (0, 9, 1):
        talk.link.leave(number)
    assert talk.server(id=0, result={}).forwarded is not None
    talk.agent(id=0, method="ping")
    talk.link.leave(2)
    talk.link.leave(3)
    assert talk.link.waiting == (2, 3, 0)


def test_waiting_requests_are_bounded(talk: Talk) -> None:
    """Beyond it the guard says that it is busy."""
    for number in range(MOST_ASKED):
        talk.link._asked[number] = None  # type: ignore[assignment]
    busy = talk.agent(id="more", method="ping").returned
    assert busy is not None
    assert busy["error"]["code"] == 503


@each_case(
    ("side", "message"),
    [
        ("agent", {"id": 1, "method": "new/method", "params": {"a": "zqxmask"}}),
        ("server", {"id": 1, "method": "new/method", "params": {"a": "zqxmask"}}),
        ("server", {"method": "notifications/new", "params": {"a": "zqxmask"}}),
    ],
)
def test_unknown_methods_are_judged_or_refused(guard: Guard, side: str, message: dict[str, Any]) -> None:
    """As the operator chooses: all their texts, or an error; a notification has no answer."""
    judged = getattr(Talk(guard), side)(**message)
    refused = getattr(Talk(guard, unknown="refuse"), side)(**message)

    assert judged.forwarded["params"] == {"a": "[MASK]"}
    assert refused.forwarded is None
    assert (refused.returned["error"]["code"] if "id" in message else refused.returned) == (
        -32601 if "id" in message else None
    )


@pytest.mark.parametrize("side", ["agent", "server"])
@pytest.mark.parametrize("method", [*CLIENT, *SERVER])
def test_a_request_without_an_id_goes_nowhere(talk: Talk, side: str, method: str) -> None:
    """Some servers would do it all the same, and no rule about calls would have seen it."""
    params = {"name": "unlisted", "arguments": {}}

    assert getattr(talk, side)(method=method, params=params) == LinkResult()


@pytest.mark.parametrize("method", ["notifications/message", "notifications/progress"])
def test_a_note_that_is_blocked_goes_nowhere(talk: Talk, method: str) -> None:
    """It has no answer in which that could be said."""
    assert talk.server(method=method, params={"data": "zqxbomb", "message": "zqxbomb"}) == LinkResult()


def test_edits_stay_inside_the_json(talk: Talk) -> None:
    """Structured content and numbers keep their form; what is not edited is as it was."""
    result = {
        "content": [{"type": "text", "text": '{"a": "zqxmask"}'}],
        "structuredContent": {"a": "zqxmask", "b": 1.50},
    }
    body = talk.exchange("tools/call", result, name="act")["result"]

    assert body["content"][0]["text"] == '{"a": "[MASK]"}'
    assert body["structuredContent"] == {"a": "[MASK]", "b": 1.5}
    assert body["_meta"][VERDICT]["action"] == "redact"


def test_what_a_stranger_wrote_is_followed(talk: Talk) -> None:
    """A result that was blocked did not reach the agent, and is not remembered; what a resource holds is."""
    page = "The code is 7319-aurora-bluefin, keep it."
    talk.exchange("tools/list", {"tools": DEFINED})
    talk.exchange("tools/call", {"content": [{"type": "text", "text": f"zqxbomb {page}"}]}, name="fetch")
    assert talk.session.heard == ()
    assert "result" in talk.exchange("tools/call", {"content": []}, name="act", arguments={"a": page})

    talk.exchange("resources/read", {"contents": [{"uri": "web:///a", "text": page}]}, uri="web:///a")
    carried = talk.exchange("tools/call", {"content": []}, name="act", arguments={"a": page})["result"]
    assert carried["_meta"][VERDICT]["rules"] == ["carried"]


def test_a_tasks_result_is_its_tools(talk: Talk) -> None:
    """What a task of an untrusted tool returns later is a stranger's too."""
    talk.exchange("tools/list", {"tools": DEFINED})
    task = {"taskId": "t1", "status": "working", "createdAt": "2026-01-01T00:00:00Z", "ttl": 1}
    talk.exchange("tools/call", {"task": task}, name="fetch")
    talk.exchange("tasks/result", {"content": [{"type": "text", "text": "A page."}]}, taskId="t1")

    assert {each.tools for each in talk.session.heard} == {(("fetch", "s"),)}
    assert talk.session.heard[-1].text == "A page."


def test_a_change_may_be_left_to_the_policy(guard: Guard) -> None:
    """Then its rules about `tool.changed` see it, in the definition and in calls."""
    talk = Talk(guard, judge_changes=True)
    talk.exchange("tools/list", {"tools": [{"name": "act"}]})
    body = talk.exchange("tools/list", {"tools": [{"name": "act", "title": "Other"}]})["result"]

    assert body["tools"] == [{"name": "act", "title": "Other"}]
    assert talk.agent(id=9, method="tools/call", params={"name": "act"}).forwarded is not None


def test_what_cannot_be_judged_is_an_error_to_who_waits(guard_of: Any, kind_of: Any, caplog: Any) -> None:
    """A detector that fails stops it, and is no violation; a failure of the guard's own is an error without a text, and passes nothing."""

    def fails(content: Any) -> Detection:
        raise ValueError("zqx")

    broken = guard_of(
        f"detectors: {{own: {{use: own}}}}\nrules: [{{id: r, on: {EVERYWHERE}, when: custom.own > 0, then: block}}]",
        detectors={"own": kind_of(fails)},
    )
    talk = Talk(broken)
    stopped = talk.agent(id=1, method="resources/read", params={"uri": "file:///a"})
    assert stopped.forwarded is None
    assert stopped.returned is not None
    assert stopped.returned["error"] == {
        "code": 503,
        "message": "the guard could not check this (crash)",
        "data": {"code": "guard_unavailable", "reason": "crash", "retryAfter": None},
    }
    assert " block as unavailable, crash (vd_" in caplog.messages[-1]

    bad = Talk(broken)
    bad.session.heard = None  # type: ignore[assignment] # what nobody foresaw
    step = bad.agent(id=1, method="ping")
    assert step.forwarded is None
    assert step.returned is not None
    assert step.returned["error"] == {
        "code": -32603,
        "message": "the guard failed; nothing was passed on",
        "data": {"code": "internal_error"},
    }


@pytest.mark.parametrize("params", [{}, {"name": 5}, {"name": None}])
def test_a_call_needs_a_name(talk: Talk, params: dict[str, Any]) -> None:
    """Of what is called nobody could say whether it may be."""
    refused = talk.agent(id=1, method="tools/call", params=params).returned
    assert refused is not None
    assert refused["error"]["code"] == -32600


def test_a_sampled_answer_that_is_blocked_is_an_error_to_the_server(talk: Talk) -> None:
    """Which is told no rule; its own request, blocked, likewise."""
    asking = {"messages": [{"role": "user", "content": {"type": "text", "text": "Hi"}}], "maxTokens": 9}
    assert talk.server(id=4, method="sampling/createMessage", params=asking).forwarded is not None
    answer = {"role": "assistant", "content": {"type": "text", "text": "zqxbomb"}, "model": "m"}
    refusal = {"code": 403, "message": "stopped by policy"}
    assert talk.agent(id=4, result=answer).forwarded == {"jsonrpc": "2.0", "id": 4, "error": refusal}
    again = {**asking, "systemPrompt": "zqxbomb"}
    assert talk.server(id=4, method="sampling/createMessage", params=again).returned == {
        "jsonrpc": "2.0",
        "id": 4,
        "error": refusal,
    }
    assert talk.server(id=4, method="roots/list").forwarded is not None
    declined = {"code": -1, "message": "zqxmask"}
    assert talk.agent(id=4, error=declined).forwarded == {
        "jsonrpc": "2.0",
        "id": 4,
        "error": {"code": -1, "message": "[MASK]"},
    }


def test_a_changed_list_is_read_before_the_next_call(guard: Guard) -> None:
    """A server that says that its tools have changed is asked again, whether the agent lists them or not."""
    talk = Talk(guard, pages=[{"tools": [{"name": "act", "title": "Other"}]}])
    talk.exchange("tools/list", {"tools": [{"name": "act"}]})
    assert talk.agent(id=1, method="tools/call", params={"name": "act"}).forwarded is not None
    assert talk.server(method="notifications/tools/list_changed").forwarded is not None

    refused = talk.agent(id=2, method="tools/call", params={"name": "act"}).returned
    assert refused is not None
    assert "has changed since" in refused["result"]["content"][0]["text"]


def test_a_server_does_not_speak_in_the_guards_name(talk: Talk) -> None:
    """What it says under the guard's keys goes nowhere; its other words for programs stay."""
    talk.exchange("tools/list", {"tools": DEFINED})
    result = {"content": [], "_meta": {VERDICT: {"action": "allow"}, "own/key": 1}}

    assert talk.exchange("tools/call", result, name="act")["result"]["_meta"] == {"own/key": 1}


WORD = st.sampled_from(
    ["a", "text", "type", "name", "content", "data", "uri", "user", "annotations", "tools", "task", "_meta"]
)
LEAF = st.none() | st.booleans() | st.integers(-5, 5) | WORD


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return lists and mappings of what there is."""
    return st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=4)


def hidden(value: Any, numbers: Any, word: str, seen: list[int], around: str = "{} {} y") -> Any:
    """Return a value in which some texts, or names, have a word in them, or are it; `seen` counts the places."""
    seen[0] += 1
    here = seen[0] in numbers
    if isinstance(value, dict):
        made = {name: hidden(inner, numbers, word, seen, around) for name, inner in value.items()}
        return {**made, f"x {word}": 1} if here else made
    if isinstance(value, list):
        made_list = [hidden(inner, numbers, word, seen, around) for inner in value]
        return [*made_list, word] if here else made_list
    return around.format(value, word) if here and isinstance(value, str) else value


SHAPES: dict[str, Any] = {
    "tools/call": {"content": [{"type": "text", "text": "a", "annotations": {"audience": ["user"]}}, {"type": "resource_link", "uri": "a", "name": "n", "mimeType": "m"},
                   {"type": "resource", "resource": {"uri": "a", "mimeType": "m", "text": "t"}}], "structuredContent": {"a": ["b"]}, "_meta": {"a": "b"}, "resultType": "complete"},
    "tools/list": {"tools": [{"name": "n", "title": "t", "description": "d", "inputSchema": {"type": "object", "required": ["a"]}, "icons": [{"src": "a b", "sizes": ["s"]}]}], "nextCursor": "a b"},
    "initialize": {"protocolVersion": "v", "capabilities": {"a": {}}, "serverInfo": {"name": "n", "version": "v"}, "instructions": "i"},
    "resources/read": {"contents": [{"uri": "a", "mimeType": "m", "text": "t"}]},
    "prompts/get": {"description": "d", "messages": [{"role": "user", "content": {"type": "text", "text": "t"}}]},
    "completion/complete": {"completion": {"values": ["v"], "total": 1}},
    "tasks/get": {"taskId": "t", "status": "working", "createdAt": "c"},
    "new/method": {"a": "b"},
}  # fmt: skip


@given(
    method=st.sampled_from([*SHAPES]),
    more=st.dictionaries(WORD, st.recursive(LEAF, grown, max_leaves=8), max_size=3),
    numbers=st.frozensets(st.integers(1, 40), min_size=1, max_size=3),
    word=st.sampled_from(["zqxbomb", "zqxmask"]),
    around=st.sampled_from(["{0} {1} y", "{1}", "{0}-{1}"]),
)
@settings(max_examples=scale(300))
def test_no_place_of_a_result_hides_a_word(
    guard: Guard, method: str, more: Any, numbers: Any, word: str, around: str
) -> None:
    """Wherever in a result a word stands, in texts, names, known fields or others, the agent never gets it."""
    talk = Talk(guard)
    talk.exchange("tools/list", {"tools": DEFINED})
    params = {"name": "act"} if method == "tools/call" else {}
    result = hidden({**more, **SHAPES[method]}, numbers, word, [0], around)
    event(str(word in json.dumps(result)))

    assert word not in json.dumps(talk.exchange(method, result, **params))


ASKED: dict[str, Any] = {
    "tools/call": {"name": "act", "arguments": {"a": "b", "c": ["d", {"e": "f"}]}, "task": {"ttl": 1}, "_meta": {"own": "m"}},
    "resources/read": {"uri": "file:///a", "inputResponses": {"k": {"action": "accept", "content": {"a": "b"}}}},
    "resources/subscribe": {"uri": "file:///a"},
    "prompts/get": {"name": "n", "arguments": {"a": "b"}},
    "completion/complete": {"ref": {"type": "ref/prompt", "name": "n"}, "argument": {"name": "a", "value": "b"}, "context": {"arguments": {"a": "b"}}},
    "initialize": {"protocolVersion": "v", "capabilities": {"a": {}}, "clientInfo": {"name": "n", "version": "v"}},
    "logging/setLevel": {"level": "info"},
    "notifications/cancelled": {"requestId": 5, "reason": "r"},
    "new/method": {"a": "b"},
}  # fmt: skip


@given(
    method=st.sampled_from([*ASKED]),
    more=st.dictionaries(WORD, st.recursive(LEAF, grown, max_leaves=8), max_size=3),
    numbers=st.frozensets(st.integers(1, 20), min_size=1, max_size=3),
    word=st.sampled_from(["zqxbomb", "zqxmask"]),
    around=st.sampled_from(["{0} {1} y", "{1}", "{0}-{1}"]),
    asks=st.booleans(),
)
@settings(max_examples=scale(300))
def test_no_place_of_a_message_hides_a_word(
    guard: Guard, method: str, more: Any, numbers: Any, word: str, around: str, asks: bool
) -> None:
    """Whichever side sends it: what goes on to the other has none, and neither has what goes back."""
    talk = Talk(guard)
    params = hidden({**more, **ASKED[method]}, numbers, word, [0], around)
    message = {
        "method": method,
        "params": params,
        **({} if method.startswith("notifications/") else {"id": 1}),
    }
    step = talk.agent(**message) if asks else talk.server(**message)
    event(f"{asks} {word in json.dumps(params)} {step.forwarded is not None}")

    assert word not in json.dumps([step.forwarded, step.returned])
