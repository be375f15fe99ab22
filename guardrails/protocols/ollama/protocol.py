"""Ollama's own API: `/api/chat`, `/api/generate`, `/api/embed`, `/api/embeddings` and `/api/show`.

Streams are lines of JSON, and the default. A blocked answer says our words and `done_reason: content_filter`; an edited one
loses what spells its text again: log-probabilities, and the token ids of `context`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.chat import chat_payload
from guardrails.protocols.embeddings import protocol as embeddings
from guardrails.protocols.errors import ErrorWriter, ollama_error_writer
from guardrails.protocols.ollama import ollama_fields, replies
from guardrails.protocols.ollama.ollama_stream import (
    AGAIN,
    CHAT,
    GENERATE,
    OllamaCodec,
    build_line,
    build_refusal,
    write_events,
)
from guardrails.protocols.protocol import (
    Body,
    Framing,
    Protocol,
    StreamFormat,
    asks_for_stream,
    blocked_fields,
    failure_writer,
    invalid_answer,
    refuse_stream,
)
from guardrails.protocols.providers import OLLAMA
from guardrails.wire import ndjson, strict_json
from guardrails.wire.pointers import Path


def streams_by_default(body: Body) -> bool:
    """Tell whether a request asks for a stream: unless it says that it does not."""
    return body.get("stream") is None or asks_for_stream(body)


def check_answer(answer: dict[str, Any], text: Path) -> None:
    """Raise `BackendError` for an object without what people read at a path of it."""
    if not isinstance(answer.get(str(text[0])), Mapping if len(text) > 1 else str):
        raise invalid_answer(f"the upstream's answer is malformed: it has no {text[0]}")


def withhold(answer: Any, leaves: ContentTree, outcome: Outcome, words: str, text: Path) -> dict[str, Any]:
    """Return an answer with texts edited, or a refusal in its place."""
    changed: Any = payload.apply_edits(answer, leaves, outcome)
    if outcome.blocked:
        gone = blocked_fields(leaves, outcome)
        kept = (*ollama_fields.HEAD, *ollama_fields.COUNTS)
        return build_refusal(
            text, words, {name: changed[name] for name in kept if name in changed and (name,) not in gone}
        )
    return {name: value for name, value in changed.items() if name not in AGAIN or not outcome.edits}


def check_vectors(answer: dict[str, Any]) -> None:
    """Raise `BackendError` for an object that holds no vectors."""
    if not isinstance(answer.get("embeddings", answer.get("embedding")), list):
        raise invalid_answer("the upstream's answer is malformed: it has no embeddings")


def _protocol(name: str, text: Path, write_error: ErrorWriter, **tables: Any) -> Protocol:
    """Return an API whose answers people read at a path of them."""
    return Protocol(
        name=f"ollama.{name}",
        path=f"/{name}",
        provider=OLLAMA,
        check_response=partial(check_answer, text=text),
        withhold=partial(withhold, text=text),
        refuse=lambda words, body: build_refusal(text, words, {"model": body.get("model", "")}),
        stream=StreamFormat(
            codec=lambda: OllamaCodec(text),
            events=lambda answer: write_events(answer, text),
            failure=failure_writer(write_error),
            framing=Framing(
                media_type=ndjson.TYPE,
                reader=ndjson.Lines,
                writer=lambda: ndjson.Recast(strict_json.dump(build_line(text, ""))),
            ),
        ),
        is_streamed=streams_by_default,
        count_choices=lambda body: 1,
        write_error=write_error,
        find_replies=replies.find_replies,
        **tables,
    )


CHATS = _protocol(
    "chat",
    CHAT,
    ollama_error_writer(),
    summary="Answer a conversation.",
    read_request=ollama_fields.read_request,
    edit_request=chat_payload.edit_request,
    read_response=ollama_fields.read_response,
    append_reask=replies.append_reask,
)
GENERATIONS = _protocol(
    "generate",
    GENERATE,
    ollama_error_writer(param="prompt"),
    summary="Continue a text.",
    read_request=ollama_fields.read_prompt,
    read_response=ollama_fields.read_generated,
    append_reask=replies.append_prompt,
)
EMBED = Protocol(
    name="ollama.embed",
    summary="Return the vectors of texts.",
    path="/embed",
    provider=OLLAMA,
    read_request=ollama_fields.read_embed_request,
    check_response=check_vectors,
    read_response=ollama_fields.read_vectors,
    withhold=embeddings.withhold,
    is_streamed=refuse_stream,
    count_choices=lambda body: 1,
    write_error=ollama_error_writer(param="input"),
)
EMBEDDINGS = replace(
    EMBED, name="ollama.embeddings", summary="Return the vector of a text (older form).", path="/embeddings"
)
SHOW = Protocol(
    name="ollama.show",
    summary="Return what is known of a model.",
    path="/show",
    provider=OLLAMA,
    read_request=ollama_fields.read_show_request,
    read_response=ollama_fields.read_show_response,
    withhold=embeddings.withhold,
    is_streamed=refuse_stream,
    count_choices=lambda body: 1,
    write_error=ollama_error_writer(),
)
PROTOCOLS = (CHATS, GENERATIONS, EMBED, EMBEDDINGS, SHOW)
