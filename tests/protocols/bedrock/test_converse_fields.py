"""Bedrock's field tables: where each block stands, what cannot be read, and that no field is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import RequestError
from guardrails.protocols.bedrock.converse_fields import read_request, read_response
from guardrails.types import Stage, Text, ToolCall
from tests.cases import each_case


def asked(*content: Any, role: str = "user", **fields: Any) -> dict[str, Any]:
    """Return a request with one message of these blocks."""
    return {"modelId": "m", "messages": [{"role": role, "content": [*content]}], **fields}


def stages(tree: Any) -> dict[str, Stage]:
    """Return the stage of each text."""
    return {
        leaf.content.text: leaf.content.place.stage for leaf in tree.leaves if isinstance(leaf.content, Text)
    }


def test_blocks_stand_where_they_belong() -> None:
    """Texts, calls, results, definitions, the system prompt."""
    spec = {"name": "f", "description": "Finds.", "inputSchema": {"json": {"type": "object"}}}
    result = {"toolUseId": "1", "status": "success", "content": [{"text": "found"}, {"json": {"a": "made"}}]}
    tree = read_request(
        {
            **asked({"text": "hi"}, {"toolResult": result}, {"cachePoint": {"type": "default"}}),
            "system": [{"text": "Be kind."}],
            "toolConfig": {"tools": [{"toolSpec": spec}], "toolChoice": {"auto": {}}},
            "inferenceConfig": {"maxTokens": 9, "temperature": 0.5},
        }
    )
    found = stages(tree)
    assert (found["hi"], found["Be kind."]) == (Stage.INPUT, Stage.INPUT)
    assert (found["found"], found["made"]) == (Stage.TOOL_RESULT, Stage.TOOL_RESULT)
    assert found["Finds."] is Stage.TOOL_DEFINITION
    assert (tree.unknown, tree.unchecked) == ([], [])


def test_an_answer_has_texts_thoughts_and_calls() -> None:
    """And numbers, which are no texts."""
    blocks = [
        {"reasoningContent": {"reasoningText": {"text": "hmm", "signature": "c2lnbmVk"}}},
        {"text": "Hello."},
        {"toolUse": {"toolUseId": "1", "name": "f", "input": {"city": "Paris"}}},
    ]
    tree = read_response(
        {
            "output": {"message": {"role": "assistant", "content": blocks}},
            "stopReason": "tool_use",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 5},
        }
    )
    assert stages(tree)["Hello."] is stages(tree)["hmm"] is Stage.OUTPUT
    assert [leaf.content.name for leaf in tree.leaves if isinstance(leaf.content, ToolCall)] == ["f"]
    assert tree.unknown == []


@each_case(
    "block",
    [
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": "eA=="}}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://a/b"}}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}},
    ],
)
def test_what_nobody_can_read_is_unchecked(block: Any) -> None:
    """The policy says what becomes of it."""
    assert [each.kind for each, _ in read_request(asked(block)).unchecked] == ["part"]


def test_what_the_guard_would_not_see_is_refused() -> None:
    """A prompt that the server keeps, and turns of nobody."""
    for body in (
        asked({"text": "hi"}, promptVariables={"a": {"text": "b"}}),
        asked({"text": "hi"}, role="robot"),
    ):
        with pytest.raises(RequestError):
            read_request(body)
