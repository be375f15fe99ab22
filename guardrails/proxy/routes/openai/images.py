"""`POST /v1/images/generations`, `/edits` and `/variations`: OpenAI's images API, as a table.

What is asked, the pictures that are sent, and those that are made are judged. An answer of which anything is stopped is an
error, never a part of it: no picture could refuse. Each event of a stream is a picture, and is judged for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import BackendError
from guardrails.protocols import image_links
from guardrails.protocols.images import images_fields
from guardrails.protocols.streaming.codec import Event
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import written
from guardrails.proxy.routes.openai import embeddings
from guardrails.proxy.routes.openai.completions import COMPLETIONS
from guardrails.proxy.server.errors import BLOCKED
from guardrails.wire import sse

SHARED = ("background", "output_format", "quality", "size", "usage")
"""What an answer says of all its pictures, and an event of its one."""


def withheld(found: dict[str, Any], tree: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return an answer with pictures and texts edited.

    Raises:
        BackendError: something in it is blocked.
    """
    if outcome.blocked:
        raise BackendError(words, 400, BLOCKED)
    changed: Any = payload.apply_edits(found, tree, outcome)
    return dict(changed)


def events(answer: Mapping[str, Any], kind: str) -> Iterator[Event]:
    """Write a whole answer as the events that tell of finished pictures."""
    shared = {name: answer[name] for name in SHARED if name in answer}
    for picture in answer["data"]:
        name = f"{kind}.completed"
        yield Event(name, {"type": name, "created_at": answer.get("created", 0), **shared, **picture})


def _api(path: str, kind: str) -> Any:
    return replace(
        COMPLETIONS,  # what puts texts together there is not asked here: each event stands apart
        path=path,
        request=images_fields.request,
        parsed=embeddings.parsed,
        response=images_fields.response,
        withheld=withheld,
        written=lambda answer: written([*events(answer, kind)]),
        failed=lambda told: sse.event(told.body("/v1/images"), b"error"),
        tail=b"",
        last=images_fields.is_last,
        links=image_links.answer_links,
    )


GENERATIONS = _api("/images/generations", "image_generation")
EDITS = replace(_api("/images/edits", "image_edit"), forms="taken")
VARIATIONS = replace(_api("/images/variations", "image_variation"), forms="only")


async def generate(request: HttpRequest) -> Response:
    """Serve `/v1/images/generations`."""
    return await exchange(request, GENERATIONS)


async def edit(request: HttpRequest) -> Response:
    """Serve `/v1/images/edits`."""
    return await exchange(request, EDITS)


async def vary(request: HttpRequest) -> Response:
    """Serve `/v1/images/variations`."""
    return await exchange(request, VARIATIONS)
