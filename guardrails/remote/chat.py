"""Asks a model behind an OpenAI-compatible server (vLLM, SGLang, Ollama, OpenAI).

An answer is read strictly: one choice, a text in it, and, where token probabilities were asked for, well-formed ones for its
tokens. Whatever else a server says is a `RemoteError`, as is an answer that was cut off (`finish_reason` is not `stop`)
unless the caller wants no more than its first tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint, RemoteError

Message = Mapping[str, Any]

LEAST: Final = -1e300
"""No log-probability is lower; servers write -9999 for what cannot be."""


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """A token of an answer. `top` are the likeliest tokens in its place with their natural log-probabilities, itself
    included where the server says so.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model said; `tokens` is None where no probabilities were asked for."""

    text: str
    tokens: tuple[AnswerToken, ...] | None = None


async def ask_chat(
    endpoint: Endpoint,
    model: str,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    top: int = 0,
    may_be_cut: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> ModelAnswer:
    """Ask `/chat/completions`, at temperature 0.

    Args:
        endpoint: the server.
        model: the name that it serves the model under.
        messages: the conversation, as the API has it.
        max_tokens: tokens of the answer at most.
        top: probabilities of so many tokens in each place (0: none, at most 20).
        may_be_cut: an answer of `max_tokens` that goes on is as good.
        extra: further fields of the request, such as `chat_template_kwargs` or `response_format`.

    Raises:
        RemoteError: no answer, or none that can be read.
    """
    body: dict[str, Any] = {
        "model": model, "messages": [*messages], "max_tokens": max_tokens, "temperature": 0, **(extra or {})
    }  # fmt: skip
    if top:
        body |= {"logprobs": True, "top_logprobs": top}
    choice = _choice(
        endpoint, await get_client(endpoint).post("/chat/completions", body), may_be_cut=may_be_cut
    )
    message = _mapping(endpoint, choice.get("message"), "message")
    if message.get("refusal"):
        raise _wrong(endpoint, "the model refused to answer")
    text = message.get("content")
    if not isinstance(text, str):
        raise _wrong(endpoint, "the answer has no text")
    if not top:
        return ModelAnswer(text)
    logprobs = _mapping(endpoint, choice.get("logprobs"), "token probabilities (logprobs)")
    content = _list(endpoint, logprobs.get("content"))
    return ModelAnswer(text, tuple(_token(endpoint, each) for each in content))


async def ask_completion(
    endpoint: Endpoint,
    model: str,
    prompt: str,
    *,
    max_tokens: int,
    top: int = 0,
    may_be_cut: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> ModelAnswer:
    """Ask `/completions` with a prompt that is sent as it is; otherwise as `ask_chat`."""
    body: dict[str, Any] = {
        "model": model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0, **(extra or {})
    }  # fmt: skip
    if top:
        body["logprobs"] = top
    choice = _choice(endpoint, await get_client(endpoint).post("/completions", body), may_be_cut=may_be_cut)
    text = choice.get("text")
    if not isinstance(text, str):
        raise _wrong(endpoint, "the answer has no text")
    if not top:
        return ModelAnswer(text)
    logprobs = _mapping(endpoint, choice.get("logprobs"), "token probabilities (logprobs)")
    names, values, tops = (
        _list(endpoint, logprobs.get(name)) for name in ("tokens", "token_logprobs", "top_logprobs")
    )
    if not len(names) == len(values) == len(tops):
        raise _wrong(endpoint, "token probabilities of different lengths")
    rows = zip(names, values, tops, strict=True)
    return ModelAnswer(
        text,
        tuple(
            AnswerToken(_text(endpoint, name), _number(endpoint, value), tuple(_pairs(endpoint, some)))
            for name, value, some in rows
        ),
    )


def _choice(endpoint: Endpoint, body: Any, *, may_be_cut: bool) -> Mapping[str, Any]:
    choices = _mapping(endpoint, body).get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        raise _wrong(endpoint, "the answer has not exactly one choice")
    choice = _mapping(endpoint, choices[0], "choice")
    finish = choice.get("finish_reason")
    if finish != "stop" and not (may_be_cut and finish == "length"):
        raise _wrong(endpoint, "the model did not come to an end of its answer")
    return choice


def _token(endpoint: Endpoint, given: Any) -> AnswerToken:
    entry = _mapping(endpoint, given, "token")
    top = entry.get("top_logprobs")
    if not isinstance(top, list):
        raise _wrong(endpoint, "a token has no top_logprobs")
    pairs = [(each.get("token"), each.get("logprob")) for each in top if isinstance(each, Mapping)]
    if len(pairs) != len(top):
        raise _wrong(endpoint, "top_logprobs holds what is no token")
    return AnswerToken(
        _text(endpoint, entry.get("token")),
        _number(endpoint, entry.get("logprob")),
        tuple((_text(endpoint, name), _number(endpoint, value)) for name, value in pairs),
    )


def _pairs(endpoint: Endpoint, given: Any) -> list[tuple[str, float]]:
    return [
        (_text(endpoint, name), _number(endpoint, value))
        for name, value in _mapping(endpoint, given, "top_logprobs").items()
    ]


def _list(endpoint: Endpoint, value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _wrong(endpoint, "the answer has no token probabilities (logprobs)")
    return value


def _text(endpoint: Endpoint, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(endpoint, "a token is no text")
    return value


def _number(endpoint: Endpoint, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not LEAST <= value <= 1e-3:
        raise _wrong(endpoint, "a log-probability is none")
    return min(float(value), 0.0)


def _mapping(endpoint: Endpoint, value: Any, what: str = "") -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(endpoint, f"the answer has no {what}" if what else "the answer is no object")
    return value


def _wrong(endpoint: Endpoint, what: str) -> RemoteError:
    return RemoteError(f"endpoint {endpoint.name!r}: {what}")
