"""`POST /v1/chat/completions`: OpenAI's chat API, as a table. What is withheld is so choice by choice.

Of a blocked answer each choice keeps its place and says `content_filter`; an edited choice loses what spells it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.chat import chat_fields, chat_payload
from guardrails.protocols.chat.chat_assembly import Chunks
from guardrails.protocols.chat.chat_stream import ChatTeller, events
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.api import Api
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import written
from guardrails.proxy.upstreams.upstream_client import OPENAI, invalid
from guardrails.wire import sse

END = sse.event(sse.DONE)
"""Stands behind the last chunk."""

REQUIRED: Mapping[str, Any] = {"id": "", "object": "chat.completion", "created": 0, "model": ""}


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the completion that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    completion = answer.parsed(raw)
    choices = completion.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise invalid("the upstream's answer is malformed: it has no choices")
    return completion


def refusal(choice: Mapping[str, Any], position: int, message: str) -> dict[str, Any]:
    """Return what stands in the place of a blocked choice: nothing of it but its index."""
    return {
        **refused(choice, position),
        "message": {"role": "assistant", "content": None, "refusal": message},
    }


def refused(choice: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Return a blocked choice but for what is said in its place."""
    index = choice.get("index")
    return {
        "index": index if type(index) is int else position,
        "logprobs": None,
        "finish_reason": "content_filter",
    }


def silent(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return an edited choice without what spells its old text."""
    return {name: None if name in chat_payload.SPELLED else value for name, value in choice.items()}


def withheld(
    completion: dict[str, Any],
    tree: ContentTree,
    outcome: Outcome,
    message: str,
    refusal: Callable[[Mapping[str, Any], int, str], dict[str, Any]] = refusal,
    required: Mapping[str, Any] = REQUIRED,
) -> dict[str, Any]:
    """Return a completion with texts edited and choices refused: all, for what belongs to none of them."""
    changed: Any = chat_payload.apply_spoken_edits(completion, tree, outcome)
    touched = {
        tree.leaves[index].path[1] for index in outcome.edits if tree.leaves[index].path[0] == "choices"
    }
    places = [tree.leaves[index].path if index >= 0 else () for index in outcome.blocked]
    blocked = {path[1] for path in places if path[:1] == ("choices",) and len(path) > 1}
    outside = {path[0] for path in places if path[:1] != ("choices",) and path}
    everything = any(path[:1] != ("choices",) or len(path) < 2 for path in places)
    choices = []
    for position, choice in enumerate(changed["choices"]):
        if everything or position in blocked:
            choices.append(refusal(choice, position, message))
        elif position in touched:
            choices.append(silent(choice))
        else:
            choices.append(choice)
    top = {name: value for name, value in changed.items() if name not in outside}
    missing = {name: value for name, value in required.items() if name not in top}
    return {**top, **missing, "choices": choices}


CHAT = Api(
    path="/chat/completions",
    dialect=OPENAI,
    request=chat_fields.request,
    edited=chat_payload.request,
    parsed=parsed,
    response=chat_fields.response,
    withheld=withheld,
    collector=Chunks,
    teller=ChatTeller,
    written=lambda completion: written([*events(completion)]) + END,
    failed=lambda told: sse.event(told.body()),
    tail=END,
    annotated="asked",
)


async def completions(request: HttpRequest) -> Response:
    """Serve the route."""
    return await exchange(request, CHAT)
