"""Parses and writes JSON-RPC messages strictly: what two parsers could read in two ways is refused. And errors as answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from guardrails.errors import BackendError, GuardrailsError, GuardUnavailable, RequestError
from guardrails.wire import strict_json

Id = str | int
Body = dict[str, Any]
T = TypeVar("T")

LARGE = 256 << 10
"""Bytes of a message from which it is read and walked on a thread, not on the event loop."""

ID = re.compile(r"[A-Za-z0-9_.:/+=$-]{1,256}")
"""What an id may be that is a text: one word, as for a method."""

METHOD = re.compile(r"[A-Za-z$_][A-Za-z0-9_./$-]{0,127}")
"""What a method may be called: a name, in which nobody can say much."""

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INTERNAL_ERROR = -32700, -32600, -32601, -32603
"""JSON-RPC's own codes."""

BLOCKED = 403
"""Code of what a policy stops. Like those of failures (502, 503, 504) it lies outside the range that JSON-RPC keeps."""

UNREADABLE = frozenset({"invalid_json", "invalid_utf8"})
"""Codes of what is no JSON at all."""

CODES: Mapping[str, int] = {**dict.fromkeys(UNREADABLE, PARSE_ERROR), "header_mismatch": -32020}
"""Why a message is refused → JSON-RPC's or MCP's code, where it is not that of an invalid request."""

FIELDS: Mapping[str, frozenset[str]] = {
    "request": frozenset({"jsonrpc", "id", "method", "params"}),
    "notification": frozenset({"jsonrpc", "method", "params"}),
    "result": frozenset({"jsonrpc", "id", "result"}),
    "error": frozenset({"jsonrpc", "id", "error"}),
}
"""What each kind of message may consist of."""

Kind = Literal["request", "notification", "result", "error"]


@dataclass(frozen=True, slots=True)
class RpcMessage:
    """One message: a request, a notification, or the result or error that answers a request. `id` is None for a notification,
    and for an error that answers what could not be read. `size` is what it weighs, where it was read.
    """

    body: Body
    kind: Kind
    id: Id | None = None
    method: str = ""
    size: int = 0

    @property
    def answers(self) -> bool:
        """Whether it answers a request."""
        return self.kind in ("result", "error")

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters; none where they are no mapping."""
        params = self.body.get("params")
        return params if isinstance(params, Mapping) else {}


def parse(raw: bytes) -> RpcMessage:
    """Read one message.

    Raises:
        RequestError: it is none, or one that could be read in two ways.
    """
    if raw.lstrip()[:1] == b"[":
        raise RequestError("batch", "batches are refused: send each message by itself")
    return replace(classify_message(strict_json.parse(raw)), size=strict_json.weigh(raw))


async def parse_aside(raw: bytes) -> RpcMessage:
    """Read one message as `parse` does; a large one on a thread, so that the event loop goes on."""
    return await run_by_size(strict_json.weigh(raw), lambda: parse(raw))


async def run_by_size(size: int, function: Callable[[], T]) -> T:
    """Run what takes time in proportion to a message: right here if that is small."""
    return function() if size < LARGE else await asyncio.to_thread(function)


def classify_message(body: Body) -> RpcMessage:
    """Return the message that an object is; raises `RequestError` for one of no known form."""
    if body.get("jsonrpc") != "2.0":
        raise RequestError("invalid_message", 'jsonrpc must be "2.0"', "/jsonrpc")
    kind = _kind(body)
    surplus = body.keys() - FIELDS[kind]
    if surplus:
        raise RequestError("invalid_message", f"a {kind} must not have other fields")
    method = body.get("method", "")
    if "method" in body and (not isinstance(method, str) or METHOD.fullmatch(method) is None):
        raise RequestError("invalid_message", "method must be a name", "/method")
    if not isinstance(body.get("params", {}), dict):
        raise RequestError("invalid_message", "params must be a mapping", "/params")
    return RpcMessage(body, kind, None if kind == "notification" else _id(body, kind), method)


def _kind(body: Body) -> Kind:
    if "method" in body:
        return "request" if "id" in body else "notification"
    for kind in ("result", "error"):
        if kind in body:
            if not isinstance(body[kind], dict):
                raise RequestError("invalid_message", f"{kind} must be a mapping", f"/{kind}")
            return "result" if kind == "result" else "error"
    raise RequestError("invalid_message", "a message has a method, a result or an error")


def _id(body: Body, kind: Kind) -> Id | None:
    given = body.get("id")
    if given is None and kind == "error":
        return None
    if type(given) is int or (isinstance(given, str) and ID.fullmatch(given) is not None):
        return given
    raise RequestError("invalid_message", "id must be one word, or a whole number", "/id")


def make_request(id_: Id, method: str, params: Mapping[str, Any]) -> Body:
    """Write a request."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": dict(params)}


def make_notification(method: str, params: Mapping[str, Any]) -> Body:
    """Write a notification."""
    return {"jsonrpc": "2.0", "method": method, "params": dict(params)}


def make_result(id_: Id, value: Mapping[str, Any]) -> Body:
    """Write the result of a request."""
    return {"jsonrpc": "2.0", "id": id_, "result": dict(value)}


def make_error(id_: Id | None, code: int, text: str, data: Mapping[str, Any] | None = None) -> Body:
    """Write an error that answers a request."""
    told: Body = {"code": code, "message": text}
    return {"jsonrpc": "2.0", "id": id_, "error": told if data is None else {**told, "data": dict(data)}}


def make_failure(id_: Id | None, problem: Exception) -> Body:
    """Write what went wrong as an answer; of what nobody foresaw only that there was something."""
    if isinstance(problem, RequestError):
        where = f" (at {problem.path})" if problem.path else ""
        code = CODES.get(problem.code, INVALID_REQUEST)
        return make_error(id_, code, f"{problem}{where}", {"code": problem.code})
    if isinstance(problem, BackendError):
        return make_error(id_, problem.status, str(problem), {"code": problem.code})
    if isinstance(problem, GuardUnavailable):  # which rules are undecided is no matter of a server's
        data = {"code": "guard_unavailable", "reason": problem.reason, "retryAfter": problem.retry_after}
        why = f"is busy: {problem}" if problem.is_refusal else f"could not check this ({problem.reason})"
        return make_error(id_, 503, f"the guard {why}", data)
    text = str(problem) if isinstance(problem, GuardrailsError) else "the guard failed; nothing was passed on"
    return make_error(id_, INTERNAL_ERROR, text, {"code": "internal_error"})
