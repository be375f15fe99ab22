"""Answers exceptions in the error shape of the API that was asked, never with a text that was matched."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from guardrails.engine.content.budget import CODE as TOO_LARGE
from guardrails.errors import BackendError, Blocked, GuardrailsError, Overloaded, RequestError
from guardrails.proxy.access.admission import AccessDenied
from guardrails.wire import strict_json

TYPES: Mapping[int, str] = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
"""Status → OpenAI's `type`, where it is not the usual one of its hundred."""

STATUSES: Mapping[str, int] = {TOO_LARGE: 413}
"""Code of a request that is refused → status, where that is not 400."""

CODES: Mapping[int, str] = {404: "not_found", 405: "method_not_allowed"}
ANTHROPIC_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Status → Anthropic's `type`."""

GOOGLE_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Status → Google's `status`."""

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"

TELLING_TYPES = frozenset(ANTHROPIC_TYPES.values()) - {ANTHROPIC_TYPES[400]}
"""Types of an upstream that say more than its status."""

BLOCKED, MESSAGES = "content_filter", "messages"
"""Code and param of a block, as the chat API has them."""

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


@dataclass(frozen=True, slots=True)
class Problem:
    """What a client is told."""

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, path: str = "") -> bytes:
        """Return the body of an answer of the API at a path, which is also the data of an error frame."""
        return strict_json.dump(shape(path)(self))


def _openai(told: Problem) -> dict[str, Any]:
    return {"error": told.error}


def _openai_with(**block: str) -> Callable[[Problem], dict[str, Any]]:
    """Return how another API of OpenAI's writes an error; `block` is what a block has there instead of the chat API's."""

    def write_error(told: Problem) -> dict[str, Any]:
        ours = (told.error.get("code"), told.error.get("param")) == (BLOCKED, MESSAGES)
        return {"error": {**told.error, **block} if ours else told.error}

    return write_error


def _images(told: Problem) -> dict[str, Any]:
    """The images API says so in words of its own where something is blocked, asked or answered."""
    if told.error.get("code") != BLOCKED:
        return _openai(told)
    block = {"type": "image_generation_user_error", "param": None, "code": "moderation_blocked"}
    return {"error": {**told.error, **block}}


def _videos(told: Problem) -> dict[str, Any]:
    """The videos API says so as a job that failed does, also of a film that is not given out."""
    if told.error.get("code") != BLOCKED:
        return _openai(told)
    param = "prompt" if told.error.get("param") == MESSAGES else None
    return {"error": {**told.error, "param": param, "code": "moderation_blocked"}}


def _anthropic(told: Problem) -> dict[str, Any]:
    """Anthropic's shape has no code: it stands in the details."""
    given = told.error.get("type")
    usual = "api_error" if told.status >= 500 else "invalid_request_error"
    error = {
        "type": given if given in TELLING_TYPES else ANTHROPIC_TYPES.get(told.status, usual),
        "message": told.error["message"],
        "details": {"error_code": told.error.get("code"), "param": told.error.get("param")},
    }
    return {"type": "error", "error": error, "request_id": None}


def _ollama_with(**block: str) -> Callable[[Problem], dict[str, Any]]:
    """Return how Ollama writes an error: as a text. What a program reads stands beside it, as OpenAI has it."""
    openai = _openai_with(**block)

    def write_error(told: Problem) -> dict[str, Any]:
        error = openai(told)["error"]
        return {"error": error["message"], **{name: error[name] for name in error if name != "message"}}

    return write_error


def _google(told: Problem) -> dict[str, Any]:
    """Google's shape has a number for a code: ours stands in the details."""
    usual = "INTERNAL" if told.status >= 500 else GOOGLE_STATUSES[400]
    error = {
        "code": told.status,
        "message": told.error["message"],
        "status": GOOGLE_STATUSES.get(told.status, usual),
    }
    reason, param = told.error.get("code"), told.error.get("param")
    if (reason, param) == (BLOCKED, MESSAGES):
        param = "contents"
    if isinstance(reason, str):
        where = {"param": param} if isinstance(param, str) else {}
        info = {"@type": ERROR_INFO, "reason": reason, "domain": "guardrails", "metadata": where}
        error["details"] = [info]
    return {"error": error}


def shape(path: str) -> Callable[[Problem], dict[str, Any]]:
    """Return how the API at a path writes an error."""
    return next((shape for prefix, shape in SHAPES if path.startswith(prefix)), _openai)


SHAPES = (
    ("/api/generate", _ollama_with(param="prompt")),
    ("/api/embed", _ollama_with(param="input")),
    ("/api/", _ollama_with()),
    ("/v1beta/", _google),
    ("/v1/models/", _google),
    ("/v1/messages", _anthropic),
    ("/v1/responses", _openai_with(code="invalid_prompt", param="input")),
    ("/v1/completions", _openai_with(param="prompt")),
    ("/v1/embeddings", _openai_with(param="input")),
    ("/v1/audio/speech", _openai_with(param="input")),
    ("/v1/audio/", _openai_with(param="file")),
    ("/v1/images", _images),
    ("/v1/videos", _videos),
)


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


TABLE: Mapping[type[Exception], Callable[[Any], Problem]] = {
    RequestError: _explain_request,
    Blocked: lambda error: build_problem(400, BLOCKED, str(error), MESSAGES),
    Overloaded: lambda error: build_problem(
        503, "guard_unavailable", str(error), retry_after=str(error.retry_after)
    ),
    AccessDenied: _explain_denial,
    UpstreamAnswer: _explain_upstream,
    BackendError: lambda error: build_problem(error.status, error.code, str(error)),
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
    return Response(told.body(path), told.status, {**told.headers, **(headers or {})}, "application/json")


def describe_failure(error: BaseException) -> str:
    """Name an exception by its type and the lines that it passed through. Its message may quote a prompt."""
    frames = traceback.extract_tb(error.__traceback__)
    return " <- ".join(
        (type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames)))
    )
