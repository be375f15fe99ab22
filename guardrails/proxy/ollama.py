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

from guardrails.engine import ollama, subject
from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome
from guardrails.proxy import answer, embeddings
from guardrails.proxy.api import Api, asks_for_stream
from guardrails.proxy.exchange import exchange
from guardrails.proxy.state import state_of
from guardrails.proxy.stream import written
from guardrails.proxy.upstream import Dialect, invalid, passed_back
from guardrails.streams.ollama import AGAIN, CHAT, GENERATE, Joined, OllamaTeller, events, line, refusal
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
    changed: Any = subject.apply_edits(found, leaves, outcome)
    if outcome.blocked:
        gone = answer.blocked_fields(leaves, outcome)
        kept = (*ollama.HEAD, *ollama.COUNTS)
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


MESSAGES = _api("/chat", CHAT, request=ollama.request, edited=subject.request, response=ollama.response)
COMPLETIONS = _api(
    "/generate", GENERATE, request=ollama.prompt, edited=subject.apply_edits, response=ollama.generated
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
    request=ollama.embedded,
    response=ollama.vectors,
    parsed=vectors,
    withheld=embeddings.withheld,
    is_streamed=lambda body: False,
)
EMBEDDINGS = replace(EMBED, path="/embeddings")
SHOW = replace(EMBED, path="/show", request=ollama.show, response=ollama.shown, parsed=answer.parsed)


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
        headers = passed_back(response)
        raw = await upstream.whole(response)
    answer.parsed(raw)
    return Response(raw, 200, headers, "application/json")
