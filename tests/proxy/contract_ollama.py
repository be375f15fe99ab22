"""Where a text may stand in Ollama's own API, for the contract matrix; and what its answers look like, for other tests."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

from guardrails.protocols.ollama import ollama_fields

from .conftest import Answer
from .contract import Api, Failure

HEAD = {"model": "m", "created_at": "2026-01-02T03:04:05.678901Z"}
COUNTS = {
    "total_duration": 4_883_583_458,
    "load_duration": 1_334_875,
    "prompt_eval_count": 26,
    "eval_count": 9,
}
END = {"done": True, "done_reason": "stop", **COUNTS}
CALL = {"function": {"index": 0, "name": "f", "arguments": {}}}
TOOL = {"name": "f", "description": "Does.", "parameters": {"type": "object", "properties": {}}}
HI = {"role": "user", "content": "Hi."}
PICTURE = base64.b64encode(bytes(range(64))).decode()


def asking(*messages: Any, **fields: Any) -> dict[str, Any]:
    """Return a chat request."""
    return {"model": "m", "messages": [*messages], **fields}


def assistant(**fields: Any) -> dict[str, Any]:
    """Return a chat request in whose current turn the assistant has said something."""
    return asking(HI, {"role": "assistant", "content": "x", **fields})


def calling(**function: Any) -> dict[str, Any]:
    """Return a chat request in whose current turn the assistant has called a tool."""
    return assistant(tool_calls=[{"function": {**CALL["function"], **function}}])


def tool(**fields: Any) -> dict[str, Any]:
    """Return a chat request with a tool."""
    return asking(HI, tools=[{"type": "function", "function": {**TOOL, **fields}}])


def prompting(prompt: Any = "Hi.", **fields: Any) -> dict[str, Any]:
    """Return a request for a completion."""
    return {"model": "m", "prompt": prompt, **fields}


def said(text: Any = "x", *, fields: dict[str, Any] | None = None, **message: Any) -> dict[str, Any]:
    """Return a chat answer; `fields` stand beside its message."""
    return {**HEAD, "message": {"role": "assistant", "content": text, **message}, **END, **(fields or {})}


def completed(text: Any = "x", **fields: Any) -> dict[str, Any]:
    """Return a completion."""
    return {**HEAD, "response": text, **END, **fields}


def spelled(*tokens: str, others: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return log-probabilities."""
    likely = [{"token": other, "logprob": -2.0} for other in others]
    return [
        {"token": token, "logprob": -1.0, "bytes": [*token.encode()], "top_logprobs": likely}
        for token in tokens
    ]


def piece(text: str = "", *, fields: dict[str, Any] | None = None, **message: Any) -> dict[str, Any]:
    """Return a line of a streamed chat answer that is not the last."""
    return {
        **HEAD,
        "message": {"role": "assistant", "content": text, **message},
        "done": False,
        **(fields or {}),
    }


def last(text: str = "", **fields: Any) -> dict[str, Any]:
    """Return the last line of a streamed chat answer."""
    return said(text, fields=fields)


OTHERS: dict[str, Any] = {
    "unknown field": {"x_new": {"a": ["@"]}},
    "name of a field": {"@": 1},
    "options, stop": {"options": {"stop": ["@"]}},
    "options, a word where a number stands": {"options": {"temperature": "@"}},
    "options, unknown": {"options": {"x_new": ["@"]}},
    "options, name of one": {"options": {"@": 1}},
    "format, a schema": {"format": {"type": "object", "properties": {"@": {"description": "@"}}}},
}
"""What both kinds of requests may hold besides."""

