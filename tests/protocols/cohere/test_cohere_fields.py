"""Cohere's field tables: what it has beside OpenAI's chat API is known, and stands where it belongs."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.cohere.cohere_fields import read_request, read_response
from guardrails.types import Stage, Text, ToolCall


def stages(tree: Any) -> dict[str, Stage]:
    """Return the stage of each text."""
    return {
        leaf.content.text: leaf.content.place.stage for leaf in tree.leaves if isinstance(leaf.content, Text)
    }


def test_a_request_has_documents_plans_and_results() -> None:
    """And no unknown field."""
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": "tea"}'}}
    result = {"type": "document", "document": {"id": "9", "data": "came of it"}}
    tree = read_request(
        {
            "model": "command-a",
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "tool_plan": "I look it up.", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "1", "content": [result]},
            ],
            "documents": [{"id": "1", "data": {"text": "was found"}}],
            "citation_options": {"mode": "fast"},
            **{"safety_mode": "STRICT", "k": 3, "p": 0.5, "stop_sequences": ["END"]},
        }
    )
    found = stages(tree)
    assert (found["hi"], found["came of it"], found["was found"]) == (
        Stage.INPUT,
        Stage.TOOL_RESULT,
        Stage.RETRIEVAL,
    )
    assert found["I look it up."] is Stage.OUTPUT
    assert [leaf.content.name for leaf in tree.leaves if isinstance(leaf.content, ToolCall)] == ["find"]
    assert (tree.unknown, tree.unchecked) == ([], [])


def test_an_answer_has_texts_thoughts_and_citations() -> None:
    """And numbers, which are no texts."""
    parts = [{"type": "thinking", "thinking": "hmm"}, {"type": "text", "text": "Tea."}]
    cited = {
        "start": 0,
        "end": 3,
        "text": "Tea",
        "sources": [{"type": "document", "id": "1"}],
        "type": "TEXT_CONTENT",
    }
    tree = read_response(
        {
            "id": "1",
            "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": parts, "citations": [cited]},
            "usage": {"tokens": {"input_tokens": 1, "output_tokens": 1}},
        }
    )
    assert {"hmm", "Tea.", "Tea"} <= {*stages(tree)}
    assert tree.unknown == []
