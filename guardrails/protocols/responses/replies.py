"""What a model replies with in OpenAI's Responses API, and how it is asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.wire.pointers import Path

CLIENTS: Final = frozenset(
    {
        *("function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call"),
        *("apply_patch_call", "mcp_approval_request"),
    }
)
"""Types of items that the client answers: the texts beside them are no reply yet."""


def find_replies(response: Mapping[str, Any]) -> list[tuple[Path, ...]]:
    """Return where the texts of the reply stand, which is the last message."""
    items = response.get("output")
    output = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    messages = [item for item in output if item.get("type") == "message"]
    if (
        not isinstance(items, list)
        or not messages
        or any(str(item.get("type")) in CLIENTS for item in output)
    ):
        return []
    at = max(index for index, item in enumerate(items) if item is messages[-1])
    content = messages[-1].get("content")
    parts = content if isinstance(content, list) else []
    if any(isinstance(part, Mapping) and part.get("type") == "refusal" for part in parts):
        return []
    found: tuple[Path, ...] = tuple(
        ("output", at, "content", index, "text")
        for index, part in enumerate(parts)
        if isinstance(part, Mapping) and part.get("type") == "output_text"
    )
    return [found] if found else []


def append_reask(body: Mapping[str, Any], answer: str, words: str) -> dict[str, Any]:
    """Return a request with what the model answered, and the words on that, as its last items."""
    given = body.get("input")
    before = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
    turns = ({"role": "assistant", "content": answer}, {"role": "user", "content": words})
    return {**body, "input": [*before, *turns]}
