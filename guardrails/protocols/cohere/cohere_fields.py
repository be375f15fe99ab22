"""The field tables of Cohere's chat API: those of OpenAI's chat API, with documents, plans and citations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import anything, by_table, each, figures, flag, keep, parts, text
from guardrails.protocols.chat import chat_fields
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path


def part(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One part of a message: a document was retrieved, or came of a tool; all else is as in OpenAI's chat API."""
    if isinstance(value, Mapping) and value.get("type") == "document":
        if place.stage is not Stage.TOOL_RESULT:
            place = replace(place, stage=Stage.RETRIEVAL, also=(place.stage, *place.also))
        DOCUMENT(tree, value, path, place)
        return
    chat_fields.part(tree, value, path, place)


DOCUMENT: Final = by_table({"type": keep, "document": anything})
CITATIONS: Final = each(
    by_table(
        {
            **dict.fromkeys(("start", "end", "content_index"), flag),
            "text": text,
            "sources": anything,
            "type": keep,
        }
    )
)
MESSAGE: Final = by_table(
    {
        **chat_fields.MESSAGE.fields,
        "content": parts(part, chat_fields.PARTS),
        "tool_plan": text,
        "citations": CITATIONS,
    }
)


def messages(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request."""
    chat_fields.messages(tree, value, path, table=MESSAGE)


REQUEST: Final = by_table(
    {
        **chat_fields.REQUEST.fields,
        "messages": messages,
        "stop_sequences": anything,
        **dict.fromkeys(("safety_mode", "priority"), keep),
        **dict.fromkeys(("citation_options", "thinking"), figures),
        **dict.fromkeys(("k", "p", "strict_tools", "raw_prompting"), flag),
    }
)
ANSWER: Final = by_table(
    {
        **dict.fromkeys(("id", "finish_reason"), keep),
        "message": MESSAGE,
        "usage": figures,
        "logprobs": anything,
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request."""
    return chat_fields.read_request(body, REQUEST)


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer."""
    return chat_fields.read_response(body, ANSWER)
