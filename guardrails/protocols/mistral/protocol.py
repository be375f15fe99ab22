"""Mistral's API. A refusal is what people read: clients have no field for it, so it stands in the content too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from guardrails.protocols.chat.chat_stream import KIND, ChatCodec, write_events
from guardrails.protocols.chat.protocol import CHAT, refuse_as, stopped_choice, withhold
from guardrails.protocols.embeddings.protocol import EMBEDDINGS
from guardrails.protocols.mistral import mistral_fields
from guardrails.protocols.protocol import SSE_DONE, StreamFormat
from guardrails.protocols.providers import MISTRAL


def refuse_choice(choice: Mapping[str, Any], position: int, words: str) -> dict[str, Any]:
    """Return what stands in the place of a blocked choice."""
    message = {"role": "assistant", "content": words, "refusal": words}
    return {**stopped_choice(choice, position), "message": message}


class MistralCodec(ChatCodec):
    """One completion, in which a refusal stands in the content."""

    def build_refusal(self, words: str) -> dict[str, Any]:
        """Return a message that refuses in these words."""
        return {"content": words, "refusal": words}


CHATS = replace(
    CHAT,
    name="mistral.chat",
    provider=MISTRAL,
    is_served=False,
    read_request=mistral_fields.read_request,
    read_response=mistral_fields.read_response,
    withhold=partial(withhold, refuse_choice=refuse_choice),
    refuse=refuse_as(KIND, refuse_choice),
    stream=StreamFormat(codec=MistralCodec, events=write_events, framing=SSE_DONE),
)
AGENTS = replace(CHATS, name="mistral.agents", summary="Have an agent answer.", path="/agents/completions")
FILLS = replace(
    CHATS,
    name="mistral.fim",
    summary="Fill in the middle of a text.",
    path="/fim/completions",
    read_request=mistral_fields.read_fill_request,
)
VECTORS = replace(EMBEDDINGS, name="mistral.embeddings", provider=MISTRAL, is_served=False)
PROTOCOLS = (CHATS, AGENTS, FILLS, VECTORS)
