"""Anthropic's field tables: where each block stands, and how edits go back."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.messages import messages_fields
from guardrails.types import Action, Coverage, Stage, Text, ToolCall
from tests.cases import each_case

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "said"}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "said"}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "said"}}


def outcome(edits: Any = None, removed: tuple[int, ...] = ()) -> Outcome:
    """Return an outcome that edits these leaves and leaves out these messages."""
    return Outcome(Action.REDACT, (), (), (), Coverage(), (), True, edits=edits or {}, removed=removed)


def asked(*given: Any, **fields: Any) -> dict[str, Any]:
    """Return a request with these messages, given as role and content."""
    return {"messages": [{"role": role, "content": content} for role, content in given], **fields}


def stages(tree: ContentTree) -> list[tuple[str | None, tuple[Stage, ...]]]:
    """Return role and stages of what says `said`."""
    found = [
        leaf.content for leaf in tree.leaves if isinstance(leaf.content, Text) and leaf.content.text == "said"
    ]
    return [(content.place.role, (content.place.stage, *content.place.also)) for content in found]


IN, OUT, CALLED, RETURNED, FOUND = (
    Stage.INPUT, Stage.OUTPUT, Stage.TOOL_CALL, Stage.TOOL_RESULT, Stage.RETRIEVAL,
)  # fmt: skip


@each_case(
    ("body", "expected"),
    [
        (asked(("user", "said")), ("user", (IN,))),
        (asked(("assistant", "said")), ("assistant", (OUT, IN))),
        (asked(("system", "said")), ("system", (IN,))),
        (asked(system="said"), ("system", (IN,))),
        (asked(system=[{"type": "text", "text": "said"}]), ("system", (IN,))),
        (asked(("assistant", [{"type": "thinking", "thinking": "said"}])), ("assistant", (OUT, IN))),
        (asked(("assistant", [CALL])), ("assistant", (CALLED, IN))),
        (asked(("user", [RESULT])), ("tool", (RETURNED,))),
        (asked(("user", [{**RESULT, "content": [{"type": "text", "text": "said"}]}])), ("tool", (RETURNED,))),
        (asked(("user", [{**RESULT, "content": [DOCUMENT]}])), ("tool", (FOUND, RETURNED))),
        (asked(("user", [DOCUMENT])), ("user", (FOUND, IN))),
        (asked(tools=[{"name": "f", "description": "said"}]), ("system", (Stage.TOOL_DEFINITION,))),
        (asked(tools=[{"type": "mcp_toolset", "configs": "said"}]), ("system", (Stage.TOOL_DEFINITION,))),
    ],
)  # fmt: skip
def test_each_text_of_a_request_stands_at_its_stage(body, expected) -> None:
    """Stage by block, role by who said it; assistant turns can be forged, and anyone can put words into a document."""
    assert stages(messages_fields.read_request(body)) == [expected]


@each_case(
    ("block", "expected"),
    [
        ({"type": "text", "text": "said"}, ("assistant", (OUT,))),
        (CALL, ("assistant", (CALLED,))),
        ({**CALL, "input": '{"a": "said"}'}, ("assistant", (CALLED,))),
        ({"type": "mcp_tool_result", "content": [{"type": "text", "text": "said"}]}, ("tool", (RETURNED, OUT))),
        ({"type": "web_fetch_tool_result", "content": {"type": "web_fetch_result", "content": DOCUMENT}}, ("tool", (FOUND, RETURNED, OUT))),
        ({"type": "code_execution_tool_result", "content": {"type": "code_execution_result", "stdout": "said"}}, ("tool", (RETURNED, OUT))),
    ],
)  # fmt: skip
def test_each_text_of_an_answer_stands_at_its_stage(block, expected) -> None:
    """What the server's own tools returned is read by the client too."""
    assert stages(messages_fields.read_response({"content": [block]})) == [expected]


def test_a_call_is_judged_as_a_whole_too() -> None:
    """For detectors that read a call with its arguments."""
    [call] = [
        leaf.content
        for leaf in messages_fields.read_request(asked(("assistant", [CALL]))).leaves
        if isinstance(leaf.content, ToolCall)
    ]

    assert (call.name, call.arguments) == ("f", '{"a":"said"}')


def test_results_are_no_turn_of_the_user() -> None:
    """Not for the number of turns, nor for where the current one begins."""
    tree = messages_fields.read_request(
        asked(("user", "a"), ("assistant", [CALL]), ("user", [RESULT, {"type": "text", "text": "b"}]))
    )

    assert (tree.roles, tree.turns, tree.current_from) == (("user", "assistant", "tool"), 1, 0)


def test_an_earlier_answer_is_judged_beside_its_question() -> None:
    """System prompt and prompt."""
    body = asked(("user", "who?"), ("assistant", "me"), system="Be kind.")
    [turn] = [
        leaf.content
        for leaf in messages_fields.read_request(body).leaves
        if leaf.content.place.role == "assistant"
    ]

    assert turn.context == {"system": "Be kind.", "prompt": "who?"}


@each_case(
    "body", [None, [], {}, {"messages": None}, {"messages": {}}, {"messages": [7]}, {"messages": [{}]}]
)
def test_what_is_no_request_is_refused(body) -> None:
    """Nothing is guessed."""
    with pytest.raises(RequestError):
        messages_fields.read_request(body)


def test_nothing_to_change_is_the_same_object() -> None:
    """So that the bytes can be passed on."""
    body = asked(("user", "a"))

    assert messages_fields.edit_body(body, messages_fields.read_request(body), outcome()) is body


@each_case(("more", "left"), [({"signature": SEALED}, 1), ({"signature": ""}, 2), ({}, 2)])
def test_a_signed_thought_is_left_out_instead_of_edited(more, left) -> None:
    """With all that stays in its place, and nothing changed in what was given."""
    body = asked(
        ("assistant", [{"type": "thinking", "thinking": "a", **more}, {"type": "text", "text": "b"}]),
        ("user", "c"),
    )
    tree = messages_fields.read_request(body)
    edits = {index: "X" for index, leaf in enumerate(tree.leaves) if leaf.content.text in {"a", "b"}}

    content = messages_fields.edit_body(body, tree, outcome(edits))["messages"][0]["content"]

    assert [block.get("thinking", block.get("text")) for block in content] == ["X"] * left
    assert len(body["messages"][0]["content"]) == 2


def test_removed_turns_are_left_out() -> None:
    """By their place in the conversation."""
    body = asked(("user", "a"), ("assistant", "b"), ("user", "c"))

    changed = messages_fields.edit_body(body, messages_fields.read_request(body), outcome(removed=(0, 1)))

    assert changed == asked(("user", "c"))


@each_case(("body", "count"), [({"input_tokens": 3}, 0), ({"input_tokens": "many words"}, 1)])
def test_a_count_holds_no_text(body, count) -> None:
    """What is more than a number is judged."""
    assert len(messages_fields.read_count(body).leaves) == count
