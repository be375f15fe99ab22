"""How each provider's APIs write an error, and what a client is told of one, whatever the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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

UNAVAILABLE = "guard_unavailable"
"""Code of a check that could not be done."""


OF_BLOCKS = ("rules", "policy", "reason")
"""What the error of a block says beside its message: by which rules and policy, and what could not be read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a client is told: the status of HTTP, the error as OpenAI's chat API has it, of a block with more fields
    (`OF_BLOCKS`), and headers.
    """

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


ErrorWriter = Callable[[Problem], dict[str, Any]]
"""Writes the body of an error."""


def write_openai_error(problem: Problem) -> dict[str, Any]:
    """Write an error as OpenAI's chat API does."""
    return {"error": problem.error}


def openai_error_writer(**block: str) -> ErrorWriter:
    """Return how another API of OpenAI's writes an error; `block` is what a block has there instead of the chat API's."""

    def write(problem: Problem) -> dict[str, Any]:
        ours = (problem.error.get("code"), problem.error.get("param")) == (BLOCKED, MESSAGES)
        return {"error": {**problem.error, **block} if ours else problem.error}

    return write


def write_images_error(problem: Problem) -> dict[str, Any]:
    """Write an error as the images API does, which has words of its own where something is blocked, asked or answered."""
    if problem.error.get("code") != BLOCKED:
        return write_openai_error(problem)
    block = {"type": "image_generation_user_error", "param": None, "code": "moderation_blocked"}
    return {"error": {**problem.error, **block}}


def write_videos_error(problem: Problem) -> dict[str, Any]:
    """Write an error as the videos API does: as a job that failed, also for a film that is not given out."""
    if problem.error.get("code") != BLOCKED:
        return write_openai_error(problem)
    param = "prompt" if problem.error.get("param") == MESSAGES else None
    return {"error": {**problem.error, "param": param, "code": "moderation_blocked"}}


def write_anthropic_error(problem: Problem) -> dict[str, Any]:
    """Write an error as Anthropic's API does, which has no code: it stands in the details."""
    given = problem.error.get("type")
    usual = "api_error" if problem.status >= 500 else "invalid_request_error"
    error = {
        "type": given if given in TELLING_TYPES else ANTHROPIC_TYPES.get(problem.status, usual),
        "message": problem.error["message"],
        "details": {
            "error_code": problem.error.get("code"),
            "param": problem.error.get("param"),
            **{name: problem.error[name] for name in OF_BLOCKS if name in problem.error},
        },
    }
    return {"type": "error", "error": error, "request_id": None}


def ollama_error_writer(**block: str) -> ErrorWriter:
    """Return how Ollama writes an error: as a text. What a program reads stands beside it, as OpenAI has it."""
    openai = openai_error_writer(**block)

    def write(problem: Problem) -> dict[str, Any]:
        error = openai(problem)["error"]
        return {"error": error["message"], **{name: error[name] for name in error if name != "message"}}

    return write


def write_google_error(problem: Problem) -> dict[str, Any]:
    """Write an error as Google's APIs do, which have a number for a code: ours stands in the details."""
    usual = "INTERNAL" if problem.status >= 500 else GOOGLE_STATUSES[400]
    error = {
        "code": problem.status,
        "message": problem.error["message"],
        "status": GOOGLE_STATUSES.get(problem.status, usual),
    }
    reason, param = problem.error.get("code"), problem.error.get("param")
    if (reason, param) == (BLOCKED, MESSAGES):
        param = "contents"
    if isinstance(reason, str):
        where = {"param": param} if isinstance(param, str) else {}
        for name in OF_BLOCKS:
            if name in problem.error:
                given = problem.error[name]
                where[name] = given if isinstance(given, str) else ",".join(given)
        info = {"@type": ERROR_INFO, "reason": reason, "domain": "guardrails", "metadata": where}
        error["details"] = [info]
    return {"error": error}