CHAT_ASKS: dict[str, Any] = {
    "system": asking({"role": "system", "content": "@"}, HI),
    "user": asking({"role": "user", "content": "@"}),
    "user, parts": asking({"role": "user", "content": [{"type": "text", "text": "@<"}, {"type": "text", "text": "@>"}]}),
    "earlier turn": asking({"role": "user", "content": "@"}, {"role": "assistant", "content": "Oh."}, HI),
    "assistant, earlier turn": asking(HI, {"role": "assistant", "content": "@"}, HI),
    "assistant, current turn": assistant(content="@"),
    "assistant, thinking": assistant(thinking="@"),
    "role": asking(HI, {"role": "@", "content": "x"}),
    "tool result": asking(HI, assistant()["messages"][1], {"role": "tool", "tool_name": "f", "content": "@"}),
    "tool result, name": asking(HI, {"role": "tool", "tool_name": "@", "content": "x"}),
    "tool result, id": asking(HI, {"role": "tool", "tool_call_id": "@", "content": "x"}),
    "picture": asking({**HI, "images": ["@"]}),
    "picture, beside a text": asking({"role": "user", "content": "@", "images": [PICTURE]}),
    "picture, a text": asking({**HI, "images": "@"}),
    "picture, a structure": asking({**HI, "images": [{"a": "@"}]}),
    "call, name": calling(name="@"),
    "call, argument": calling(arguments={"a": ["b", "@"]}),
    "call, argument's name": calling(arguments={"@": 1}),
    "call, arguments, a text": calling(arguments="@json"),
    "call, index": calling(index="@"),
    "call, unknown field": calling(x_new="@"),
    "call, id": assistant(tool_calls=[{**CALL, "id": "@"}]),
    "call, type": assistant(tool_calls=[{**CALL, "type": "@"}]),
    "call, a text": assistant(tool_calls=["@"]),
    "calls, a text": assistant(tool_calls="@"),
    "message, unknown field": asking({**HI, "x_new": {"a": ["@"]}}),
    "message, name of a field": asking({**HI, "@": 1}),
    "message, another case": asking({**HI, "Content": "@"}),
    "tool, name": tool(name="@"),
    "tool, description": tool(description="@"),
    "tool, parameter's description": tool(parameters={"type": "object", "properties": {"p": {"description": "@"}}}),
    "tool, parameter's name": tool(parameters={"type": "object", "properties": {"@": {"type": "string"}}}),
    "tool, enum": tool(parameters={"type": "object", "properties": {"p": {"enum": ["@"]}}}),
    "tool, unknown field": tool(x_new={"a": "@"}),
    "tool, type": asking(HI, tools=[{"type": "@", "function": TOOL}]),
    **{place: asking(HI, **more) for place, more in OTHERS.items()},
    **{f"field {name}": asking(HI, **{name: "@"}) for name in ollama_fields.CHAT.fields},
    "another case": {"model": "m", "Messages": [{"role": "user", "content": "@"}]},
}  # fmt: skip

GENERATE_ASKS: dict[str, Any] = {
    "prompt": prompting("@"),
    "prompt, a structure": prompting({"text": "@"}),
    "prompt, a list": prompting(["@"]),
    "suffix": prompting(suffix="@"),
    "system": prompting(system="@"),
    "system, a structure": prompting(system={"a": ["@"]}),
    "picture": prompting(images=["@"]),
    "picture, beside a text": prompting("@", images=[PICTURE]),
    "token ids, a text": prompting(context=[1, "@"]),
    "raw": prompting("@", raw=True),
    **{place: prompting(**more) for place, more in OTHERS.items()},
    **{f"field {name}": {**prompting(), name: "@"} for name in ollama_fields.GENERATE.fields},
    "another case": {"model": "m", "Prompt": "@"},
}

BESIDE: dict[str, Any] = {
    **{f"field {name}": {name: "@"} for name in ollama_fields.ANSWERED},
    "unknown field": {"x_new": {"a": ["@"]}},
    "unknown text": {"x_new": "@"},
    "name of a field": {"@": 1},
    "name of an empty field": {"@": ""},
    "log-probabilities of another text": {"logprobs": spelled("@<", "@>")},
    "log-probabilities, an alternative": {"logprobs": spelled("x", others=("@",))},
    "log-probabilities, unknown field": {"logprobs": [{**spelled("x")[0], "note": "@"}]},
    "log-probabilities, a text": {"logprobs": "@"},
    "what was rendered": {"_debug_info": {"rendered_template": "@"}},
}
"""What may stand beside what both kinds of answers say."""

ERRORS: dict[str, Any] = {
    "upstream's error": Failure(400, {"error": "@"}),
    "upstream's error, unknown field": Failure(500, {"error": "x", "x_new": "@"}),
    "upstream's error, a structure": Failure(500, {"error": {"message": "@"}}),
}

CHAT_ANSWERS: dict[str, Any] = {
    "text": said("@"),
    "text, cut short": said("@", fields={"done_reason": "length"}),
    "text, a structure": said({"a": ["@"]}),
    "thinking": said(thinking="@"),
    "thinking, and a text": said("@", thinking="@"),
    "role": said(role="@"),
    "picture": said(images=["@"]),
    "call, name": said("", tool_calls=[{"function": {**CALL["function"], "name": "@"}}]),
    "call, argument": said("", tool_calls=[{"function": {**CALL["function"], "arguments": {"a": ["b", "@"]}}}]),
    "call, argument's name": said("", tool_calls=[{"function": {**CALL["function"], "arguments": {"@": 1}}}]),
    "call, arguments, a text": said("", tool_calls=[{"function": {**CALL["function"], "arguments": "@json"}}]),
    "call, second": said("", tool_calls=[CALL, {"function": {"name": "f", "arguments": {"a": "@"}}}]),
    "call, id": said("", tool_calls=[{**CALL, "id": "@"}]),
    "call, unknown field": said("", tool_calls=[{**CALL, "x_new": "@"}]),
    "tool_name": said(tool_name="@"),
    "tool_call_id": said(tool_call_id="@"),
    "message, unknown field": said(x_new={"a": ["@"]}),
    "message, unknown text": said(x_new="@"),
    "message, name of a field": said(**{"@": "x"}),
    "message, name of an empty field": said(**{"@": ""}),
    "message, another case": said(Content="@"),
    "log-probabilities": said("@", fields={"logprobs": spelled("@<", "@>")}),
    "another case": said(fields={"Message": {"role": "assistant", "content": "@"}}),
    **{place: said(fields=more) for place, more in BESIDE.items()},
    **ERRORS,
    "streams only: an error": [piece("x"), {"error": "@"}],
    "streams only: with its log-probabilities": [
        piece("@<", fields={"logprobs": spelled("@<")}), piece("@>", fields={"logprobs": spelled("@>")}), last(),
    ],
    "streams only: log-probabilities alone": [
        piece("", fields={"logprobs": spelled("@<")}), piece("", fields={"logprobs": spelled("@>")}), last("x"),
    ],
    "streams only: in the last line": [piece("x "), last("@")],
    "streams only: after the end": [piece("x "), last(), piece("@")],
    "streams only: two calls": [
        piece("", tool_calls=[CALL]), piece("", tool_calls=[{"function": {"name": "f", "arguments": {"a": "@"}}}]), last(),
    ],
    "streams only: an unknown text in pieces": [piece("x", x_new="@<"), piece("x", x_new="@>"), last()],
    "streams only: an unknown field in pieces": [
        piece("x", fields={"x_new": "@<"}), piece("x", fields={"x_new": "@>"}), last(),
    ],
    "streams only: a field changes": [piece("x", fields={"model": "@"}), piece("x"), last()],
    "streams only: thinking and text take turns": [
        piece(thinking="@<"), piece(thinking="@>"), piece("@<"), piece("@>"), last(),
    ],
    "streams only: a name without a text": [piece("x. ", **{"@": ""}), piece("y"), last()],
    "streams only: no JSON": [piece("x"), "@\n", last()],
}  # fmt: skip

GENERATE_ANSWERS: dict[str, Any] = {
    "text": completed("@"),
    "text, cut short": completed("@", done_reason="length"),
    "thinking": completed(thinking="@"),
    "call, argument": completed("", tool_calls=[{"function": {**CALL["function"], "arguments": {"a": "@"}}}]),
    "token ids, a text": completed(context=[1, "@"]),
    "token ids, and a text": completed("@", context=[1, 151_645]),
    "log-probabilities": completed("@", logprobs=spelled("@<", "@>")),
    "another case": completed(Response="@"),
    **{f"field {name}": completed(**{name: "@"}) for name in ollama_fields.GENERATED.fields if name not in ("response", *ollama_fields.ANSWERED)},
    **{place: completed(**more) for place, more in BESIDE.items()},
    **ERRORS,
    "streams only: in the last line": [{**HEAD, "response": "x ", "done": False}, completed("@")],
    "streams only: an unknown field in pieces": [
        {**HEAD, "response": "x", "done": False, "x_new": "@<"}, {**HEAD, "response": "x", "done": False, "x_new": "@>"}, completed(""),
    ],
    "streams only: a message": [{**HEAD, "message": {"content": "@"}, "done": False}, completed("")],
}  # fmt: skip


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return an answer as lines whose texts are cut."""
    chat = "message" in whole
    texts = (
        dict(whole["message"])
        if chat
        else {name: whole[name] for name in ("thinking", "response") if name in whole}
    )
    lines = [
        {name: text[start : start + size]}
        for name in ("thinking", "content", "response")
        for text in [texts.get(name)]
        if isinstance(text, str)
        for start in range(0, len(text), size)
    ]
    for each in lines:
        texts[next(iter(each))] = ""
    head = {name: value for name, value in whole.items() if name in HEAD}
    empty = {"role": "assistant", "content": ""} if chat else {"response": ""}
    made = [
        {**head, **({"message": {**empty, **each}} if chat else {**empty, **each}), "done": False}
        for each in lines
    ]
    return [
        json.dumps(each).encode() + b"\n"
        for each in (*made, {**whole, **({"message": texts} if chat else texts)})
    ]


def ending(answer: Answer) -> str:
    """Tell how an answer ended; asserts its form."""
    if not answer.headers["content-type"].startswith("application/x-ndjson"):
        return _stopped(answer.json)
    lines = [json.loads(line) for line in answer.raw.splitlines()]
    if "error" in lines[-1]:
        return "error"
    assert [line["done"] is True for line in lines] == [False] * (len(lines) - 1) + [True]
    return _stopped(lines[-1])


def _stopped(end: dict[str, Any]) -> str:
    stopped = end["done_reason"] == "content_filter"
    assert not stopped or not end.keys() & {"logprobs", "context"}
    return "stop" if stopped else ""


CHAT = Api(
    "/api/chat", CHAT_ASKS, said("Hello."), CHAT_ANSWERS, asking(HI), frames, ending, whole={"stream": False}, lines=True
)  # fmt: skip
GENERATE = replace(
    CHAT,
    path="/api/generate",
    asks=GENERATE_ASKS,
    reply=completed("Hello."),
    answers=GENERATE_ANSWERS,
    question=prompting(),
)

VECTORS = {"model": "m", "embeddings": [[0.5, -0.25]], "total_duration": 14_143_917, "prompt_eval_count": 8}
EMBED = Api(
    "/api/embed",
    {
        "input": {"model": "m", "input": "@"},
        "one of two inputs": {"model": "m", "input": ["x", "@"]},
        "input, among token ids": {"model": "m", "input": ["@", 1]},
        "input, a structure": {"model": "m", "input": {"text": "@"}},
        **{f"field {name}": {"model": "m", "input": "x", name: "@"} for name in ollama_fields.EMBED.fields if name != "input"},
        "options, stop": {"model": "m", "input": "x", "options": {"stop": ["@"]}},
        "unknown field": {"model": "m", "input": "x", "x_new": {"a": ["@"]}},
        "name of a field": {"model": "m", "input": "x", "@": 1},
        "another case": {"model": "m", "Input": "@"},
    },
    VECTORS,
    {
        "embedding": {**VECTORS, "embeddings": ["@"]},
        "embedding, among numbers": {**VECTORS, "embeddings": [[0.5, "@"]]},
        "embedding, name of a field": {**VECTORS, "embeddings": [{"@": [0.5]}]},
        **{f"field {name}": {**VECTORS, name: "@"} for name in ollama_fields.VECTORS.fields},
        "unknown field": {**VECTORS, "x_new": {"a": ["@"]}},
        "name of a field": {**VECTORS, "@": 1},
        **ERRORS,
    },
    {"model": "m", "input": "Hi."},
)  # fmt: skip
ONE_VECTOR = {"embedding": [0.5, -0.25]}
EMBEDDINGS = Api(
    "/api/embeddings",
    {
        "prompt": {"model": "m", "prompt": "@"},
        "prompt, a structure": {"model": "m", "prompt": {"text": "@"}},
        "field options": {"model": "m", "prompt": "x", "options": "@"},
        "unknown field": {"model": "m", "prompt": "x", "x_new": {"a": ["@"]}},
    },
    ONE_VECTOR,
    {
        "embedding": {"embedding": "@"},
        "embedding, among numbers": {"embedding": [0.5, "@"]},
        "unknown field": {**ONE_VECTOR, "x_new": {"a": ["@"]}},
        **ERRORS,
    },
    {"model": "m", "prompt": "Hi."},
)
MODEL = {
    "license": "x",
    "modelfile": "x",
    "template": "{{ .Prompt }}",
    "details": {"family": "llama", "families": ["llama"]},
    "model_info": {"general.parameter_count": 8_030_261_248, "tokenizer.ggml.tokens": None},
    "capabilities": ["completion", "tools"],
}
SHOW = Api(
    "/api/show",
    {
        **{f"field {name}": {"model": "m", name: "@"} for name in ollama_fields.SHOW.fields},
        "unknown field": {"model": "m", "x_new": {"a": ["@"]}},
        "name of a field": {"model": "m", "@": 1},
        "another case": {"Model": "@"},
    },
    MODEL,
    {
        **{f"field {name}": {**MODEL, name: "@"} for name in ollama_fields.SHOWN.fields},
        "details, deep": {**MODEL, "details": {"families": ["@"]}},
        "model_info, a name": {**MODEL, "model_info": {"@": 1}},
        "messages": {**MODEL, "messages": [{"role": "user", "content": "@"}]},
        "unknown field": {**MODEL, "x_new": {"a": ["@"]}},
        "name of a field": {**MODEL, "@": 1},
        **ERRORS,
    },
    {"model": "m"},
)
OLLAMA = (CHAT, GENERATE, EMBED, EMBEDDINGS, SHOW)
