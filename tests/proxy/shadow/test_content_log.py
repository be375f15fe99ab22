"""What a row of the log holds of a content."""

from __future__ import annotations

from typing import Any

from guardrails.engine.model import Request
from guardrails.protocols.chat.chat_payload import read
from guardrails.proxy.shadow.content_log import content_fields
from guardrails.types import Stage, ToolCall
from tests.cases import each_case

PICTURE = "data:image/png;base64,iVBORw0KGgo="


def said(role: str, *texts: str) -> dict[str, Any]:
    """Return a message of text parts."""
    return {"role": role, "content": [{"type": "text", "text": text} for text in texts]}


@each_case(
    ("content", "stage", "expected"),
    [
        ("a text", "tool_result", "a text"),
        ("", "input", ""),
        ([{"role": "user", "content": "a"}], "input", "a"),
        (
            [{"role": "system", "content": "s"}, said("user", "a", "b"), {"role": "user", "content": "c"}],
            "input",
            [said("system", "s"), said("user", "a", "b"), said("user", "c")],
        ),
        ({"a": "x", "b": ["y"]}, "output", [said("assistant", "a", "x", "b", "y")]),
    ],
)
def test_texts_become_messages(content: Any, stage: str, expected: Any) -> None:
    """One text stays one; others have the role that they had, or that their stage has."""
    tree = read(content, Stage(stage)).tree
    assert content_fields(tree, Request())["content"] == expected


def test_calls_stay_calls() -> None:
    """A tool and its arguments are judged as such when they are judged again."""
    call = {"id": "call_9", "type": "function", "function": {"name": "mail", "arguments": '{"to": "x"}'}}
    tree = read([{"role": "assistant", "content": "now", "tool_calls": [call]}], Stage.OUTPUT).tree
    (message,) = content_fields(tree, Request())["content"]
    assert message["content"] == [{"type": "text", "text": "now"}]
    assert message["tool_calls"] == [{**call, "id": "call_0"}]
    again = read([message], Stage.OUTPUT).tree
    calls = [
        [
            (each.content.name, each.content.arguments)
            for each in some.leaves
            if isinstance(each.content, ToolCall)
        ]
        for some in (tree, again)
    ]
    assert calls[0] == calls[1] == [("mail", '{"to": "x"}')]


def test_pictures_are_counted_only() -> None:
    """A log of lines is no place for them; that there were some is said."""
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    told = content_fields(read([{"role": "user", "content": parts}], Stage.INPUT).tree, Request())
    assert told["content"] == "see"
    assert told["without"] == 1
    assert "base64" not in str(told)


def test_who_asked_and_what_is_answered_stand_beside() -> None:
    """As fields of a row of traffic have it."""
    tree = read("a reply", Stage.OUTPUT).tree
    tree.beside("be nice", "a question")
    told = content_fields(tree, Request(user={"tier": "x"}, metadata={"a": 1}))
    assert told == {"content": "a reply", "user": {"tier": "x"}, "metadata": {"a": 1}, "prompt": "a question"}
