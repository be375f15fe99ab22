"""`POST /v1/completions`: OpenAI's older completion API, as a table. What is withheld is so choice by choice.

A blocked choice says our words and `content_filter`; an edited one loses what spells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content import payload
from guardrails.protocols.chat.chat_assembly import Chunks
from guardrails.protocols.completions import completions_fields
from guardrails.protocols.completions.completions_stream import KIND, TextTeller
from guardrails.protocols.streaming.codec import Event
from guardrails.proxy.exchange.api import Api
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import written
from guardrails.proxy.routes.openai import chat
from guardrails.proxy.upstreams.upstream_client import OPENAI
from guardrails.wire import sse

REQUIRED: Mapping[str, Any] = {**chat.REQUIRED, "object": KIND}


class Texts(Chunks):
    """Puts one text completion together."""

    def answer(self) -> dict[str, Any]:
        """Return the completion."""
        made = super().answer()
        return {**made, "object": KIND} if made["object"] == chat.REQUIRED["object"] else made


def refusal(choice: Mapping[str, Any], position: int, words: str) -> dict[str, Any]:
    """Return what stands in the place of a blocked choice: nothing of it but its index."""
    return {**chat.refused(choice, position), "text": words}


def events(completion: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole completion as chunks, one for each choice."""
    head = {name: value for name, value in completion.items() if name not in ("choices", "usage")}
    for choice in completion["choices"]:
        yield Event("", {**head, "choices": [choice]})
    if completion.get("usage") is not None:
        yield Event("", {**head, "choices": [], "usage": completion["usage"]})


COMPLETIONS = Api(
    path="/completions",
    dialect=OPENAI,
    request=completions_fields.request,
    edited=payload.apply_edits,
    parsed=chat.parsed,
    response=completions_fields.response,
    withheld=partial(chat.withheld, refusal=refusal, required=REQUIRED),
    collector=Texts,
    teller=TextTeller,
    written=lambda completion: written([*events(completion)]) + chat.END,
    failed=lambda told: sse.event(told.body()),
    tail=chat.END,
)


async def create(request: HttpRequest) -> Response:
    """Serve the route."""
    return await exchange(request, COMPLETIONS)
