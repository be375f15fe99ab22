"""OpenAI's older completion API. What is withheld is so choice by choice.

A blocked choice says our words and `content_filter`; an edited one loses what spells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from guardrails.protocols.chat import protocol as chat
from guardrails.protocols.chat.chat_stream import write_chunks
from guardrails.protocols.chat.replies import find_replies
from guardrails.protocols.completions import completions_fields
from guardrails.protocols.completions.completions_stream import KIND, CompletionCodec
from guardrails.protocols.completions.replies import append_reask
from guardrails.protocols.errors import openai_error_writer
from guardrails.protocols.protocol import SSE_DONE, Protocol, StreamFormat
from guardrails.protocols.streaming.codec import Event

REQUIRED: Mapping[str, Any] = {**chat.REQUIRED, "object": KIND}


def refuse_choice(choice: Mapping[str, Any], position: int, words: str) -> dict[str, Any]:
    """Return what stands in the place of a blocked choice: nothing of it but its index."""
    return {**chat.stopped_choice(choice, position), "text": words}


def write_events(completion: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole completion as chunks, one for each choice."""
    return write_chunks(completion, KIND, lambda choice: [choice])


COMPLETIONS = Protocol(
    name="openai.completions",
    summary="Continue a text.",
    path="/completions",
    read_request=completions_fields.read_request,
    check_response=chat.check_completion,
    read_response=completions_fields.read_response,
    withhold=partial(chat.withhold, refuse_choice=refuse_choice, required=REQUIRED),
    refuse=chat.refuse_as(KIND, refuse_choice),
    stream=StreamFormat(codec=CompletionCodec, events=write_events, framing=SSE_DONE),
    write_error=openai_error_writer(param="prompt"),
    find_replies=find_replies,
    append_reask=append_reask,
)
PROTOCOLS = (COMPLETIONS,)
