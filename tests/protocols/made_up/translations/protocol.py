"""A made-up API: a text goes in, its translation comes out, at once or as a stream. What the tests of the registry add to it, in
one folder.
"""

from __future__ import annotations

from typing import Any

from guardrails.protocols.translations.translations_stream import TranslationCodec, write_events

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import by_table, flag, keep, text
from guardrails.engine.model import Outcome
from guardrails.protocols.protocol import Body, Protocol, StreamFormat
from guardrails.types import Place, Stage

REQUEST = by_table({"model": keep, "to": keep, "text": text, "stream": flag})
ANSWER = by_table({"id": keep, "translation": text})


def read_request(body: Any) -> ContentTree:
    """Return the contents of a request."""
    tree = ContentTree(roles=("user",))
    REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def read_response(answer: Any) -> ContentTree:
    """Return the contents of an answer."""
    tree = ContentTree()
    ANSWER(tree, answer, (), Place(Stage.OUTPUT, role="assistant"))
    return tree


def refuse(words: str, body: Body) -> dict[str, Any]:
    """Return the answer that refuses in these words."""
    return {"id": "refused", "translation": words}


def withhold(answer: Any, tree: ContentTree, outcome: Outcome, words: str) -> Any:
    """Return an answer with texts edited, or a refusal in its place."""
    return refuse(words, {}) if outcome.blocked else payload.apply_edits(answer, tree, outcome)


PROTOCOLS = (
    Protocol(
        name="made_up.translations",
        path="/translations",
        summary="Translate a text.",
        read_request=read_request,
        read_response=read_response,
        withhold=withhold,
        refuse=refuse,
        stream=StreamFormat(codec=TranslationCodec, events=write_events),
    ),
)
