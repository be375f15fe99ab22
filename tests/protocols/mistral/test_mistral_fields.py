"""Mistral's field tables: what it has beside OpenAI's chat API is known, and judged where it is text."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.mistral.mistral_fields import read_fill_request, read_request, read_response
from guardrails.types import Text

MESSAGES = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "there", "prefix": True},
]


def texts(tree: Any) -> list[str]:
    """Return the texts of leaves."""
    return [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)]


def test_a_request_has_no_unknown_fields() -> None:
    """Of models and of agents."""
    options = {"safe_prompt": True, "random_seed": 3, "prompt_mode": "reasoning", "agent_id": "run-1"}
    tree = read_request({"model": "m", "messages": MESSAGES, **options})
    assert (texts(tree), tree.unknown) == (["hi", "there"], [])
    filled = read_fill_request({"model": "m", "prompt": "def f(", "suffix": "return 1", "min_tokens": 1})
    assert (texts(filled), filled.unknown) == (["def f(", "return 1"], [])


def test_an_answer_has_no_unknown_fields() -> None:
    """With thoughts among its parts."""
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]},
        {"type": "text", "text": "x"},
    ]
    message = {"role": "assistant", "content": parts, "tool_calls": None, "prefix": False}
    tree = read_response({"id": "1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    assert {"hmm", "x"} <= {*texts(tree)}
    assert tree.unknown == []
