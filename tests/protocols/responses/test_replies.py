"""What a model replies with in OpenAI's Responses API, and how it is asked again."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.responses.replies import append_reask, find_replies
from tests.cases import each_case


def message(*parts: str, kind: str = "output_text") -> dict[str, Any]:
    """Return a message of these texts."""
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": kind, "text": part} for part in parts],
    }


@each_case(
    ("output", "paths"),
    [
        ([message("{}")], [(("output", 0, "content", 0, "text"),)]),
        ([{"type": "reasoning", "summary": []}, message("{", "}")],
         [(("output", 1, "content", 0, "text"), ("output", 1, "content", 1, "text"))]),
        ([message("First a remark."), message("{}")], [(("output", 1, "content", 0, "text"),)]),
        ([{"type": "web_search_call"}, message("{}")], [(("output", 1, "content", 0, "text"),)]),
        ([message("wait"), {"type": "function_call", "name": "f"}], []),
        ([message("no", kind="refusal")], []),
        ([message("{}"), {"type": ["function_call"]}], [(("output", 0, "content", 0, "text"),)]),
        ([], []),
        (None, []),
    ],
)  # fmt: skip
def test_where_the_reply_stands(output: Any, paths: list[Any]) -> None:
    """The last message, where the client has no call to answer."""
    assert find_replies({"output": output}) == paths


@each_case(
    ("given", "before"),
    [
        ("Who?", [{"role": "user", "content": "Who?"}]),
        ([{"role": "user", "content": "Who?"}], [{"role": "user", "content": "Who?"}]),
        (None, []),
    ],
)
def test_a_model_is_asked_again_by_two_more_items(given: Any, before: list[Any]) -> None:
    """Behind what was asked, in either form."""
    turns = [{"role": "assistant", "content": "no"}, {"role": "user", "content": "JSON."}]
    assert append_reask({"input": given}, "no", "JSON.")["input"] == [*before, *turns]
