"""How the routes of the server stand in its OpenAPI document, which FastAPI writes of them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.responses import Response

from guardrails.proxy.server.route import FORM, JSON, Route

DESCRIPTION: Final = """\
Model APIs with a policy in front: what they are asked and what they answer is judged before it goes on. Bodies are those of each
API; only what this server adds is described here. Where the server has keys, every route but the probes needs one, as
`Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key` or `x-guardrails-key`."""

HEADERS: Final = {
    "x-guardrails-action": "The strictest action that was taken: allow, flag, redact or block.",
    "x-guardrails-rules": "The ids of the rules that fired, with commas.",
    "x-guardrails-policy": "The policy that judged: name@version;digest.",
    "x-guardrails-verdict-id": "The ids of the verdicts, with commas.",
}
"""Header of an answer that was judged → what it says."""

FAILURES: Final = {
    502: "The upstream gave no answer, or none of this API.",
    503: "The guard could not judge this, or has no room for it now: nothing passed it.",
}
"""Status of an answer that is no fault of who asked → what it says."""

SCHEMAS: Final = {JSON: {"type": "object"}, FORM: {"type": "object"}}
"""Media type of a body → its schema: the bodies are those of the API."""


@lru_cache(maxsize=1_000)
def describe_route(route: Route) -> APIRoute:
    """Return a route as FastAPI describes it, the same for every application of this process: it holds nothing of one, and to
    work it out, by way of the signatures of all endpoints, is most of what an application's start takes.
    """
    return APIRoute(
        route.path,
        route.endpoint,
        methods=[route.method],
        response_class=Response,
        generate_unique_id_function=operation_id,
        **operation_of(route),
    )


def operation_of(route: Route) -> dict[str, Any]:
    """Return what a route says beside its path and method, as arguments of an `APIRoute`."""
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}
    types = [media for media in (route.answer_type, route.stream_type) if media]
    answer: dict[str, Any] = {"description": "The answer.", "content": {media: {} for media in types}}
    if route.is_judged:
        answer["headers"] = headers
    content = {JSON: {"schema": {"type": "object"}}}
    responses: dict[int | str, Any] = {200: answer}
    if not route.is_probe:
        responses |= {status: {"description": text, "content": content} for status, text in FAILURES.items()}
    responses["default"] = {
        "description": "An error, in the form of the API that was asked.",
        "content": content,
    }
    extra: dict[str, Any] = {}
    if route.parameters:
        extra["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in route.parameters
        ]
    if route.body_types:
        content = {media: {"schema": SCHEMAS[media]} for media in route.body_types}
        extra["requestBody"] = {"required": True, "content": content}
    return {
        "summary": route.summary,
        "tags": [route.tag],
        "responses": responses,
        "openapi_extra": extra,
    }


def operation_id(route: APIRoute) -> str:
    """Return a name of an operation that client generators can use: its method and path."""
    words = re.findall(r"[A-Za-z0-9]+", route.path)
    return "_".join((*map(str.lower, sorted(route.methods or ())), *words))
