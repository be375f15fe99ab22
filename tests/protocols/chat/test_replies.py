"""What a chat model replies with, and how it is asked again."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.chat.replies import append_reask, find_replies
from tests.cases import each_case

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
AT = ("choices", 0, "message", "content")


@each_case(
    ("choice", "paths"),
    [
        ({"message": {"content": "{}"}}, [(AT,)]),
        ({"text": "{}"}, [(("choices", 0, "text"),)]),
        ({"message": {"content": [{"type": "text", "text": "{"}, {"type": "image"}, {"type": "text", "text": "}"}]}},
         [((*AT, 0, "text"), (*AT, 2, "text"))]),
        ({"message": {"content": "wait", "tool_calls": [CALL]}}, []),
        ({"message": {"content": "wait", "function_call": {"name": "f"}}}, []),
        ({"message": {"content": None, "refusal": "no"}}, []),
        ({"message": {"content": "{}", "tool_calls": []}}, [(AT,)]),
        ({"message": {"content": None}}, [(AT,)]),
        ({"message": {"content": ""}}, [(AT,)]),
        ({"message": {"content": None, "audio": {"transcript": "x"}}}, []),
        ({"message": None}, []),
        ("none", []),
    ],
)  # fmt: skip
def test_where_a_reply_stands(choice: Any, paths: list[Any]) -> None:
    """Its texts by choice; not those beside a call, and no refusal."""
    assert find_replies({"choices": [choice]}) == paths


def test_each_choice_has_its_own() -> None:
    """And an answer without choices has none."""
    choices = [{"message": {"content": "a"}}, {"message": {"content": "b"}}]
    assert [paths[0][1] for paths in find_replies({"choices": choices})] == [0, 1]
    assert find_replies({}) == []


def test_a_model_is_asked_again_by_two_more_turns() -> None:
    """The rest of the request stays, and the request itself as it was."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Who?"}]}
    assert append_reask(body, "no", "JSON, please.") == {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": "no"},
            {"role": "user", "content": "JSON, please."},
        ],
    }
    assert len(body["messages"]) == 1
