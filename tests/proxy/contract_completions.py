"""Where a text may stand in OpenAI's older completion API, for the contract matrix."""

from __future__ import annotations

import json
from typing import Any

from guardrails.protocols.completions import completions_fields

from .conftest import Answer
from .contract import Api, Failure

HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
DONE = "data: [DONE]\n\n"


def asking(prompt: Any = "Hi.", **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"model": "m", "prompt": prompt, **fields}


def text_completion(*texts: Any, **fields: Any) -> dict[str, Any]:
    """Return a completion with these texts."""
    return {
        **HEAD,
        "choices": [
            {"index": index, "text": text, "logprobs": None, "finish_reason": "stop"}
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        **fields,
    }


def choosing(text: str = "x", **fields: Any) -> dict[str, Any]:
    """Return a completion whose only choice has more fields."""
    made = text_completion(text)
    made["choices"][0].update(fields)
    return made


def spelling(text: str = "x", **lists: Any) -> dict[str, Any]:
    """Return a completion with log-probabilities."""
    return choosing(text, logprobs={"tokens": ["x"], "token_logprobs": [-1.0], "text_offset": [0], **lists})


def text_chunk(
    text: str | None = None, finish: str | None = None, index: int = 0, **fields: Any
) -> dict[str, Any]:
    """Return a chunk of a stream."""
    return {
        **HEAD,
        "choices": [{"index": index, "text": text, "logprobs": None, "finish_reason": finish, **fields}],
    }


ASKS: dict[str, Any] = {
    "prompt": asking("@"),
    "one of two prompts": asking(["x", "@"]),
    "prompt, among token ids": asking(["@", 1]),
    "prompt, in a list of a list": asking([["@"]]),
    "prompt, a structure": asking({"text": "@"}),
    "suffix": asking(suffix="@"),
    "suffix, a structure": asking(suffix={"a": ["@"]}),
    "stop": asking(stop=["@"]),
    "echoed": asking("@", echo=True),
    **{
        f"field {name}": asking(**{name: "@"})
        for name in completions_fields.REQUEST.fields
        if name not in ("prompt", "suffix")
    },
    "unknown field": asking(x_new={"a": ["@"]}),
    "name of a field": asking(**{"@": 1}),
}

ANSWERS: dict[str, Any] = {
    "text": text_completion("@"),
    "text, cut short": choosing("@", finish_reason="length"),
    "second choice": text_completion("x", "@"),
    "both choices": text_completion("@", "@"),
    "text, a structure": choosing(text=["@"]),  # type: ignore[arg-type]
    "message": choosing(message={"role": "assistant", "content": "@"}),
    "log-probabilities": spelling("@", tokens=["@<", "@>"]),
    "log-probabilities of another text": spelling(tokens=["@<", "@>"]),
    "log-probabilities, an alternative": spelling(top_logprobs=[{"@": -2.0}, None]),
    "log-probabilities, a number that is none": spelling(token_logprobs=["@"]),
    "log-probabilities, a place that is none": spelling(text_offset=["@"]),
    "log-probabilities, a structure": spelling(tokens=[{"token": "@"}]),
    "log-probabilities, an alternative's structure": spelling(top_logprobs=[{"x": {"@": "y"}}]),
    "log-probabilities, unknown field": spelling(x_new={"a": "@"}),
    "log-probabilities, name of a field": spelling(**{"@": 1}),
    "log-probabilities, as chat has them": choosing(
        logprobs={"content": [{"token": "@<", "logprob": -1.0}, {"token": "@>", "logprob": -1.0}]}
    ),
    "log-probabilities, a text": choosing(logprobs="@"),
    "choice, unknown field": choosing(x_new="@"),
    "choice, name of a field": choosing(**{"@": 1}),
    "choice, finish_reason": choosing(finish_reason="@"),
    "choice, stop_reason": choosing(stop_reason="@"),
    **{
        f"field {name}": text_completion("x", **{name: "@"})
        for name in completions_fields.RESPONSE.fields
        if name != "choices"
    },
    "usage, deep": text_completion("x", usage={"total_tokens": 2, "x_new": {"a": "@"}}),
    "unknown field": text_completion("x", x_new={"a": ["@"]}),
    "name of a field": text_completion("x", **{"@": 1}),
    "upstream's error": Failure(
        400, {"error": {"message": "@", "type": "invalid_request_error", "param": None, "code": None}}
    ),
    "upstream's error, unknown field": Failure(500, {"error": {"message": "x", "x_new": "@"}, "text": "@"}),
    "streams only: an error": [text_chunk("x"), {"error": {"message": "@", "type": "server_error"}}],
    "streams only: a field of SSE": [": @\n\n", "id: @\nretry: @\n", text_chunk("@", "stop"), DONE],
    "streams only: after the end": [text_chunk("x ", "stop"), text_chunk("@"), DONE],
    "streams only: a delta": [text_chunk("x", delta={"content": "@"}), text_chunk("", "stop"), DONE],
    "streams only: choices take turns": [
        text_chunk("@<"), text_chunk("x", index=1),
        text_chunk("@>", "stop"), text_chunk("", "stop", index=1), DONE,
    ],
    "streams only: with the first piece": [{**text_chunk("x"), "x_new": "@"}, text_chunk("", "stop"), DONE],
}  # fmt: skip


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return an answer as a stream of chunks whose texts are cut."""
    head = {name: value for name, value in whole.items() if name not in ("choices", "usage")}
    made: list[dict[str, Any]] = []
    for choice in whole["choices"]:
        text = choice["text"]
        cut = (
            [text[start : start + size] for start in range(0, len(text), size)]
            if isinstance(text, str)
            else [text]
        )
        made += [
            {"index": choice["index"], "text": piece, "logprobs": None, "finish_reason": None}
            for piece in cut
        ]
        made.append({**choice, "text": ""})
    chunks = [{**head, "choices": [each]} for each in made]
    chunks.append({**head, "choices": [], "usage": whole["usage"]})
    return [*(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks), DONE.encode()]


def ending(answer: Answer) -> str:
    """Tell how a completion ended; asserts its form."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        choices = answer.json["choices"]
    else:
        if "error" in answer.frames[-1]:
            return "error"
        assert answer.raw.endswith(b"data: [DONE]\n\n")
        choices = [choice for frame in answer.frames for choice in frame["choices"]]
    stopped = [choice for choice in choices if choice["finish_reason"] == "content_filter"]
    assert all(choice["logprobs"] is None for choice in stopped)
    return "stop" if stopped else ""


COMPLETIONS = Api("/v1/completions", ASKS, text_completion("Hello."), ANSWERS, asking(), frames, ending)
