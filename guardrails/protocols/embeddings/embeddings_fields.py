"""The field tables of OpenAI's embeddings API: requests and lists of vectors in, leaves out.

What is to be embedded are texts; token ids are refused. The numbers of a vector say nothing, as numbers or as Base64.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import by_table, each, figures, flag, keep, refuse, refused
from guardrails.engine.values.scalars import SHORTEST_LONG
from guardrails.engine.values.walk import LISTS, NUMBERS
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.completions.completions_fields import texts
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path

FLOAT = 4
"""Bytes of a number in Base64."""

LEAST = 1e-12
"""What is nearer to zero is no number of a vector but zero: the bytes of a text look like that, or like huge ones."""

REQUEST = by_table(
    {
        "input": texts,
        **{
            name: chat_fields.REQUEST.fields[name]
            for name in ("model", "user", "metadata", "safety_identifier")
        },
        "encoding_format": keep,
        "input_type": keep,
        "dimensions": flag,
        "stream": refused("embeddings are not streamed"),
        # These are inputs that the guard cannot read, or of another form than texts.
        **dict.fromkeys(("messages", "prompt_embeds", "prompt_token_ids", "chat_template"), refuse),
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request; raises `RequestError` for what is refused."""
    if body.get("input") is None:
        raise RequestError("invalid_input", "the body must have an 'input'", "/input")
    tree = ContentTree(roles=("user",))
    REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def vector(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A vector, or several: nothing to judge. What else stands there is judged, and nothing in it can be replaced."""
    if _is_numbers(value) or (isinstance(value, str) and _is_floats(value)):
        return
    if isinstance(value, LISTS):
        each(vector)(tree, value, path, place)
    elif isinstance(value, str):
        tree.text(value, path, place, editable=False)
    elif isinstance(value, Mapping):
        tree.unknown_field(value, path, place)
    else:
        tree.anything(value, path, place)


def _is_numbers(value: Any) -> bool:
    """Whether this is a list of numbers that are too small to be anyone's."""
    return isinstance(value, LISTS) and all(
        isinstance(number, NUMBERS) and -SHORTEST_LONG < number < SHORTEST_LONG for number in value
    )


def _is_floats(value: str) -> bool:
    """Whether this is Base64 of numbers of a vector, which that of a text is not."""
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(raw) % FLOAT:
        return False
    numbers = struct.unpack(f"<{len(raw) // FLOAT}f", raw)
    return all(LEAST < abs(number) < SHORTEST_LONG or number == 0 for number in numbers)


EMBEDDING = by_table({"object": keep, "index": keep, "embedding": vector})
RESPONSE = by_table(
    {
        **dict.fromkeys(("id", "object", "created", "model"), keep),
        "usage": figures,
        "data": each(EMBEDDING),
    }
)


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer."""
    tree = ContentTree()
    RESPONSE(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree
