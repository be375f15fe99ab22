"""Writes what a model says as an answer of an API: one function for each protocol that has words.

A protocol without one here says a text in the words by which it refuses; one that cannot even do that has bytes alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from guardrails.protocols.protocol import Body, Protocol
from guardrails.testing.replies import Reply

Writer = Callable[[Reply, Body, int], dict[str, Any]]
"""A reply, the request, and how many choices it asks for → the answer."""

VECTOR: Final = (0.25, -0.5, 0.125)
CREATED: Final = 1_790_000_000
USAGE: Final[Mapping[str, int]] = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
TOKENS: Final[Mapping[str, int]] = {"input_tokens": 1, "output_tokens": 1}


def write_answer(protocol: Protocol, reply: Reply, body: Body) -> dict[str, Any] | None:
    """Return the answer of an API, None where it has no words."""
    writer = WRITERS.get(protocol.name)
    if writer is not None:
        return writer(reply, body, protocol.count_choices(body))
    return None if protocol.refuse is None else protocol.refuse(reply.whole_text, body)


def _model(body: Body) -> str:
    model = body.get("model")
    return model if isinstance(model, str) else "scripted"


def _arguments(text: str) -> Any:
    return json.loads(text or "{}")


def _completion(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    calls = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for at, call in enumerate(reply.tool_calls, 1)
    ]
    message = {"role": "assistant", "content": reply.whole_text or None, "refusal": None}
    choice = {
        "message": {**message, **({"tool_calls": calls} if calls else {})},
        "finish_reason": "tool_calls" if calls else "stop",
        "logprobs": None,
    }
    return {
        **{"id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": _model(body)},
        "choices": [{"index": index, **choice} for index in range(choices)],
        **_counted(body),
    }


def _counted(body: Body) -> dict[str, Any]:
    """Return the count of tokens, which a stream has only where it is asked for."""
    options = body.get("stream_options")
    asked = isinstance(options, Mapping) and options.get("include_usage")
    return {"usage": USAGE} if asked or not body.get("stream") else {}


def _text_completion(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    choice = {"text": reply.whole_text, "finish_reason": "stop", "logprobs": None}
    return {
        **{"id": "cmpl-1", "object": "text_completion", "created": CREATED, "model": _model(body)},
        "choices": [{"index": index, **choice} for index in range(choices)],
        **_counted(body),
    }


def _response(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    part = {"type": "output_text", "text": reply.whole_text, "annotations": [], "logprobs": []}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    calls = [
        {
            **{"id": f"fc_{at}", "type": "function_call", "call_id": f"call_{at}", "status": "completed"},
            **{"name": call.name, "arguments": call.arguments},
        }
        for at, call in enumerate(reply.tool_calls, 1)
    ]
    return {
        **{"id": "resp_1", "object": "response", "created_at": CREATED, "status": "completed"},
        **{"model": _model(body), "error": None, "incomplete_details": None, "instructions": None},
        "output": [*([message] if reply.whole_text or not calls else []), *calls],
        **{"metadata": {}, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True},
        "usage": {
            **{**TOKENS, "total_tokens": 2},
            **{
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        },
    }


def _message(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    calls = [
        {"type": "tool_use", "id": f"toolu_{at}", "name": call.name, "input": _arguments(call.arguments)}
        for at, call in enumerate(reply.tool_calls, 1)
    ]
    text = [{"type": "text", "text": reply.whole_text}] if reply.whole_text or not calls else []
    return {
        **{"id": "msg_1", "type": "message", "role": "assistant", "model": _model(body)},
        "content": [*text, *calls],
        **{"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None, "usage": TOKENS},
    }


def _candidate(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    calls = [
        {"functionCall": {"name": call.name, "args": _arguments(call.arguments)}} for call in reply.tool_calls
    ]
    text = [{"text": reply.whole_text}] if reply.whole_text or not calls else []
    content = {"role": "model", "parts": [*text, *calls]}
    return {
        "candidates": [
            {"content": content, "finishReason": "STOP", "index": index} for index in range(choices)
        ],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        **{"modelVersion": _model(body), "responseId": "response-1"},
    }


OLLAMA_END: Final[Mapping[str, Any]] = {
    **{"done": True, "done_reason": "stop", "total_duration": 1, "load_duration": 1},
    **{"prompt_eval_count": 1, "prompt_eval_duration": 1, "eval_count": 1, "eval_duration": 1},
}


def _ollama_head(body: Body) -> dict[str, Any]:
    return {"model": _model(body), "created_at": "2026-01-01T00:00:00Z"}


def _ollama_chat(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    calls = [
        {"function": {"name": call.name, "arguments": _arguments(call.arguments)}}
        for call in reply.tool_calls
    ]
    message = {"role": "assistant", "content": reply.whole_text, **({"tool_calls": calls} if calls else {})}
    return {**_ollama_head(body), "message": message, **OLLAMA_END}


def _ollama_text(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    return {**_ollama_head(body), "response": reply.whole_text, **OLLAMA_END}


def _inputs(body: Body) -> list[Any]:
    given = body.get("input", body.get("prompt"))
    return given if isinstance(given, list) else [given]


def _embeddings(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    vectors = [
        {"object": "embedding", "index": index, "embedding": [*VECTOR]} for index in range(len(_inputs(body)))
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "data": vectors, "model": _model(body), "usage": usage}


def _ollama_vectors(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    return {"model": _model(body), "embeddings": [[*VECTOR] for _ in _inputs(body)], "prompt_eval_count": 1}


def _ollama_vector(reply: Reply, body: Body, choices: int) -> dict[str, Any]:
    return {"embedding": [*VECTOR]}


WRITERS: Final[Mapping[str, Writer]] = {
    "openai.chat": _completion,
    "openai.completions": _text_completion,
    "openai.responses": _response,
    "openai.responses.stored": _response,
    "openai.responses.cancel": _response,
    "openai.responses.input_tokens": lambda *_: {"object": "response.input_tokens", "input_tokens": 1},
    "openai.embeddings": _embeddings,
    "anthropic.messages": _message,
    "anthropic.count_tokens": lambda *_: {"input_tokens": 1},
    "gemini.generate": _candidate,
    "gemini.stream": _candidate,
    "gemini.count_tokens": lambda *_: {"totalTokens": 1},
    **dict.fromkeys(("mistral.chat", "mistral.agents", "mistral.fim"), _completion),
    "mistral.embeddings": _embeddings,
    "ollama.chat": _ollama_chat,
    "ollama.generate": _ollama_text,
    "ollama.embed": _ollama_vectors,
    "ollama.embeddings": _ollama_vector,
}
"""Name of a protocol → how it says what a model says."""
