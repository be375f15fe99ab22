"""The field tables of Mistral's API: those of OpenAI's chat API, and what Mistral has besides."""

from __future__ import annotations

from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    by_table,
    each,
    flag,
    keep,
    seed,
    text,
)
from guardrails.protocols.chat import chat_fields
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path

MESSAGE: Final = by_table({**chat_fields.MESSAGE.fields, "prefix": flag})
CHOICE: Final = by_table({**chat_fields.CHOICE.fields, "message": MESSAGE})


def messages(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request."""
    chat_fields.messages(tree, value, path, table=MESSAGE)


REQUEST: Final = by_table(
    {
        **chat_fields.REQUEST.fields,
        "messages": messages,
        "prompt_mode": keep,
        "agent_id": keep,
        "safe_prompt": flag,
        "random_seed": seed,
    }
)
FILL: Final = by_table(
    {
        **{name: reader for name, reader in REQUEST.fields.items() if name != "messages"},
        **dict.fromkeys(("prompt", "suffix"), text),
        "min_tokens": flag,
    }
)


def choice(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One choice of an answer."""
    chat_fields.choice(tree, value, path, place, CHOICE)


RESPONSE: Final = by_table({**chat_fields.RESPONSE.fields, "choices": each(choice), "p": keep})


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request of models or of an agent."""
    return chat_fields.read_request(body, REQUEST)


def read_fill_request(body: Any) -> ContentTree:
    """Return the leaves of a request to fill in the middle of a text."""
    tree = ContentTree()
    FILL(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer."""
    return chat_fields.read_response(body, RESPONSE)
