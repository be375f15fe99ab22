"""Answers exceptions in the error shape of the API that was asked, never with a text that was matched."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from guardrails.engine.content.budget import CODE as TOO_LARGE
from guardrails.errors import (
    BackendError,
    Blocked,
    GuardrailsError,
    GuardUnavailable,
    RequestError,
    describe_block,
)
from guardrails.protocols.errors import BLOCKED, MESSAGES, UNAVAILABLE, Problem
from guardrails.protocols.registry import error_writer
from guardrails.proxy.access.admission import AccessDenied
from guardrails.proxy.access.body_encodings import ACCEPTED, UNSUPPORTED
from guardrails.wire import strict_json

TYPES: Mapping[int, str] = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
"""Status → OpenAI's `type`, where it is not the usual one of its hundred."""

STATUSES: Mapping[str, int] = {TOO_LARGE: 413}
"""Code of a request that is refused → status, where that is not 400."""

CODES: Mapping[int, str] = {404: "not_found", 405: "method_not_allowed"}
HIDDEN = "[SECRET]"
"""What stands where an upstream quoted a key of the operator's."""

LONGEST = 4_096
"""Characters of a foreign text in an error."""


class UpstreamAnswer(GuardrailsError):
    """The upstream answered with an error of its own, which the client is to see."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"the upstream answered {status}")
        self.status = status
        self.headers = dict(headers or {})
        self.error = self._error(body)

    def with_error(self, error: Mapping[str, object]) -> UpstreamAnswer:
        """Return the same with another error in it; `{}` leaves nothing of the upstream's own words."""
        return UpstreamAnswer(self.status, {"error": error} if error else {}, self.headers)

    def without_secret(self, secret: str | None) -> UpstreamAnswer:
        """Return the same where the upstream does not quote a secret of the operator's, such as the key that it did not take."""
        if not secret or not any(secret in value for value in self.error.values() if isinstance(value, str)):
            return self
        hidden = (
            (name, value.replace(secret, HIDDEN) if isinstance(value, str) else value)
            for name, value in self.error.items()
        )
        return self.with_error(dict(hidden))

    def _error(self, body: object) -> dict[str, object]:
        given = body.get("error") if isinstance(body, Mapping) else None
        # Four keys and no more: some servers add what the model had written, which nobody has judged.
        error: Mapping[str, object] = given if isinstance(given, Mapping) else {"message": given}
        found = {name: _truncate(error.get(name)) for name in ("message", "type", "param", "code")}
        found["message"] = found["message"] or str(self)
        found["type"] = found["type"] or error_type(self.status)
        if not isinstance(given, Mapping):
            found["code"] = "upstream_error"
        return found


def _truncate(value: object) -> object:
    if isinstance(value, str):
        return value[:LONGEST].encode(errors="replace").decode()
    return value if isinstance(value, int | float) else None


def error_body(problem: Problem, path: str) -> bytes:
    """Return the body of an error as the API at a path writes it."""
    return strict_json.dump(error_writer(path)(problem))


def error_type(status: int) -> str:
    """Return OpenAI's `type` of an error."""
    return TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")


def build_problem(status: int, code: str, message: str, param: str | None = None, **headers: str) -> Problem:
    """Put together what a client is told; header names are given with underscores."""
    error = {"message": message, "type": error_type(status), "param": param, "code": code}
    return Problem(status, error, {name.replace("_", "-"): value for name, value in headers.items()})


def _explain_request(error: RequestError) -> Problem:
    if error.code == "too_slow":  # what is left of the request must not be taken for another one
        return build_problem(408, error.code, str(error), connection="close")
    if error.code == UNSUPPORTED:
        return build_problem(415, error.code, str(error), accept_encoding=ACCEPTED)
    where = f" (at {error.path})" if error.path else ""
    return build_problem(STATUSES.get(error.code, 400), error.code, f"{error}{where}", error.path or None)


def _explain_upstream(error: UpstreamAnswer) -> Problem:
    return Problem(error.status, error.error, error.headers)


def _explain_denial(error: AccessDenied) -> Problem:
    return build_problem(error.status, error.code, str(error), **error.headers)


def _explain_http(error: HTTPException) -> Problem:
    code = CODES.get(error.status_code, "http_error")
    return build_problem(
        error.status_code, code, str(error.detail), **(dict(error.headers) if error.headers else {})
    )


def explain_unavailable(error: GuardUnavailable) -> Problem:
    """Return what a client is told of a check that could not be done: when to come again, or not to try again by itself."""
    headers = {} if error.retry_after is None else {"retry_after": str(error.retry_after)}
    if not error.may_retry:
        headers["x_should_retry"] = "false"
    return build_problem(503, UNAVAILABLE, str(error), **headers)


def _explain_block(error: Blocked) -> Problem:
    """Return what a client is told of a block: what the person is to read, and by what it is stopped, each in its own field."""
    told = build_problem(400, BLOCKED, error.verdict.refusal, MESSAGES)
    cause = {"reason": error.cause} if error.cause else {}
    return replace(told, error={**told.error, **describe_block(error.verdict), **cause})


def _explain_backend(error: BackendError) -> Problem:
    told = build_problem(error.status, error.code, str(error))
    return (
        told
        if error.verdict is None
        else replace(told, error={**told.error, **describe_block(error.verdict)})
    )


TABLE: Mapping[type[Exception], Callable[[Any], Problem]] = {
    RequestError: _explain_request,
    GuardUnavailable: explain_unavailable,
    Blocked: _explain_block,
    AccessDenied: _explain_denial,
    UpstreamAnswer: _explain_upstream,
    BackendError: _explain_backend,
    HTTPException: _explain_http,
}


def explain(error: Exception) -> Problem:
    """Return what a client is told of an exception; of one that nobody foresaw, only that there was one."""
    for known, told in TABLE.items():
        if isinstance(error, known):
            return told(error)
    return build_problem(500, "internal_error", "the guard failed; the request was not answered")


def respond(error: Exception, headers: Mapping[str, str] | None = None, path: str = "") -> Response:
    """Answer an exception, as the API at a path does."""
    told = explain(error)
    return Response(
        error_body(told, path), told.status, {**told.headers, **(headers or {})}, "application/json"
    )


def describe_failure(error: BaseException) -> str:
    """Name an exception by its type and the lines that it passed through. Its message may quote a prompt."""
    frames = traceback.extract_tb(error.__traceback__)
    return " <- ".join(
        (type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames)))
    )
