"""What a model of Ollama's API replies with, and how it is asked again."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.ollama.replies import append_prompt, find_replies
from tests.cases import each_case


@each_case(
    ("answer", "paths"),
    [
        ({"message": {"role": "assistant", "content": "{}"}}, [(("message", "content"),)]),
        ({"message": {"content": "wait", "tool_calls": [{"function": {"name": "f"}}]}}, []),
        ({"response": "{}"}, [(("response",),)]),
        ({}, []),
        ({"message": {"content": ""}}, [(("message", "content"),)]),
    ],
)
def test_where_the_reply_stands(answer: Any, paths: list[Any]) -> None:
    """That of a chat, or of a text that goes on."""
    assert find_replies(answer) == paths


def test_a_prompt_goes_on() -> None:
    """With what was answered and what is wrong."""
    assert append_prompt({"prompt": "Who?"}, "no", "JSON.")["prompt"] == "Who?\n\nno\n\nJSON.\n"
