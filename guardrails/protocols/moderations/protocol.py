"""OpenAI's moderation API, as wrapped clients ask it: what is asked about is judged like a prompt; scores pass.

The proxy answers these requests itself, by its policy (`proxy/routes/openai/moderations.py`).
"""

from __future__ import annotations

from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import anything, by_table, keep
from guardrails.protocols.embeddings.protocol import withhold
from guardrails.protocols.moderations.moderations_fields import inputs
from guardrails.protocols.protocol import Protocol
from guardrails.types import Place, Stage

REQUEST = by_table({"model": keep, "input": anything})


def read_request(body: Any) -> ContentTree:
    """Return the contents of a request; raises `RequestError` for what is refused, such as token ids."""
    inputs(body.get("input"), Stage.INPUT)
    leaves = ContentTree()
    REQUEST(leaves, body, (), Place(Stage.INPUT))
    return leaves


MODERATIONS = Protocol(
    name="openai.moderations",
    path="/moderations",
    is_served=False,
    read_request=read_request,
    withhold=withhold,
)
PROTOCOLS = (MODERATIONS,)
