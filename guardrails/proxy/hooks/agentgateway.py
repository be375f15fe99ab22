"""The webhook of agentgateway and kgateway: messages and choices are answered with pass, mask or reject.

A failure is an error, which the gateway takes as its `failureMode` says: by default it refuses the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields, chat_payload
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.errors import Problem
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.proxy.hooks.hook import Hook, HookRequest, HookResponse, JudgedPiece, Piece, read_field
from guardrails.types import Stage

REFUSED, UNAVAILABLE = 403, 503
"""Status of what is rejected, which the gateway passes on to its client."""


BLOCKS = frozenset(messages_fields.BLOCK.kinds) - chat_fields.PARTS.keys() - chat_fields.PART_KINDS.keys()
"""Types of parts that Anthropic's API alone has."""


def read_request(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the conversation as one piece: of `body`, or raw, with the messages as the provider has them."""
    if "body" in body:
        asked, protocol = read_field(body, "body", dict), CHAT
        read_field(asked, "messages", list, path=("body",))
    else:
        asked, protocol = body, MESSAGES if BLOCKS & {*_kinds(read_field(body, "messages", list))} else CHAT
    return [Piece(asked, protocol.request_payload(asked).tree, Stage.INPUT, protocol.edit_request)]


def _kinds(given: Sequence[Any]) -> Iterator[str]:
    """Yield the types of the parts of messages."""
    for message in given:
        content = message.get("content") if isinstance(message, Mapping) else None
        for part in content if isinstance(content, list) else ():
            kind = part.get("type") if isinstance(part, Mapping) else None
            if isinstance(kind, str):
                yield kind


def read_response(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the choices of an answer as one piece."""
    answer = read_field(body, "body", dict)
    if not read_field(answer, "choices", list, path=("body",)):
        raise RequestError("invalid_content", "there is no choice to judge", "/body/choices")
    return [Piece(answer, chat_fields.read_response(answer), Stage.OUTPUT, _answer)]


def _answer(given: Mapping[str, Any], leaves: ContentTree, outcome: Outcome) -> object:
    return chat_payload.response_payload(given, leaves).apply(outcome)


def write(asked: HookRequest) -> HookResponse:
    """Return the action: the members of its object say which one it is."""
    judged = asked.judged[0]
    if "body" not in asked.body:
        return _raw(judged)
    if judged.blocked:
        return HookResponse(_reject(judged.message, judged.reason, _status(judged)))
    if judged.changed:
        return HookResponse({"action": {"body": judged.verdict.content, "reason": judged.reason}})
    return HookResponse({"action": {"reason": "nothing found"}})


def _raw(judged: JudgedPiece) -> HookResponse:
    """Raw answers know messages or nothing: a block is an error."""
    if judged.blocked:
        return HookResponse(_reject(judged.message, judged.reason, _status(judged)), _status(judged))
    content: Any = judged.verdict.content
    return HookResponse({"messages": content["messages"]} if judged.changed else {"messages": None})


def _reject(message: str, reason: object, status: int) -> dict[str, Any]:
    return {"action": {"body": message, "status_code": status, "reason": reason}}


def _status(judged: JudgedPiece) -> int:
    """Return the status that the gateway answers its client where a piece is stopped."""
    return REFUSED if judged.verdict.unavailable is None else UNAVAILABLE


def write_unavailable(told: Problem) -> HookResponse:
    """Return a block: a gateway may be told to let errors pass."""
    return HookResponse(_reject(told.error["message"], told.error["code"], UNAVAILABLE), headers=told.headers)


def write_failure(told: Problem) -> HookResponse:
    """Return an error, with what the gateway would tell its client."""
    return HookResponse(
        _reject(told.error["message"], told.error["code"], told.status), told.status, told.headers
    )


def read_identity(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the model that is asked, where the gateway says it."""
    inner = body.get("body", body)
    model = inner.get("model") if isinstance(inner, Mapping) else None
    return {"model": model if isinstance(model, str) else None}


REQUEST = Hook(
    "agentgateway.request",
    "/request",
    read_request,
    write,
    write_failure,
    read_identity,
    write_unavailable=write_unavailable,
    summary="agentgateway: a request.",
)
RESPONSE = Hook(
    "agentgateway.response",
    "/response",
    read_response,
    write,
    write_failure,
    read_identity,
    write_unavailable=write_unavailable,
    summary="agentgateway: a response.",
)
HOOKS = (REQUEST, RESPONSE)
