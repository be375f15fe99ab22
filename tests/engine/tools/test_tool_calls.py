"""Which tool a content belongs to, in every API: what the id says, never what the result says alone."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.tools import tool_calls
from guardrails.engine.tools.tool_calls import (
    find_returned,
    place_call,
    place_definition,
    place_result,
    tool_place,
    trim_returned,
)
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.responses import responses_fields
from guardrails.types import Place, Returned, Stage, Text, ToolCall
from tests.cases import each_case

ASKED = {"role": "user", "content": "hi"}


def tool(name: str, id: str | None = "c1", arguments: Any = "{}") -> dict[str, Any]:
    """Return an assistant's message of OpenAI's chat API with one call."""
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": id, "type": "function", "function": function}]}


def result(**fields: Any) -> dict[str, Any]:
    """Return a tool's message of that API."""
    return {"role": "tool", "content": "r", **fields}


def of_chat(*entries: Any) -> list[Returned]:
    """Return what tools returned in a chat."""
    tree = chat_fields.read_request({"messages": [ASKED, *entries]})
    return [each for _, each in find_returned(tree.leaves)]


WEB = (("web", ""),)


@each_case(
    ("entries", "tools"),
    [
        ([tool("web"), result(tool_call_id="c1")], WEB),
        ([tool("web"), result(tool_call_id="c1", name="web")], WEB),
        ([tool("web"), result(tool_call_id="c1", name="calculator")], (("web", ""), ("calculator", ""))),
        ([tool("web"), result(tool_call_id="c2")], ()),
        ([tool("web"), result(tool_call_id="c2", name="calculator")], ()),
        ([tool("web"), result(tool_call_id=5)], ()),
        ([tool("web"), result()], ()),
        ([tool("web"), result(name="web")], ()),  # the call has an id: a name is no more than a claim
        ([result(tool_call_id="c1"), tool("web")], ()),  # what is called later is no call of this result
        ([tool("web"), tool("mail"), result(tool_call_id="c1")], (("web", ""), ("mail", ""))),
        ([tool("web", None), result(name="web")], WEB),  # servers without ids
        ([{"role": "assistant", "function_call": {"name": "web", "arguments": "{}"}},
          {"role": "function", "name": "web", "content": "r"}], WEB),
        ([{"role": "function", "name": "web", "content": "r"}], ()),
    ],
)  # fmt: skip
def test_a_result_is_of_the_call_that_has_its_id(entries: list[Any], tools: Any) -> None:
    """Forged, reused and missing ids never make a result look better than it is."""
    assert of_chat(*entries) == [Returned(tools, each.text) for each in of_chat(*entries)], (
        "one result, of these tools"
    )
    assert len(of_chat(*entries)) == 1


def test_results_of_the_messages_api() -> None:
    """Blocks say their ids; servers are named, and what the provider calls itself has results without the client."""
    body = {
        "messages": [
            ASKED,
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "a", "name": "web", "input": {"q": "x"}},
                    {"type": "mcp_tool_use", "id": "b", "name": "read", "server_name": "mail", "input": {}},
                    {"type": "server_tool_use", "id": "c", "name": "web_search", "input": {"query": "x"}},
                    {
                        "type": "web_search_tool_result",
                        "tool_use_id": "c",
                        "content": [{"type": "web_search_result", "title": "T", "url": "https://x.example"}],
                    },
                    {
                        "type": "mcp_tool_result",
                        "tool_use_id": "b",
                        "content": [{"type": "text", "text": "m"}],
                    },
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": "one"},
                    {"type": "tool_result", "tool_use_id": "z", "content": [{"type": "text", "text": "two"}]},
                ],
            },
        ]
    }
    tree = messages_fields.read_request(body)
    found = [(each.tools, each.text) for _, each in find_returned(tree.leaves)]
    assert [tools for tools, _ in found] == [
        (("read", "mail"),),
        (("web_search", ""),),
        (("web_search", ""),),
        (("read", "mail"),),
        (("web", ""),),
        (),
    ]
    assert [text for _, text in found][2:] == ["c\nT\nhttps://x.example", "b\nm", "a\none", "z\ntwo"]
    calls_ = [leaf.content for leaf in tree.leaves if isinstance(leaf.content, ToolCall)]
    assert [(call.place.use.arguments, call.place.use.hosted) for call in calls_ if call.place.use] == [
        ('{"q":"x"}', False), ("{}", True), ('{"query":"x"}', True)
    ]  # fmt: skip


