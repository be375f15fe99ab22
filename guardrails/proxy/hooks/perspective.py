"""Perspective's `comments:analyze`: a comment is answered with the scores of attributes.

There is no verdict in it: a comment that the policy stops or would change scores 1.0 in the attributes that its rules speak
of, and in all that were asked for if they speak of none. (The hosted service closes on 2026-12-31.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.errors import RequestError
from guardrails.protocols.errors import Problem
from guardrails.proxy.hooks.hook import (
    Hook,
    HookRequest,
    HookResponse,
    JudgedPiece,
    Piece,
    read_field,
    read_strings,
    read_unknown_fields,
)
from guardrails.taxonomy import with_ancestors
from guardrails.types import Place, Stage

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "TOXICITY": ("toxic", "hate", "harassment"),
    "SEVERE_TOXICITY": ("hate", "harassment.threatening"),
    "IDENTITY_ATTACK": ("hate",),
    "INSULT": ("harassment",),
    "PROFANITY": ("profanity",),
    "THREAT": ("harassment.threatening", "hate.threatening", "violence"),
    "SEXUALLY_EXPLICIT": ("sexual",),
    "FLIRTATION": ("sexual.suggestive",),
}
"""Attribute → the categories whose highest score it has."""

KNOWN = ("comment", "context", "requestedAttributes", "languages", "doNotStore", "spanAnnotations")
LABELS = ("clientToken", "sessionId", "communityId")
"""Names that a client gives: no model reads them."""

PROBABILITY = "PROBABILITY"
STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def read(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the comment, with all beside it that says something, as one piece."""
    comment, tree = read_field(body, "comment", dict), ContentTree()
    for name in read_field(body, "requestedAttributes", dict):
        if name not in ATTRIBUTES:
            raise RequestError(
                "invalid_type", f"attributes are {', '.join(ATTRIBUTES)}", "/requestedAttributes"
            )
        asked = (
            read_field(body["requestedAttributes"], name, dict, type(None), path=("requestedAttributes",))
            or {}
        )
        least = asked.get("scoreThreshold")
        if not isinstance(least, int | float | None) or isinstance(least, bool):
            raise RequestError(
                "invalid_type", "must be a number", f"/requestedAttributes/{name}/scoreThreshold"
            )
    read_strings(body, "languages", needed=False)
    for name in ("doNotStore", "spanAnnotations"):
        read_field(body, name, bool, type(None))
    for name in LABELS:
        read_field(body, name, str, type(None))
    tree.text(read_field(comment, "text", str, path=("comment",)), ("comment", "text"), Place())
    for name in comment.keys() - {"text", "type"}:
        tree.unknown_field(comment[name], ("comment", name), Place())
    tree.anything(read_field(body, "context", dict, type(None)), ("context",), Place())
    read_unknown_fields(tree, body, (*KNOWN, *LABELS), Place())
    return [Piece(body, tree, Stage.INPUT)]


def write(asked: HookRequest) -> HookResponse:
    """Return the scores of the attributes that were asked for."""
    body, judged = asked.body, asked.judged[0]
    wanted: dict[str, Any] = body["requestedAttributes"]
    acting = {
        name for some in judged.grounds.values() for each in some for name in with_ancestors(each.category)
    }
    told = any(acting.intersection(ATTRIBUTES[name]) for name in wanted)
    scores = {}
    for name, given in wanted.items():
        score = 1.0 if judged.touched and not told else judged.score(ATTRIBUTES[name])
        least = (given or {}).get("scoreThreshold")
        if least is None or score >= least:
            scores[name] = _attribute(
                score, judged, ATTRIBUTES[name], spans=bool(body.get("spanAnnotations"))
            )
    languages = body.get("languages") or ["en"]
    answer = {"attributeScores": scores, "languages": languages, "detectedLanguages": languages}
    token = body.get("clientToken")
    return HookResponse({**answer, **({"clientToken": token} if token is not None else {})})


def _attribute(
    score: float, judged: JudgedPiece, categories: Sequence[str], *, spans: bool
) -> dict[str, Any]:
    """Return one attribute; its spans are where its findings stand, the whole comment where none does."""
    value = {"value": score, "type": PROBABILITY}
    if not spans:
        return {"summaryScore": value}
    found = [
        {"begin": each.span[0], "end": each.span[1], "score": {"value": each.score, "type": PROBABILITY}}
        for each in judged.verdict.findings
        if each.span
        and each.path == "/comment/text"
        and not set(categories).isdisjoint(with_ancestors(each.category))
    ]
    whole = {"begin": 0, "end": len(judged.piece.given["comment"]["text"]), "score": value}
    return {"spanScores": found or [whole], "summaryScore": value}


def write_failure(told: Problem) -> HookResponse:
    """Return an error in Google's shape."""
    status = STATUSES.get(told.status, "INVALID_ARGUMENT" if told.status < 500 else "INTERNAL")
    error = {"code": told.status, "message": told.error["message"], "status": status}
    return HookResponse({"error": error}, told.status, told.headers)


HOOK = Hook(
    "perspective",
    "/v1alpha1/comments:analyze",
    read,
    write,
    write_failure,
    complete=True,
    takes_key_in_query=True,
    summary="Perspective: scores of a comment.",
)
