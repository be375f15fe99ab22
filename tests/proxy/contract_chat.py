"""Where a text may stand in OpenAI's chat API, for the contract matrix."""

from __future__ import annotations

import json
from typing import Any

from guardrails.protocols.chat import chat_fields

from .conftest import Answer, chunk, completion
from .contract import Api, Failure

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "Does.", "parameters": {"type": "object"}},
}
HI = {"role": "user", "content": "Hi."}


def asking(*messages: Any, **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"model": "m", "messages": [*messages], **fields}


def saying(*parts: Any) -> dict[str, Any]:
    """Return a request whose user says these parts."""
    return asking({"role": "user", "content": [*parts]})


def calling(call: Any, **fields: Any) -> dict[str, Any]:
    """Return a request in whose current turn the assistant has called a tool."""
    return asking(
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "x"},
        **fields,
    )


def tool(**fields: Any) -> dict[str, Any]:
    """Return a request with a tool."""
    return asking(HI, tools=[{"type": "function", "function": {**TOOL["function"], **fields}}])


def assistant(**fields: Any) -> dict[str, Any]:
    """Return a request in whose current turn the assistant has said something."""
    return asking(HI, {"role": "assistant", "content": "x", **fields})


ASKS: dict[str, Any] = {
    "system": asking({"role": "system", "content": "@"}, HI),
    "system, a part": asking({"role": "system", "content": [{"type": "text", "text": "@"}]}, HI),
    "developer": asking({"role": "developer", "content": "@"}, HI),
    "user": asking({"role": "user", "content": "@"}),
    "user, name": asking({"role": "user", "content": "Hi.", "name": "@"}),
    "earlier turn": asking({"role": "user", "content": "@"}, {"role": "assistant", "content": "Oh."}, HI),
    "assistant, earlier turn": asking(HI, {"role": "assistant", "content": "@"}, HI),
    "assistant, current turn": asking(HI, {"role": "assistant", "content": "@"}),
    "assistant, part": assistant(content=[{"type": "text", "text": "@"}]),
    "assistant, id": assistant(id="@"),
    "assistant, refusal": assistant(refusal="@"),
    "assistant, reasoning": assistant(reasoning="@"),
    "assistant, reasoning_content": assistant(reasoning_content="@"),
    "assistant, a picture's url": assistant(images=[{"type": "image_url", "image_url": {"url": "@"}}]),
    "assistant, pictures": assistant(images="@"),
    "assistant, transcript": assistant(audio={"id": "a", "transcript": "@"}),
    "assistant, audio data": assistant(audio={"id": "a", "data": "@"}),
    "assistant, annotation": assistant(
        annotations=[{"type": "url_citation", "url_citation": {"title": "@", "url": "u"}}]
    ),
    "call, name": calling({**CALL, "function": {"name": "@", "arguments": "{}"}}),
    "call, id": calling({**CALL, "id": "@"}),
    "call, arguments": calling({**CALL, "function": {"name": "f", "arguments": "@json"}}),
    "call, arguments, no JSON": calling({**CALL, "function": {"name": "f", "arguments": '{"a": "@'}}),
    "call, arguments, decoded": calling({**CALL, "function": {"name": "f", "arguments": {"a": ["@"]}}}),
    "call, arguments, a name": calling({**CALL, "function": {"name": "f", "arguments": {"@": 1}}}),
    "call, custom": calling({"id": "c1", "type": "custom", "custom": {"name": "g", "input": "@"}}),
    "call, type": calling({**CALL, "type": "@"}),
    "call, unknown field": calling({**CALL, "x_new": "@"}),
    "call, old": assistant(function_call={"name": "f", "arguments": "@json"}),
    "tool result": asking(
        HI,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "@"},
    ),
    "tool result, part": asking(
        HI,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "@"}]},
    ),
    "tool result, id": asking(HI, {"role": "tool", "tool_call_id": "@", "content": "x"}),
    "function result": asking(HI, {"role": "function", "name": "f", "content": "@"}),
    "unknown role": asking(HI, {"role": "@", "content": "x"}),
    "message, unknown field": asking({**HI, "x_new": {"a": ["@"]}}),
    "message, name of a field": asking({**HI, "@": 1}),
    "two parts": saying({"type": "text", "text": "@<"}, {"type": "text", "text": "@>"}),
    "two parts, a picture between": saying(
        {"type": "text", "text": "@<"},
        {"type": "image_url", "image_url": {"url": "https://x.example/p.png"}},
        {"type": "text", "text": "@>"},
    ),
    **{
        f"part {kind}, {name}": saying({"type": kind, name: "@"})
        for kind, names in chat_fields.PARTS.items()
        for name in names
    },
    "part image_url, url": saying({"type": "image_url", "image_url": {"url": "@"}}),
    "part image_url, detail": saying(
        {"type": "image_url", "image_url": {"url": "https://x.example", "detail": "@"}}
    ),
    "part image_url, data": saying({"type": "image_url", "image_url": {"url": "data:image/png;base64,@"}}),
    "part image_url, text": saying(
        {"type": "image_url", "image_url": {"url": "https://x.example"}, "text": "@"}
    ),
    "part input_audio, data": saying({"type": "input_audio", "input_audio": {"data": "@", "format": "wav"}}),
    "part file, data": saying({"type": "file", "file": {"file_data": "@", "filename": "f.pdf"}}),
    "part file, name": saying({"type": "file", "file": {"file_id": "f1", "filename": "@"}}),
    "part file, id": saying({"type": "file", "file": {"file_id": "@"}}),
    **{f"part {kind}, text": saying({"type": kind, "text": "@"}) for kind in chat_fields.PART_KINDS},
    **{f"part {kind}, own data": saying({"type": kind, "data": "@"}) for kind in chat_fields.PART_KINDS},
    "part of an unknown type": saying({"type": "x_new", "deep": {"a": ["@"]}}),
    "part, name of its type": saying({"type": "@", "text": "x"}),
    "part, unknown field": saying({"type": "text", "text": "x", "x_new": "@"}),
    "part, a bare text": saying("@"),
    "tool, name": tool(name="@"),
    "tool, description": tool(description="@"),
    "tool, parameter's description": tool(parameters={"properties": {"p": {"description": "@"}}}),
    "tool, parameter's name": tool(parameters={"properties": {"@": {"type": "string"}}}),
    "tool, enum": tool(parameters={"properties": {"p": {"enum": ["@"]}}}),
    "tool, unknown field": tool(x_new={"a": "@"}),
    "tool, custom": asking(
        HI,
        tools=[{"type": "custom", "custom": {"name": "g", "format": {"grammar": {"definition": "@"}}}}],
    ),
    "tool, old": asking(HI, functions=[{"name": "f", "description": "@"}]),
    "tool_choice": asking(HI, tool_choice={"type": "function", "function": {"name": "@"}}),
    "response_format": asking(HI, response_format={"json_schema": {"name": "n", "schema": {"title": "@"}}}),
    "prediction": asking(HI, prediction={"type": "content", "content": [{"type": "text", "text": "@"}]}),
    "documents": asking(HI, documents=[{"title": "t", "text": "@"}]),
    "metadata": asking(HI, metadata={"app": "@"}),
    "metadata, a name": asking(HI, metadata={"@": "x"}),
    **{
        f"field {name}": asking(HI, **{name: "@"})
        for name in chat_fields.REQUEST.fields
        if name not in ("messages", "stream", "functions", "tools")
    },
    "field stream": asking(HI, stream="@"),
    "field functions": asking(HI, functions="@"),
    "field tools": asking(HI, tools="@"),
    "field messages": {"model": "m", "messages": "@"},
    "unknown field": asking(HI, x_new={"a": ["@"]}),
    "name of a field": asking(HI, **{"@": 1}),
}