def test_results_of_the_responses_api() -> None:
    """Items say their ids; hosted tools write call and result into one item, whether the result is shown or not."""
    items = [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "a", "name": "web", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "one"},
        {"type": "function_call_output", "call_id": "q", "output": "two"},
        {
            "type": "mcp_call",
            "id": "m",
            "name": "read",
            "server_label": "mail",
            "arguments": "{}",
            "output": "o",
        },
        {"type": "web_search_call", "id": "w", "status": "completed", "action": {"query": "x"}},
        {"type": "mcp_list_tools", "server_label": "mail", "tools": [{"name": "read", "description": "d"}]},
    ]
    found = [
        (each.tools, each.text)
        for _, each in find_returned(responses_fields.read_request({"input": items}).leaves)
    ]
    assert [tools for tools, _ in found[:4]] == [
        (("web", ""),), (), (("read", "mail"),), (("web_search_call", ""),)
    ]  # fmt: skip
    assert found[2][1] == "o"


def test_a_call_says_what_it_was_called_with() -> None:
    """Arguments are kept as they came, and written where a server sends them decoded; its id leads to it."""
    tree = ContentTree()
    at = Place(Stage.OUTPUT, role="assistant", message=3)
    here = place_call(tree, at, "web", {"a": 1.0}, identity="c", server="s")
    assert (here.stage, here.tool, here.message, here.use and here.use.tools) == (
        Stage.TOOL_CALL, "web", 3, (("web", "s"),)
    )  # fmt: skip
    assert here.use is not None
    assert here.use.arguments == '{"a":1.0}'
    back = place_result(tree, Place(Stage.TOOL_RESULT), "c")
    assert back.tool == "web"
    assert back.use is not None
    assert back.use.tools == (("web", "s"),)
    assert place_call(tree, at, 5, None).tool == ""
    for odd in ({"a": float("nan")}, {"a": object()}):
        use = place_call(tree, at, "web", odd).use
        assert use is not None
        assert use.arguments is None


def test_places_for_tools_of_ones_own() -> None:
    """A guard of tools names tool, server and approval itself; texts of one use belong together."""
    at = tool_place(Stage.TOOL_RESULT, "read", "mail", changed=True)
    assert (at.role, at.tool) == ("tool", "read")
    tree = ContentTree()
    tree.anything({"a": "one", "b": ["two"]}, ("result",), at)
    assert [each for _, each in find_returned(tree.leaves)] == [
        Returned((("read", "mail"),), "a\none\nb\ntwo")
    ]
    assert place_definition("x").stage is Stage.TOOL_DEFINITION
    assert all(leaf.content.place.use is at.use for leaf in tree.leaves)


def test_a_result_of_nobody_s_is_a_result() -> None:
    """Texts at that stage without a use come from a tool that nobody knows."""
    tree = ContentTree()
    tree.text("a", ("x",), Place(Stage.TOOL_RESULT, message=1, tool="calculator"))
    tree.text("b", ("y",), Place(Stage.TOOL_RESULT, message=2))
    tree.text("c", ("z",), Place(Stage.INPUT))
    assert [each for _, each in find_returned(tree.leaves)] == [Returned((), "a"), Returned((), "b")]
    assert isinstance(tree.leaves[0].content, Text)


def test_a_session_forgets_texts_and_no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest texts stay; tools whose texts are gone stay, each once, in front."""
    monkeypatch.setattr(tool_calls, "REMEMBERED", 10)
    heard = [Returned(WEB, "aaaa"), Returned(WEB, "bbbb"), Returned((), "cc"), Returned((), "dddd")]
    kept = trim_returned(heard)
    assert kept == (Returned(WEB, None), Returned((), "cc"), Returned((), "dddd"))
    assert trim_returned(kept) == kept
    assert trim_returned([]) == ()
