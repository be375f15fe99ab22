"""OpenAI's chat API. What is withheld is so choice by choice.

Of a blocked answer each choice keeps its place and says `content_filter`; an edited choice loses what spells it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.chat import chat_fields, chat_payload, replies
from guardrails.protocols.chat.chat_stream import KIND, ChatCodec, write_events
from guardrails.protocols.choices import choice_index, refuse_choices
from guardrails.protocols.protocol import SSE_DONE, Body, Protocol, StreamFormat, invalid_answer

REQUIRED: Mapping[str, Any] = {"id": "", "object": KIND, "created": 0, "model": ""}
NO_USAGE: Mapping[str, int] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}

RefuseChoice = Callable[[Mapping[str, Any], int, str], dict[str, Any]]
"""A blocked choice, its position and the words in its place → what stands there."""


def check_completion(completion: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that is no completion."""
    choices = completion.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise invalid_answer("the upstream's answer is malformed: it has no choices")


def refuse_choice(choice: Mapping[str, Any], position: int, words: str) -> dict[str, Any]:
    """Return what stands in the place of a blocked choice: nothing of it but its index."""
    message = {"role": "assistant", "content": None, "refusal": words}
    return {**stopped_choice(choice, position), "message": message}


def stopped_choice(choice: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Return a blocked choice but for what is said in its place."""
    return {
        "index": choice_index(choice, position),
        "logprobs": None,
        "finish_reason": "content_filter",
    }


def _without_spelling(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return an edited choice without what spells its old text."""
    return {name: None if name in chat_payload.SPELLED else value for name, value in choice.items()}


def withhold(
    completion: Any,
    leaves: ContentTree,
    outcome: Outcome,
    words: str,
    refuse_choice: RefuseChoice = refuse_choice,
    required: Mapping[str, Any] = REQUIRED,
) -> dict[str, Any]:
    """Return a completion with texts edited and choices refused: all, for what belongs to none of them."""
    changed: Any = chat_payload.apply_spoken_edits(completion, leaves, outcome)
    touched = {
        leaves.leaves[index].path[1] for index in outcome.edits if leaves.leaves[index].path[0] == "choices"
    }
    choices = [
        _without_spelling(choice) if position in touched else choice
        for position, choice in enumerate(changed["choices"])
    ]
    left = refuse_choices(
        {**changed, "choices": choices},
        "choices",
        leaves,
        outcome,
        lambda choice, position: refuse_choice(choice, position, words),
    )
    missing = {name: value for name, value in required.items() if name not in left}
    return {**left, **missing}


def refuse_as(kind: str, refuse_choice: RefuseChoice) -> Callable[[str, Body], dict[str, Any]]:
    """Return what answers a request with words alone, as a completion of a kind."""

    def refuse(words: str, body: Body) -> dict[str, Any]:
        options = body.get("stream_options")
        counted = not body.get("stream") or (isinstance(options, Mapping) and options.get("include_usage"))
        return {
            "id": "guardrails-" + os.urandom(12).hex(),
            "object": kind,
            "created": int(time.time()),
            "model": body.get("model", ""),
            "choices": [refuse_choice({}, 0, words)],
            **({"usage": NO_USAGE} if counted else {}),
        }

    return refuse


CHAT = Protocol(
    name="openai.chat",
    summary="Answer a conversation.",
    path="/chat/completions",
    read_request=chat_fields.read_request,
    edit_request=chat_payload.edit_request,
    check_response=check_completion,
    read_response=chat_fields.read_response,
    withhold=withhold,
    refuse=refuse_as(KIND, refuse_choice),
    stream=StreamFormat(codec=ChatCodec, events=write_events, framing=SSE_DONE),
    find_replies=replies.find_replies,
    append_reask=replies.append_reask,
)
PROTOCOLS = (CHAT,)