def saying_so(**fields: Any) -> dict[str, Any]:
    """Return an answer with one message."""
    return completion({"role": "assistant", "content": "x", **fields})


def spelling(
    tokens: list[str], alternatives: list[str], text: str = "x", name: str = "content"
) -> dict[str, Any]:
    """Return an answer with log-probabilities."""
    made = saying_so(content=text)
    entries = [
        {"token": token, "logprob": -1.0, "bytes": None, "top_logprobs": [
            {"token": other, "logprob": -2.0, "bytes": None} for other in alternatives
        ]}
        for token in tokens
    ]  # fmt: skip
    made["choices"][0]["logprobs"] = {name: entries}
    return made


ANSWERS: dict[str, Any] = {
    "text": completion("@"),
    "text, cut short": {
        **completion("@"),
        "choices": [{**completion("@")["choices"][0], "finish_reason": "length"}],
    },
    "second choice": completion("x", "@"),
    "both choices": completion("@", "@"),
    "text, parts": saying_so(content=[{"type": "text", "text": "@"}]),
    "text, two parts": saying_so(content=[{"type": "text", "text": "@<"}, {"type": "text", "text": "@>"}]),
    "thinking, a part": saying_so(content=[{"type": "thinking", "thinking": "@"}]),
    "refusal": saying_so(content=None, refusal="@"),
    "reasoning": saying_so(reasoning="@"),
    "reasoning_content": saying_so(reasoning_content="@"),
    "picture, url": saying_so(images=[{"type": "image_url", "image_url": {"url": "@"}}]),
    "picture, unknown field": saying_so(images=[{"type": "image_url", "x_new": "@"}]),
    "pictures": saying_so(images="@"),
    "annotation": saying_so(annotations=[{"type": "url_citation", "url_citation": {"title": "@", "url": "u"}}]),
    "transcript": saying_so(content=None, audio={"id": "a", "transcript": "@", "expires_at": 1}),
    "audio data": saying_so(content=None, audio={"id": "a", "transcript": "x", "data": "@", "expires_at": 1}),
    "call, name": saying_so(tool_calls=[{**CALL, "function": {"name": "@", "arguments": "{}"}}]),
    "call, id": saying_so(tool_calls=[{**CALL, "id": "@"}]),
    "call, arguments": saying_so(tool_calls=[{**CALL, "function": {"name": "f", "arguments": "@json"}}]),
    "call, arguments, no JSON": saying_so(
        tool_calls=[{**CALL, "function": {"name": "f", "arguments": '{"a": "@'}}]
    ),
    "call, second": saying_so(tool_calls=[CALL, {**CALL, "id": "c2", "function": {"name": "f", "arguments": "@json"}}]),
    "call, custom": saying_so(tool_calls=[{"id": "c1", "type": "custom", "custom": {"name": "g", "input": "@"}}]),
    "call, old": saying_so(function_call={"name": "f", "arguments": "@json"}),
    "name": saying_so(name="@"),
    "message, unknown field": saying_so(x_new={"a": ["@"]}),
    "message, name of a field": saying_so(**{"@": "x"}),
    "log-probabilities": spelling(["@<", "@>"], [], "@"),
    "log-probabilities of another text": spelling(["@<", "@>"], []),
    "log-probabilities, an alternative": spelling(["x"], ["@"]),
    "log-probabilities of a refusal": spelling(["@"], [], name="refusal"),
    "log-probabilities, bytes": {
        **saying_so(),
        "choices": [{**saying_so()["choices"][0], "logprobs": {"content": [{"token": "x", "logprob": -1.0, "note": "@"}]}}],
    },
    "log-probabilities, name of a field": {
        **saying_so(), "choices": [{**saying_so()["choices"][0], "logprobs": {"@": []}}],
    },
    "choice, unknown field": {**saying_so(), "choices": [{**saying_so()["choices"][0], "x_new": "@"}]},
    "choice, finish_reason": {**saying_so(), "choices": [{**saying_so()["choices"][0], "finish_reason": "@"}]},
    "choice, text": {**saying_so(), "choices": [{**saying_so()["choices"][0], "text": "@"}]},
    **{f"field {name}": {**saying_so(), name: "@"} for name in chat_fields.RESPONSE.fields if name != "choices"},
    "usage, deep": saying_so() | {"usage": {"total_tokens": 2, "x_new": {"a": "@"}}},
    "unknown field": {**saying_so(), "x_new": {"a": ["@"]}},
    "name of a field": {**saying_so(), "@": 1},
    "upstream's error": Failure(400, {"error": {"message": "@", "type": "invalid_request_error", "param": None, "code": None}}),
    "upstream's error, unknown field": Failure(500, {"error": {"message": "x", "x_new": "@"}, "text": "@"}),
    "streams only: an error": [
        chunk({"role": "assistant", "content": "x"}), {"error": {"message": "@", "type": "server_error"}},
    ],
    "streams only: padding": [chunk({"role": "assistant", "content": "x"}, "stop", obfuscation="@"), "data: [DONE]\n\n"],
    "streams only: a field of SSE": [
        ": @\n\n", "id: @\nretry: @\n", chunk({"role": "assistant", "content": "@"}, "stop"), "data: [DONE]\n\n",
    ],
    "streams only: after the end": [
        chunk({"role": "assistant", "content": "x "}, "stop"), chunk({"content": "@"}), "data: [DONE]\n\n",
    ],
    "streams only: role": [chunk({"role": "@", "content": "x"}, "stop"), "data: [DONE]\n\n"],
    "streams only: two deltas of a name": [
        chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "@<"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": "@>", "arguments": "{}"}}]}, "tool_calls"),
        "data: [DONE]\n\n",
    ],
    "streams only: choices take turns": [
        chunk({"role": "assistant", "content": "@<"}, index=0), chunk({"content": "x"}, index=1),
        chunk({"content": "@>"}, "stop", index=0), chunk({}, "stop", index=1), "data: [DONE]\n\n",
    ],
}  # fmt: skip


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return an answer as a stream of chunks whose texts are cut."""
    head = {**{name: value for name, value in whole.items() if name not in ("choices", "usage")}}
    head["object"] = (
        "chat.completion.chunk" if head.get("object") == "chat.completion" else head.get("object")
    )
    made = []
    for choice in whole["choices"]:
        index, said = choice["index"], choice["message"]
        deltas: list[dict[str, Any]] = [{"role": said["role"]}]
        for name, value in said.items():
            if name == "tool_calls":
                for at, call in enumerate(value):
                    deltas += _call(at, call, size)
            elif isinstance(value, str) and name != "role":
                deltas += [{name: value[start : start + size]} for start in range(0, len(value), size)]
            elif name != "role" and value is not None:
                deltas.append({name: value})
        made += [{"index": index, "delta": delta, "finish_reason": None} for delta in deltas]
        rest = {name: value for name, value in choice.items() if name not in ("index", "message")}
        made.append({"index": index, "delta": {}, **rest})
    chunks = [{**head, "choices": [each]} for each in made]
    chunks.append({**head, "choices": [], "usage": whole["usage"]})
    return [*(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks), b"data: [DONE]\n\n"]


def _call(at: int, call: dict[str, Any], size: int) -> list[dict[str, Any]]:
    kind, name = ("custom", "input") if "custom" in call else ("function", "arguments")
    written = call[kind][name]
    begun = {**call, "index": at, kind: {**call[kind], name: ""}}
    grown = [
        {"index": at, kind: {name: written[start : start + size]}} for start in range(0, len(written), size)
    ]
    return [{"tool_calls": [each]} for each in (begun, *grown)]


def ending(answer: Answer) -> str:
    """Tell how a completion ended."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        reasons = [choice["finish_reason"] for choice in answer.json["choices"]]
        return "stop" if "content_filter" in reasons else ""
    if any("error" in frame for frame in answer.frames):
        return "error"
    assert answer.raw.endswith(b"data: [DONE]\n\n")
    ends = [choice["finish_reason"] for frame in answer.frames for choice in frame["choices"]]
    assert any(ends)
    return "stop" if "content_filter" in ends else ""


CHAT = Api(
    "/v1/chat/completions",
    ASKS,
    completion("Hello."),
    ANSWERS,
    asking(HI),
    frames,
    ending,
)
