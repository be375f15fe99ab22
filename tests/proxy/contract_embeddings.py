"""Where a text may stand in OpenAI's embeddings API, for the contract matrix."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.embeddings import embeddings_fields

from .contract import Api, Failure


def asking(given: Any = "Hi.", **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"model": "m", "input": given, **fields}


def vectors(*found: Any, **fields: Any) -> dict[str, Any]:
    """Return an answer with these vectors."""
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(found)],
        "model": "m",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
        **fields,
    }


NUMBERS = [0.5, -0.25]


def holding(**fields: Any) -> dict[str, Any]:
    """Return an answer whose only embedding has more fields."""
    made = vectors(NUMBERS)
    made["data"][0].update(fields)
    return made


ASKS: dict[str, Any] = {
    "input": asking("@"),
    "one of two inputs": asking(["x", "@"]),
    "input, among token ids": asking(["@", 1]),
    "input, in a list of a list": asking([["@"]]),
    "input, a structure": asking({"text": "@"}),
    "input, a part": asking([{"type": "text", "text": "@"}]),
    **{
        f"field {name}": asking(**{name: "@"}) for name in embeddings_fields.REQUEST.fields if name != "input"
    },
    "unknown field": asking(x_new={"a": ["@"]}),
    "name of a field": asking(**{"@": 1}),
}
ANSWERS: dict[str, Any] = {
    "embedding": vectors("@"),
    "second embedding": vectors(NUMBERS, "@"),
    "embedding, among numbers": vectors([0.5, "@"]),
    "embedding, in a list of a list": vectors([[0.5], ["@"]]),
    "embedding, a structure": vectors({"float": ["@"]}),
    "embedding, name of a field": vectors({"@": [0.5]}),
    "embedding's object": holding(object="@"),
    "embedding's index": holding(index="@"),
    "embedding, unknown field": holding(x_new={"a": "@"}),
    "embedding, name of its field": holding(**{"@": 1}),
    "embeddings, a text": vectors(NUMBERS, data=["@"]),
    **{f"field {name}": vectors(NUMBERS, **{name: "@"}) for name in embeddings_fields.RESPONSE.fields},
    "usage, deep": vectors(NUMBERS, usage={"total_tokens": 2, "x_new": {"a": "@"}}),
    "unknown field": vectors(NUMBERS, x_new={"a": ["@"]}),
    "name of a field": vectors(NUMBERS, **{"@": 1}),
    "upstream's error": Failure(
        400, {"error": {"message": "@", "type": "invalid_request_error", "param": None, "code": None}}
    ),
    "upstream's error, unknown field": Failure(500, {"error": {"message": "x", "x_new": "@"}, "text": "@"}),
}

EMBEDDINGS = Api("/v1/embeddings", ASKS, vectors(NUMBERS), ANSWERS, asking())
