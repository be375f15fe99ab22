"""What a model of Gemini's API replies with, and how it is asked again."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.gemini.replies import append_reask, find_replies
from tests.cases import each_case

AT = ("candidates", 0, "content", "parts")


@each_case(
    ("parts", "paths"),
    [
        ([{"text": "{}"}], [((*AT, 0, "text"),)]),
        ([{"text": "hm", "thought": True}, {"text": "{}"}], [((*AT, 1, "text"),)]),
        ([{"text": "wait"}, {"functionCall": {"name": "f"}}], []),
        (None, []),
    ],
)
def test_where_a_reply_stands(parts: Any, paths: list[Any]) -> None:
    """Its texts, not its thoughts, and nothing beside a call."""
    assert find_replies({"candidates": [{"content": {"parts": parts}}]}) == paths


def test_a_model_is_asked_again_by_two_more_turns() -> None:
    """In the API's own roles and parts."""
    contents = append_reask({"contents": [{"role": "user", "parts": [{"text": "Who?"}]}]}, "no", "JSON.")[
        "contents"
    ]
    assert contents[1:] == [
        {"role": "model", "parts": [{"text": "no"}]},
        {"role": "user", "parts": [{"text": "JSON."}]},
    ]
