"""What passed, as OpenTelemetry writes messages: its words, no media, and nothing of what was blocked."""

from __future__ import annotations

import json

from guardrails.telemetry.content import LONGEST, describe_content
from guardrails.types import Action, Image, Stage, Text, ToolCall
from tests.cases import each_case
from tests.telemetry.telemetry_kit import make_verdict

URI = "data:image/png;base64,iVBORw0KGgo="


def written(content: object, stage: Stage = Stage.INPUT) -> object:
    """Return the messages of a content."""
    [(name, value)] = describe_content(make_verdict(stage=stage, content=content)).items()
    assert name == (
        "gen_ai.output.messages" if stage in (Stage.OUTPUT, Stage.TOOL_CALL) else "gen_ai.input.messages"
    )
    return json.loads(value)


def said(role: str, *texts: str, **more: object) -> dict[str, object]:
    """Return a message of texts."""
    return {"role": role, "parts": [{"type": "text", "content": text} for text in texts], **more}


@each_case(
    ("content", "stage", "messages"),
    [
        ("hi", Stage.INPUT, [said("user", "hi")]),
        (Text("hi"), Stage.OUTPUT, [said("assistant", "hi")]),
        ([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}], Stage.INPUT,
         [said("system", "be brief"), said("user", "hi")]),
        ({"model": "m", "system": "be brief", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
         Stage.INPUT, [said("system", "be brief"), said("user", "hi")]),
        ({"choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]}, Stage.OUTPUT,
         [said("assistant", "yes", finish_reason="stop")]),
        ({"choices": [{"text": "yes", "finish_reason": "stop"}]}, Stage.OUTPUT, [said("assistant", "yes", finish_reason="stop")]),
        ({"contents": [{"parts": [{"text": "hi"}]}]}, Stage.INPUT,
         [{"role": "user", "parts": [{"type": "json", "content": {"contents": [{"parts": [{"text": "hi"}]}]}}]}]),
        (ToolCall("look", "{}"), Stage.TOOL_CALL,
         [{"role": "assistant", "parts": [{"type": "tool_call", "name": "look", "arguments": "{}"}]}]),
        ({"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": "{}"}}, 3]},
         Stage.OUTPUT,
         [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "look", "arguments": "{}"}, {"type": "json", "content": 3}]}]),
    ],
)  # fmt: skip
def test_contents_of_every_form_are_messages(content, stage, messages) -> None:
    """Texts, messages, and bodies of APIs; a body of no known form is there as JSON."""
    assert written(content, stage) == messages


def test_media_are_named_and_not_copied() -> None:
    """Neither their bytes nor their addresses."""
    parts = [
        {"type": "image_url", "image_url": {"url": URI}},
        {"type": "text", "text": URI},
        {"type": "other", "x": URI},
    ]

    [message] = written([{"role": "user", "content": parts}])

    assert message["parts"] == [
        {"type": "blob"},
        {"type": "text", "content": "blob"},
        {"type": "json", "content": {"type": "other", "x": "blob"}},
    ]


@each_case("content", [None, Image(b"x"), 3, "x" * LONGEST])
def test_what_has_no_words_or_too_many_is_left_out(content) -> None:
    """A picture, a number; and all of what is longer than the bound."""
    assert describe_content(make_verdict(content=content)) == {}


def test_nothing_of_what_was_blocked_is_told() -> None:
    """A verdict that blocks has no content."""
    assert describe_content(make_verdict(Action.BLOCK)) == {}


def test_what_json_does_not_know_is_named_by_its_type() -> None:
    """It is no reason to fail."""
    [message] = written({"x": {1, 2}})

    assert message["parts"] == [{"type": "json", "content": {"x": "set"}}]
