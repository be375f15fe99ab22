"""What a model of Ollama's API replies with, and how it is asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.protocols.chat.replies import append_reask as append_reask
from guardrails.protocols.chat.replies import message_texts
from guardrails.wire.pointers import Path


def find_replies(answer: Mapping[str, Any]) -> list[tuple[Path, ...]]:
    """Return where the text of the reply stands."""
    if isinstance(answer.get("response"), str):
        return [(("response",),)]
    found = (*message_texts(answer.get("message"), ("message",)),)
    return [found] if found else []


def append_prompt(body: Mapping[str, Any], answer: str, words: str) -> dict[str, Any]:
    """Return a request for a text with what the model answered, and the words on that, behind its prompt."""
    return {**body, "prompt": f"{body.get('prompt') or ''}\n\n{answer}\n\n{words}\n"}
