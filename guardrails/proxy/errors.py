"""Exceptions in, answers in OpenAI's error shape out: always the four keys, never a text that was matched."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from guardrails.errors import BackendError, Blocked, GuardrailsError, Overloaded, RequestError
from guardrails.proxy import wire

TYPES: Mapping[int, str] = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
"""Status → OpenAI's `type`, where it is not the usual one of its hundred."""

CODES: Mapping[int, str] = {404: "not_found", 405: "method_not_allowed"}
LONGEST = 4_096
"""Characters of a foreign text in an error."""


class UpstreamAnswer(GuardrailsError):
    """The upstream answered with an error of its own, which the client is to see."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"the upstream answered {status}")
        self.status = status
        self.headers = dict(headers or {})
        given = body.get("error") if isinstance(body, Mapping) else None
        # Four keys and no more: some servers add what the model had written, which nobody has judged.
        error: Mapping[str, object] = given if isinstance(given, Mapping) else {"message": given}
        self.error = {name: _short(error.get(name)) for name in ("message", "type", "param", "code")}
        self.error["message"] = self.error["message"] or str(self)
        self.error["type"] = self.error["type"] or kind(status)
        if not isinstance(given, Mapping):
            self.error["code"] = "upstream_error"


def _short(value: object) -> object:
    if isinstance(value, str):
        return value[:LONGEST].encode(errors="replace").decode()
    return value if isinstance(value, int | float) else None


@dataclass(frozen=True, slots=True)
class Problem:
    """What a client is told."""

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the body of an answer, which is also the data of an error frame."""
        return wire.dump({"error": self.error})


def kind(status: int) -> str:
    """Return OpenAI's `type` of an error."""
    return TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")


def problem(status: int, code: str, message: str, param: str | None = None, **headers: str) -> Problem:
    """Put together what a client is told; header names are given with underscores."""
    error = {"message": message, "type": kind(status), "param": param, "code": code}
    return Problem(status, error, {name.replace("_", "-"): value for name, value in headers.items()})


def _request(error: RequestError) -> Problem:
    where = f" (at {error.path})" if error.path else ""
    return problem(400, error.code, f"{error}{where}", error.path or None)


def _upstream(error: UpstreamAnswer) -> Problem:
    return Problem(error.status, error.error, error.headers)


def _http(error: HTTPException) -> Problem:
    code = CODES.get(error.status_code, "http_error")
    return problem(
        error.status_code, code, str(error.detail), **(dict(error.headers) if error.headers else {})
    )


TABLE: Mapping[type[Exception], Callable[[Any], Problem]] = {
    RequestError: _request,
    Blocked: lambda error: problem(400, "content_filter", str(error), "messages"),
    Overloaded: lambda error: problem(
        503, "guard_unavailable", str(error), retry_after=str(error.retry_after)
    ),
    UpstreamAnswer: _upstream,
    BackendError: lambda error: problem(error.status, error.code, str(error)),
    HTTPException: _http,
}


def explain(error: Exception) -> Problem:
    """Return what a client is told of an exception; of one that nobody foresaw, only that there was one."""
    for known, told in TABLE.items():
        if isinstance(error, known):
            return told(error)
    return problem(500, "internal_error", "the guard failed; the request was not answered")


def respond(error: Exception, headers: Mapping[str, str] | None = None) -> Response:
    """Answer an exception."""
    told = explain(error)
    return Response(told.body(), told.status, {**told.headers, **(headers or {})}, "application/json")


def where(error: BaseException) -> str:
    """Name an exception by its type and the lines that it passed through. Its message may quote a prompt."""
    frames = traceback.extract_tb(error.__traceback__)
    return " <- ".join(
        (type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames)))
    )
