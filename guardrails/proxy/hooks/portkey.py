"""Portkey's webhook guardrail: the gateway's whole context is answered with a `verdict` and what to use instead.

Portkey lets pass what a webhook answers with an error, so that every failure here is a verdict too: `false`, with status 200.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.tools.tool_calls import find_returned
from guardrails.errors import BackendError, RequestError
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.completions.protocol import COMPLETIONS
from guardrails.protocols.embeddings.protocol import EMBEDDINGS
from guardrails.protocols.errors import Problem
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.proxy.hooks.hook import Hook, HookRequest, HookResponse, Piece, read_field
from guardrails.types import Place, Stage

BEFORE, AFTER = "beforeRequestHook", "afterRequestHook"
PROTOCOLS: Mapping[str, Protocol] = {
    "chatComplete": CHAT,
    "complete": COMPLETIONS,
    "embed": EMBEDDINGS,
    "messages": MESSAGES,
    "createModelResponse": RESPONSES,
}
"""Portkey's name of an API → its field tables. Bodies of others are judged string by string."""

SIDES: Mapping[str, str] = {BEFORE: "request", AFTER: "response"}


def read(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the request's or the answer's body as one piece; an answer is judged beside its request."""
    event = read_field(body, "eventType", str)
    if event not in SIDES:
        raise RequestError("invalid_type", f"must be {' or '.join(SIDES)}", "/eventType")
    asked = read_field(read_field(body, "request", dict), "json", dict, path=("request",))
    protocol = PROTOCOLS.get(str(body.get("requestType")))
    if event == BEFORE:
        if protocol is None:
            return [Piece(asked, _any(asked, Stage.INPUT), Stage.INPUT)]
        return [Piece(asked, protocol.request_payload(asked).tree, Stage.INPUT, protocol.edit_request)]
    answer = read_field(read_field(body, "response", dict), "json", dict, path=("response",))
    if not answer:
        raise RequestError("invalid_content", "there is no answer to judge", "/response/json")
    if protocol is None or not _is_answer(protocol, answer):
        return [Piece(answer, _any(answer, Stage.OUTPUT), Stage.OUTPUT)]
    before = protocol.request_payload(asked).tree
    leaves = protocol.response_payload(answer).tree
    leaves.beside(*before.conversation())
    return [
        Piece(
            answer,
            leaves,
            Stage.OUTPUT,
            lambda given, leaves, outcome: protocol.withhold(given, leaves, outcome, ""),
            heard=tuple(each for _, each in find_returned(before.leaves)),
        )
    ]


def _is_answer(protocol: Protocol, answer: dict[str, Any]) -> bool:
    """Tell whether an object is an answer of an API."""
    try:
        protocol.check_response(answer)
    except BackendError:
        return False
    return True


def _any(value: dict[str, Any], stage: Stage) -> ContentTree:
    leaves = ContentTree()
    leaves.anything(value, (), Place(stage))
    return leaves


def write(asked: HookRequest) -> HookResponse:
    """Return the verdict, and the body to use where it is another."""
    judged, side = asked.judged[0], SIDES[asked.body["eventType"]]
    data = {"action": str(judged.verdict.action), "rule": judged.reason}
    if judged.blocked:
        return HookResponse({"verdict": False, "data": {**data, "explanation": judged.message}})
    if not judged.changed:
        return HookResponse({"verdict": True, "data": data})
    return HookResponse(
        {"verdict": True, "data": data, "transformedData": {side: {"json": judged.verdict.content}}}
    )


def write_failure(told: Problem) -> HookResponse:
    """Return a failure as a verdict: an error would let pass."""
    data = {"action": "block", "rule": told.error["code"], "explanation": told.error["message"]}
    return HookResponse({"verdict": False, "data": data}, headers=told.headers)


def read_identity(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the client says of itself, and the model that it asks."""
    asked, metadata = body["request"]["json"], body.get("metadata")
    model, user = asked.get("model"), asked.get("user")
    return {
        "metadata": metadata if isinstance(metadata, Mapping) else None,
        "model": model if isinstance(model, str) else None,
        "client": {"user": user} if isinstance(user, str) else {},
    }


HOOK = Hook(
    "portkey",
    "/hooks/portkey",
    read,
    write,
    write_failure,
    read_identity,
    write_unavailable=write_failure,
    summary="Portkey: its webhook guardrail.",
)
