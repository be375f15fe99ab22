"""What a model of Anthropic's API replies with, and how it is asked again."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.messages.replies import append_reask, find_replies
from tests.cases import each_case

TEXT = {"type": "text", "text": "{}"}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


@each_case(
    ("content", "paths"),
    [
        ([TEXT], [(("content", 0, "text"),)]),
        (
            [{"type": "thinking", "thinking": "hm"}, TEXT, TEXT],
            [(("content", 1, "text"), ("content", 2, "text"))],
        ),
        ([TEXT, USE], []),
        ([USE], []),
        ([], [(("content", 0, "text"),)]),
        ([{"type": "thinking", "thinking": "hm"}], [(("content", 1, "text"),)]),
        (None, []),
    ],
)
def test_where_the_reply_stands(content: Any, paths: list[Any]) -> None:
    """Its texts, not its thoughts, and nothing beside a call."""
    assert find_replies({"content": content}) == paths


def test_a_model_is_asked_again_by_two_more_turns() -> None:
    """As in a chat."""
    messages = append_reask({"messages": [{"role": "user", "content": "Who?"}]}, "no", "JSON.")["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
