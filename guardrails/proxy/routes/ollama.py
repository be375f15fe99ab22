"""`POST /api/chat`, `/api/generate`, `/api/embed`, `/api/embeddings` and `/api/show`: Ollama's own API; and what it lists.

Streams are lines of JSON, and the default. A blocked answer says our words and `done_reason: content_filter`; an edited one
loses what spells its text again: log-probabilities, and the token ids of `context`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import Leaves
from guardrails.engine.core.outcome import Outcome
from guardrails.protocols.ollama import ollama_fields
from guardrails.protocols.ollama.ollama_stream import (
    AGAIN,
    CHAT,
    GENERATE,
    Joined,
    OllamaTeller,
    events,
    line,
    refusal,
)
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.api import Api, asks_for_stream
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import written
from guardrails.proxy.routes.openai import embeddings
from guardrails.proxy.server.state import state_of
from guardrails.proxy.upstreams.upstream_client import Dialect, invalid, response_headers
from guardrails.wire import ndjson, sse, strict_json
from guardrails.wire.pointers import Path

BASE = "/api"
OLLAMA = Dialect(("authorization",), {"authorization": "Bearer "})


def streamed(body: Mapping[str, Any]) -> bool:
    """Tell whether a request asks for a stream: unless it says that it does not."""
    return body.get("stream") is None or asks_for_stream(body)


def parsed(raw: bytes, text: Path) -> dict[str, Any]:
    """Return the answer that an upstream's is, which people read at a path of it.

    Raises:
        BackendError: it is none.
    """
    found = answer.parsed(raw)
    if not isinstance(found.get(str(text[0])), Mapping if len(text) > 1 else str):
        raise invalid(f"the upstream's answer is malformed: it has no {text[0]}")
    return found


def withheld(
    found: dict[str, Any], leaves: Leaves, outcome: Outcome, words: str, text: Path
) -> dict[str, Any]:
    """Return an answer with texts edited, or a refusal in its place."""
    changed: Any = payload.apply_edits(found, leaves, outcome)
    if outcome.blocked:
        gone = answer.blocked_fields(leaves, outcome)
        kept = (*ollama_fields.HEAD, *ollama_fields.COUNTS)
        return refusal(
            text, words, {name: changed[name] for name in kept if name in changed and (name,) not in gone}
        )
    return {name: value for name, value in changed.items() if name not in AGAIN or not outcome.edits}


def _api(path: str, text: Path, **tables: Any) -> Api:
    """Return an API whose answers people read at a path of them."""
    return Api(
        path=path,
        base=BASE,
        dialect=OLLAMA,
        parsed=partial(parsed, text=text),
        withheld=partial(withheld, text=text),
        collector=Joined,
        teller=lambda: OllamaTeller(text),
        written=lambda found: written([*events(found, text)]),
        failed=lambda told: sse.event(told.body(BASE + path)),
        is_streamed=streamed,
        choices=lambda body: 1,
        recast=lambda: ndjson.Recast(strict_json.dump(line(text, ""))),
        media=ndjson.TYPE,
        reader=ndjson.Lines,
        **tables,
    )


MESSAGES = _api(
    "/chat", CHAT, request=ollama_fields.request, edited=payload.request, response=ollama_fields.response
)
COMPLETIONS = _api(
    "/generate",
    GENERATE,
    request=ollama_fields.prompt,
    edited=payload.apply_edits,
    response=ollama_fields.generated,
)


def vectors(raw: bytes) -> dict[str, Any]:
    """Return the vectors that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    found = answer.parsed(raw)
    if not isinstance(found.get("embeddings", found.get("embedding")), list):
        raise invalid("the upstream's answer is malformed: it has no embeddings")
    return found


EMBED = replace(
    COMPLETIONS,  # what is said of streams there is never asked here: a request for one is refused
    path="/embed",
    request=ollama_fields.embedded,
    response=ollama_fields.vectors,
    parsed=vectors,
    withheld=embeddings.withheld,
    is_streamed=lambda body: False,
)
EMBEDDINGS = replace(EMBED, path="/embeddings")
SHOW = replace(
    EMBED, path="/show", request=ollama_fields.show, response=ollama_fields.shown, parsed=answer.parsed
)


async def chat(request: HttpRequest) -> Response:
    """Serve `/api/chat`."""
    return await exchange(request, MESSAGES)


async def generate(request: HttpRequest) -> Response:
    """Serve `/api/generate`."""
    return await exchange(request, COMPLETIONS)


async def embed(request: HttpRequest) -> Response:
    """Serve `/api/embed`."""
    return await exchange(request, EMBED)


async def embedded(request: HttpRequest) -> Response:
    """Serve `/api/embeddings`, the older form of the same."""
    return await exchange(request, EMBEDDINGS)


async def show(request: HttpRequest) -> Response:
    """Serve `/api/show`: what is said of a model is judged like what it says."""
    return await exchange(request, SHOW)


async def listed(request: HttpRequest) -> Response:
    """Serve what the upstream lists: `GET /api/tags`, `/api/ps` and `/api/version`."""
    upstream, path = state_of(request).upstream, request.url.path.removeprefix(BASE)
    async with upstream.answer("GET", path, request.headers, None, OLLAMA, BASE) as response:
        headers = response_headers(response)
        raw = await upstream.read_whole(response)
    answer.parsed(raw)
    return Response(raw, 200, headers, "application/json")
