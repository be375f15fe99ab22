"""What of each method is judged, where it stands, and what may be edited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.mcp.protocol.methods import (
    CLIENT,
    ERROR,
    NOTE,
    NOTES,
    SAID,
    SERVER,
    UNKNOWN_CLIENT,
    MethodSide,
)
from guardrails.types import Image, Stage, Text, ToolCall, Use
from tests.cases import each_case

IN, OUT, DEF, CALL, RESULT, RETR = Stage
META = {"_meta": {"progressToken": 1, "own": "M"}}
TEXT = [{"type": "text", "text": "T"}]
CONTENT = [
    *TEXT,
    {"type": "text", "text": "U"},
    {"type": "image", "data": "A" * 64, "mimeType": "image/png"},
    {"type": "audio", "data": "A" * 64, "mimeType": "audio/wav"},
    {"type": "resource", "resource": {"uri": "file:///a", "text": "R", "mimeType": "text/plain"}},
    {"type": "resource", "resource": {"uri": "file:///b", "blob": "A" * 64}},
    {"type": "resource_link", "uri": "file:///c", "name": "N", "title": "L", "description": "D"},
    {"type": "new", "text": "X"},
]
TOOL = {
    "name": "n",
    "title": "t",
    "description": "d",
    "inputSchema": {"type": "object", "properties": {"p": {"description": "s", "enum": ["e"]}}},
    "annotations": {"title": "a", "readOnlyHint": True},
}
FIXED, FREE = False, True
ROWS: list[tuple[str, MethodSide, Any, dict[str, tuple[Stage, bool]]]] = [
    ("initialize", CLIENT["initialize"].request, {"protocolVersion": "2025-06-18", "clientInfo": {"name": "c", "version": "1"}, "capabilities": {"x": {}}},
     {"/clientInfo/name": (IN, FIXED), "/capabilities/x": (IN, FIXED)}),
    ("initialize result", CLIENT["initialize"].result, {"protocolVersion": "2025-06-18", "serverInfo": {"name": "s", "title": "t", "version": "a b"}},
     {"/serverInfo/name": (RETR, FIXED), "/serverInfo/title": (RETR, FREE), "/serverInfo/version": (RETR, FIXED)}),
    ("tools/list", CLIENT["tools/list"].request, {"cursor": "c", **META}, {"/cursor": (IN, FIXED), "/_meta/own": (IN, FREE)}),
    ("tools/list entry", CLIENT["tools/list"].items[1], TOOL,  # type: ignore[index]
     {"/name": (DEF, FIXED), "/title": (DEF, FREE), "/description": (DEF, FREE), "/inputSchema/type": (DEF, FIXED),
      "/inputSchema/properties": (DEF, FIXED), "/inputSchema/properties/p": (DEF, FIXED), "/inputSchema/properties/p/description": (DEF, FREE),
      "/inputSchema/properties/p/enum": (DEF, FIXED), "/inputSchema/properties/p/enum/0": (DEF, FIXED), "/annotations/title": (DEF, FREE)}),
    ("tools/call", CLIENT["tools/call"].request, {"name": "n", "arguments": {"a": ["x"], "b": 4111111111111111}},
     {"/name": (CALL, FIXED), "/arguments/a": (CALL, FIXED), "/arguments/a/0": (CALL, FREE), "/arguments/b": (CALL, FREE)}),
    ("tools/call again", CLIENT["tools/call"].request,
     {"name": "n", "requestState": "s", "inputResponses": {"k": {"action": "accept", "content": {"f": "v"}}, "m": {"role": "assistant", "content": TEXT}, "r": {"roots": [{"uri": "file:///r"}]}}},
     {"/name": (CALL, FIXED), "/requestState": (CALL, FIXED), "/inputResponses/k": (CALL, FIXED), "/inputResponses/k/content/f": (CALL, FREE),
      "/inputResponses/m": (CALL, FIXED), "/inputResponses/m/content/0/text": (OUT, FREE), "/inputResponses/r": (CALL, FIXED), "/inputResponses/r/roots/0/uri": (CALL, FIXED)}),
    ("tools/call result", CLIENT["tools/call"].result, {"content": CONTENT, "structuredContent": {"a": "S"}, "isError": False},
     {"/content/0/text": (RESULT, FREE), "/content/1/text": (RESULT, FREE), "/content/4/resource/uri": (RESULT, FIXED), "/content/4/resource/text": (RESULT, FREE),
      "/content/5/resource/uri": (RESULT, FIXED), "/content/6/uri": (RESULT, FIXED), "/content/6/name": (RESULT, FIXED), "/content/6/title": (RESULT, FREE),
      "/content/6/description": (RESULT, FREE), "/content/7/type": (RESULT, FREE), "/content/7/text": (RESULT, FREE), "/content": (RESULT, FREE), "/structuredContent/a": (RESULT, FREE)}),
    ("tools/call wants", CLIENT["tools/call"].result,
     {"resultType": "input_required", "inputRequests": {"k": {"method": "elicitation/create", "params": {"message": "E"}},
      "s": {"method": "sampling/createMessage", "params": {"messages": [{"role": "user", "content": TEXT}]}}, "x": {"method": "new", "params": {"a": "X"}}}, "requestState": "s"},
     {"/inputRequests/k": (RESULT, FIXED), "/inputRequests/k/params/message": (RETR, FREE), "/inputRequests/s": (RESULT, FIXED),
      "/inputRequests/s/params/messages/0/content/0/text": (RESULT, FREE), "/inputRequests/x": (RESULT, FIXED), "/inputRequests/x/method": (RESULT, FREE),
      "/inputRequests/x/params": (RESULT, FIXED), "/inputRequests/x/params/a": (RESULT, FREE), "/requestState": (RESULT, FIXED)}),
    ("resources/list entry", CLIENT["resources/list"].items[1], {"uri": "file:///a", "name": "n", "description": "d"},  # type: ignore[index]
     {"/uri": (DEF, FIXED), "/name": (DEF, FIXED), "/description": (DEF, FREE)}),
    ("resources/templates/list entry", CLIENT["resources/templates/list"].items[1], {"uriTemplate": "file:///{a}", "name": "n"},  # type: ignore[index]
     {"/uriTemplate": (DEF, FIXED), "/name": (DEF, FIXED)}),
    ("resources/read", CLIENT["resources/read"].request, {"uri": "file:///a"}, {"/uri": (CALL, FIXED)}),
    ("resources/read result", CLIENT["resources/read"].result, {"contents": [{"uri": "file:///a", "text": "R"}]},
     {"/contents/0/uri": (RESULT, FIXED), "/contents/0/text": (RESULT, FREE)}),
    ("prompts/list entry", CLIENT["prompts/list"].items[1], {"name": "n", "arguments": [{"name": "a", "description": "d"}]},  # type: ignore[index]
     {"/name": (DEF, FIXED), "/arguments/0/name": (DEF, FIXED), "/arguments/0/description": (DEF, FREE)}),
    ("prompts/get", CLIENT["prompts/get"].request, {"name": "n", "arguments": {"a": "x"}}, {"/name": (CALL, FIXED), "/arguments/a": (CALL, FREE)}),
    ("prompts/get result", CLIENT["prompts/get"].result, {"description": "d", "messages": [{"role": "user", "content": TEXT[0]}]},
     {"/description": (RESULT, FREE), "/messages/0/content/text": (RESULT, FREE)}),
    ("completion/complete", CLIENT["completion/complete"].request, {"ref": {"type": "ref/prompt", "name": "n"}, "argument": {"name": "a", "value": "v"}},
     {"/ref/name": (CALL, FIXED), "/argument/name": (CALL, FIXED), "/argument/value": (CALL, FREE)}),
    ("completion/complete result", CLIENT["completion/complete"].result, {"completion": {"values": ["v"], "total": 1}}, {"/completion/values/0": (RESULT, FREE)}),
    ("tasks/result", CLIENT["tasks/result"].result, {"content": TEXT}, {"/content/0/text": (RESULT, FREE)}),
    ("tasks/get", CLIENT["tasks/get"].result, {"taskId": "a b", "statusMessage": "m", "result": {"content": TEXT}},
     {"/taskId": (RESULT, FIXED), "/statusMessage": (RESULT, FREE), "/result/content/0/text": (RESULT, FREE)}),
    ("sampling/createMessage", SERVER["sampling/createMessage"].request,
     {"systemPrompt": "p", "messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "n", "id": "i", "input": {"a": "x"}}]},
      {"role": "user", "content": [{"type": "tool_result", "toolUseId": "i", "content": TEXT}]}], "tools": [{"name": "n", "description": "d"}]},
     {"/systemPrompt": (RESULT, FREE), "/messages/0/content/0/name": (CALL, FIXED), "/messages/0/content/0/id": (CALL, FIXED), "/messages/0/content/0/input/a": (CALL, FREE),
      "/messages/1/content/0/toolUseId": (RESULT, FIXED), "/messages/1/content/0/content/0/text": (RESULT, FREE), "/tools/0/name": (DEF, FIXED), "/tools/0/description": (DEF, FREE)}),
    ("sampling/createMessage result", SERVER["sampling/createMessage"].result, {"role": "assistant", "content": TEXT[0], "model": "m"}, {"/content/text": (OUT, FREE)}),
    ("elicitation/create", SERVER["elicitation/create"].request, {"mode": "url", "url": "https://a.example", "message": "m", "requestedSchema": {"title": "t"}},
     {"/url": (RETR, FIXED), "/message": (RETR, FREE), "/requestedSchema/title": (RETR, FREE)}),
    ("elicitation/create result", SERVER["elicitation/create"].result, {"action": "accept", "content": {"a": "x"}}, {"/content/a": (IN, FREE)}),
    ("roots/list result", SERVER["roots/list"].result, {"roots": [{"uri": "file:///a", "name": "n"}]}, {"/roots/0/uri": (IN, FIXED), "/roots/0/name": (IN, FIXED)}),
    ("a note", MethodSide(NOTE, SAID), {"level": "info", "logger": "l", "data": {"a": "x"}, "message": "m", "reason": "r", "new": "y"},
     {"/logger": (RETR, FIXED), "/data/a": (RETR, FREE), "/message": (RETR, FREE), "/reason": (RETR, FREE), "/new": (RETR, FREE)}),
    ("an error", MethodSide(ERROR, SAID), {"code": 1, "message": "m", "data": {"a": "x"}}, {"/message": (RETR, FREE), "/data/a": (RETR, FREE)}),
    ("an unknown method", UNKNOWN_CLIENT.request, {"a": {"b": "x"}}, {"/a/b": (CALL, FREE)}),
]  # fmt: skip


def read(side: MethodSide, value: Any) -> ContentTree:
    """Return what is judged of one side of an exchange."""
    tree = ContentTree()
    side.read(tree, value, (), replace(side.place, tool="tool", use=Use((("tool", "s"),))))
    return tree


@each_case(("name", "side", "value", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_every_text_is_judged_where_it_stands(
    name: str, side: MethodSide, value: Any, expected: dict[str, tuple[Stage, bool]]
) -> None:
    """Each text has its stage; what names something is judged, and never edited."""
    found = {
        leaf.content.place.path: (leaf.content.place.stage, leaf.editable)
        for leaf in read(side, value).leaves
        if isinstance(leaf.content, Text) and (leaf.editable or not leaf.pieces)
    }

    assert {path: found.get(path) for path in expected} == expected


def test_what_no_detector_reads_is_named() -> None:
    """Sounds, files and kinds of parts that are new; a picture is one."""
    tree = read(CLIENT["tools/call"].result, {"content": CONTENT})

    assert [(entry.kind, entry.path) for entry, _ in tree.unchecked] == [
        ("audio", "/content/3"), ("part", "/content/5/resource"), ("part", "/content/7"),
    ]  # fmt: skip
    [picture] = [leaf.content for leaf in tree.leaves if isinstance(leaf.content, Image)]
    assert (picture.declared, picture.place.stage) == ("image/png", Stage.TOOL_RESULT)
    assert [
        entry.kind for entry, _ in read(CLIENT["tools/call"].result, {"inputRequests": {"x": {}}}).unchecked
    ] == ["part"]


def test_the_texts_of_a_result_are_read_together_too() -> None:
    """A word that is split over two parts is still a word."""
    joined = [
        leaf.content.text
        for leaf in read(CLIENT["tools/call"].result, {"content": CONTENT}).leaves
        if leaf.pieces
    ]  # type: ignore[union-attr]

    assert joined == ["TU"]


def test_what_is_new_is_named() -> None:
    """Unknown fields are judged, their names too, and named in the coverage."""
    tree = read(CLIENT["tools/call"].request, {"name": "n", "new": {"a": "x"}})

    assert tree.unknown == ["/new"]


def test_a_sampled_call_is_a_use_of_its_own() -> None:
    """Its arguments are those that conditions read; what is shown as a result comes from nobody knows where."""
    value = {"messages": [{"role": "assistant", "content": {"type": "tool_use", "name": "n", "id": "i", "input": {"a": "x"}}},
                          {"role": "user", "content": {"type": "tool_result", "toolUseId": "i", "content": TEXT}}]}  # fmt: skip
    tree = read(SERVER["sampling/createMessage"].request, value)
    [call] = [leaf.content for leaf in tree.leaves if isinstance(leaf.content, ToolCall)]
    uses = {leaf.content.place.path: leaf.content.place.use for leaf in tree.leaves}

    assert (call.name, call.arguments, call.place.use and call.place.use.tools) == (
        "n",
        '{"a":"x"}',
        (("n", "s"),),
    )
    assert uses["/messages/0/content/input/a"] is call.place.use
    nobody = uses["/messages/1/content/content/0/text"]
    assert nobody is not None
    assert nobody.tools == ()


def test_every_revisions_methods_have_a_row() -> None:
    """Requests of both sides, and the notifications."""
    assert len(CLIENT) == 20
    assert set(SERVER) == {"ping", "sampling/createMessage", "elicitation/create", "roots/list"}
    assert "notifications/tools/list_changed" in NOTES
