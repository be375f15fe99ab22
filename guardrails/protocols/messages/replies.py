"""What a model of Anthropic's API replies with, and how it is asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.protocols.chat.replies import append_reask as append_reask
from guardrails.wire.pointers import Path


def find_replies(message: Mapping[str, Any]) -> list[tuple[Path, ...]]:
    """Return where the texts of the reply stand, or would: nowhere in a message that calls a tool of the client's."""
    blocks = message.get("content")
    if not isinstance(blocks, list) or any(_type(block) == "tool_use" for block in blocks):
        return []
    found: tuple[Path, ...] = tuple(
        ("content", index, "text") for index, block in enumerate(blocks) if _type(block) == "text"
    )
    return [found or (("content", len(blocks), "text"),)]


def _type(block: Any) -> Any:
    return block.get("type") if isinstance(block, Mapping) else None
