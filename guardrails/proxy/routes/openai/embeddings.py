"""`POST /v1/embeddings`: OpenAI's embeddings API, as a table. Texts are judged before they are embedded; vectors pass.

An answer that holds something that is stopped is an error: there is no form in which an embedding could refuse.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import BackendError
from guardrails.protocols.embeddings import embeddings_fields
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.routes.openai.completions import COMPLETIONS
from guardrails.proxy.server.errors import BLOCKED
from guardrails.proxy.upstreams.upstream_client import invalid


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the list of embeddings that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    found = answer.parsed(raw)
    data = found.get("data")
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise invalid("the upstream's answer is malformed: it has no data")
    return found


def withheld(found: dict[str, Any], tree: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return an answer with texts edited.

    Raises:
        BackendError: something in it is blocked.
    """
    if outcome.blocked:
        raise BackendError(words, 502, BLOCKED)
    changed: Any = payload.apply_edits(found, tree, outcome)
    return dict(changed)


EMBEDDINGS = replace(
    COMPLETIONS,  # what is said of streams there is never asked here: a request for one is refused
    path="/embeddings",
    request=embeddings_fields.request,
    parsed=parsed,
    response=embeddings_fields.response,
    withheld=withheld,
)


async def create(request: HttpRequest) -> Response:
    """Serve the route."""
    return await exchange(request, EMBEDDINGS)
