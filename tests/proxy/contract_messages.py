"""Where a text may stand in Anthropic's Messages API, for the contract matrix."""

from __future__ import annotations

import json
from typing import Any

from guardrails.protocols.messages import messages_fields

from .conftest import Answer, message, message_events
from .contract import Api, Failure

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
"""Stands for what a provider has encrypted or signed."""

HI = {"role": "user", "content": "Hi."}
WORDS = ("Not that.", "Stopped by policy.")
"""How our refusals are worded."""

TOOL = {"name": "f", "description": "Does.", "input_schema": {"type": "object"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
PICTURE = {"type": "image", "source": {"type": "url", "url": "https://x.example/p.png"}}


def asking(*turns: Any, **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"model": "m", "max_tokens": 9, "messages": [*turns], **fields}


def saying(*blocks: Any) -> dict[str, Any]:
    """Return a request whose user says these blocks."""
    return asking({"role": "user", "content": [*blocks]})


def said(*blocks: Any) -> dict[str, Any]:
    """Return a request in whose current turn the assistant has said these blocks."""
    return asking(HI, {"role": "assistant", "content": [*blocks]})


def tool(**fields: Any) -> dict[str, Any]:
    """Return a request with a tool."""
    return asking(HI, tools=[{**TOOL, **fields}])


def text(**fields: Any) -> dict[str, Any]:
    """Return a text block."""
    return {"type": "text", "text": "x", **fields}


BLOCKS: dict[str, Any] = {
    "text": text(text="@"),
    "text, unknown field": text(x_new={"a": ["@"]}),
    "text, name of a field": text(**{"@": 1}),
    "citation, cited_text": text(citations=[{"type": "char_location", "cited_text": "@", "document_index": 0}]),
    "citation, document_title": text(citations=[{"type": "page_location", "document_title": "@"}]),
    "citation, title": text(citations=[{"type": "web_search_result_location", "title": "@", "url": "u"}]),
    "citation, url": text(citations=[{"type": "web_search_result_location", "title": "t", "url": "@"}]),
    "citation, source": text(citations=[{"type": "search_result_location", "source": "@"}]),
    "citation, file_id": text(citations=[{"type": "char_location", "file_id": "@"}]),
    "citation, encrypted_index": text(citations=[{"type": "web_search_result_location", "encrypted_index": "@"}]),
    "citation, unknown field": text(citations=[{"type": "char_location", "x_new": "@"}]),
    "thinking, unsigned": {"type": "thinking", "thinking": "@", "signature": ""},
    "thinking, signed": {"type": "thinking", "thinking": "@", "signature": SEALED},
    "thinking, signature": {"type": "thinking", "thinking": "x", "signature": "@"},
    "redacted_thinking": {"type": "redacted_thinking", "data": "@"},
    "compaction": {"type": "compaction", "content": "@"},
    "compaction, encrypted": {"type": "compaction", "content": "x", "encrypted_content": "@"},
    "image, url": {"type": "image", "source": {"type": "url", "url": "@"}},
    "image, data": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "@"}},
    "image, media type": {"type": "image", "source": {"type": "base64", "media_type": "@", "data": SEALED}},
    "image, file": {"type": "image", "source": {"type": "file", "file_id": "@"}},
    "image, text": {**PICTURE, "text": "@"},
    "document, text": {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "@"}},
    "document, content": {"type": "document", "source": {"type": "content", "content": "@"}},
    "document, parts": {"type": "document", "source": {"type": "content", "content": [text(text="@")]}},
    "document, two parts": {
        "type": "document", "source": {"type": "content", "content": [text(text="@<"), text(text="@>")]},
    },
    "document, title": {"type": "document", "title": "@", "source": {"type": "text", "data": "x"}},
    "document, context": {"type": "document", "context": "@", "source": {"type": "text", "data": "x"}},
    "document, data": {
        "type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "@"},
    },
    "document, url": {"type": "document", "source": {"type": "url", "url": "@"}},
    "document, file": {"type": "document", "source": {"type": "file", "file_id": "@"}},
    "document, unknown source": {"type": "document", "source": {"type": "x_new", "deep": ["@"]}},
    "search_result, content": {
        "type": "search_result", "source": "u", "title": "t", "content": [text(text="@")],
    },
    "search_result, title": {"type": "search_result", "source": "u", "title": "@", "content": []},
    "search_result, source": {"type": "search_result", "source": "@", "title": "t", "content": []},
    "container_upload": {"type": "container_upload", "file_id": "@"},
    "unknown type": {"type": "x_new", "anything": {"deep": ["@"]}},
    "name of a type": {"type": "@", "text": "x"},
    "cache_control": text(cache_control={"type": "ephemeral", "x_new": "@"}),
}  # fmt: skip
"""Blocks with a text, which may stand in a message of any role."""

CALLS: dict[str, Any] = {
    f"{kind}, {name}": {"type": kind, "id": "toolu_1", "name": "f", "input": {}, **fields}
    for kind in messages_fields.CALLS
    for name, fields in {
        "name": {"name": "@"},
        "id": {"id": "@"},
        "server": {"server_name": "@"},
        "input": {"input": {"a": {"b": ["@"]}}},
        "input, a name": {"input": {"@": 1}},
        "caller": {"caller": {"type": "direct", "x_new": "@"}},
        "unknown field": {"x_new": "@"},
    }.items()
}
RESULTS: dict[str, Any] = {
    f"{kind}, {name}": {"type": kind, "tool_use_id": "toolu_1", **fields}
    for kind in messages_fields.RESULTS
    for name, fields in (
        {
            "content": {"content": "@"},
            "parts": {"content": [text(text="@")]},
            "two parts": {"content": [text(text="@<"), text(text="@>")]},
            "title": {"title": "@"},
            "id": {"tool_use_id": "@"},
            "encrypted": {"encrypted_content": "@"},
            "error code": {"error_code": "@"},
            "lines": {"lines": ["@"]},
            "unknown field": {"x_new": {"a": "@"}},
        }
        if kind.endswith("tool_result")
        else {"text": {"text": "@"}, "stdout": {"stdout": "@"}, "content": {"content": [text(text="@")]}}
    ).items()
}
"""Results: what tools return with all that they may hold, what stands inside of them with a little."""

SHORT = ("tool_result", "mcp_tool_result", "web_search_tool_result, title", "code_execution_result, stdout")
ASKS: dict[str, Any] = {
    "system": asking(HI, system="@"),
    "system, a block": asking(HI, system=[text(text="@")]),
    "system, two blocks": asking(HI, system=[text(text="@<"), text(text="@>")]),
    "system, a message": asking({"role": "system", "content": "@"}, HI),
    "user": asking({"role": "user", "content": "@"}),
    "earlier turn": asking({"role": "user", "content": "@"}, {"role": "assistant", "content": "Oh."}, HI),
    "assistant, earlier turn": asking(HI, {"role": "assistant", "content": "@"}, HI),
    "assistant, current turn": asking(HI, {"role": "assistant", "content": "@"}),
    "unknown role": asking(HI, {"role": "@", "content": "x"}),
    "message, unknown field": asking({**HI, "x_new": {"a": ["@"]}}),
    "message, name of a field": asking({**HI, "@": 1}),
    "two blocks": saying(text(text="@<"), text(text="@>")),
    "two blocks, a picture between": saying(text(text="@<"), PICTURE, text(text="@>")),
    **{f"user, {place}": saying(block) for place, block in BLOCKS.items()},
    **{f"user, {place}": saying(text(), block) for place, block in RESULTS.items()},
    **{f"assistant, {place}": said(block) for place, block in BLOCKS.items()},
    **{f"assistant, {place}": said(block) for place, block in CALLS.items()},
    **{f"assistant, {place}": said(block) for place, block in RESULTS.items() if place.startswith(SHORT)},
    "tool, name": tool(name="@"),
    "tool, description": tool(description="@"),
    "tool, parameter's description": tool(input_schema={"properties": {"p": {"description": "@"}}}),
    "tool, parameter's name": tool(input_schema={"properties": {"@": {"type": "string"}}}),
    "tool, an example": tool(input_examples=[{"p": "@"}]),
    "tool, type": tool(type="@"),
    "tool, unknown field": tool(x_new={"a": "@"}),
    "tool, of a server": tool(type="web_search_20250305", user_location={"city": "@"}),
    "tool, a toolset": asking(HI, tools=[{"type": "mcp_toolset", "mcp_server_name": "@"}]),
    "mcp_servers, url": asking(HI, mcp_servers=[{"type": "url", "url": "@", "name": "s"}]),
    "mcp_servers, token": asking(
        HI, mcp_servers=[{"type": "url", "url": "u", "name": "s", "authorization_token": "@"}]
    ),
    "tool_choice": asking(HI, tool_choice={"type": "tool", "name": "@"}),
    "metadata": asking(HI, metadata={"user_id": "@"}),
    "stop_sequences": asking(HI, stop_sequences=["@"]),
    "output_config": asking(HI, output_config={"format": {"schema": {"title": "@"}}}),
    "thinking": asking(HI, thinking={"type": "enabled", "x_new": "@"}),
    "container, skills": asking(HI, container={"skills": [{"type": "custom", "skill_id": "@"}]}),
    **{
        f"field {name}": asking(HI, **{name: "@"})
        for name in messages_fields.REQUEST.fields
        if name not in ("messages", "stream", "system")
    },
    "field stream": asking(HI, stream="@"),
    "field messages": {"model": "m", "max_tokens": 9, "messages": "@"},
    "unknown field": asking(HI, x_new={"a": ["@"]}),
    "name of a field": asking(HI, **{"@": 1}),
}

END: list[Any] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]  # fmt: skip
START: dict[str, Any] = {"type": "message_start", "message": {**message(), "stop_reason": None}}


def block(*deltas: Any, begun: dict[str, Any] | None = None, index: int = 0) -> list[dict[str, Any]]:
    """Return the events of a block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": begun or text(text="")},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def delta(word: str) -> dict[str, Any]:
    """Return a delta of a text."""
    return {"type": "text_delta", "text": word}


ANSWERS: dict[str, Any] = {
    "text": message("@"),
    "second block": message("x ", "@"),
    "two blocks": message("@<", "@>"),
    "two blocks, a call between": message("@<", CALL, "@>"),
    "two blocks, thinking between": message("@<", {"type": "thinking", "thinking": "x", "signature": SEALED}, "@>"),
    **{f"block {place}": message(each) for place, each in {**BLOCKS, **CALLS}.items() if place != "text"},
    **{f"block {place}": message("x", each) for place, each in RESULTS.items() if place.startswith(SHORT)},
    "stop_sequence": message("x", stop_sequence="@"),
    "stop_details": message("x", stop_reason="refusal", stop_details={"type": "refusal", "category": None, "explanation": "@"}),
    "usage": message("x", usage={"input_tokens": 1, "output_tokens": 1, "x_new": "@"}),
    **{f"field {name}": message("x", **{name: "@"}) for name in messages_fields.ANSWER.fields if name not in ("content", "type")},
    "field type": message("x", type="@"),
    "unknown field": message("x", x_new={"a": ["@"]}),
    "name of a field": message("x", **{"@": 1}),
    "upstream's error": Failure(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "@"}}),
    "upstream's error, unknown field": Failure(500, {"type": "error", "error": {"message": "x", "x_new": "@"}, "text": "@"}),
    "streams only: ping": [START, {"type": "ping", "x_new": "@"}, *block(delta("x")), *END],
    "streams only: a field of SSE": [START, ": @\n\nid: @\n", *block(delta("@")), *END],
    "streams only: a delta's unknown field": [START, *block({**delta("x"), "x_new": "@"}), *END],
    "streams only: an unknown delta": [START, *block({"type": "x_delta", "text": "@"}), *END],
    "streams only: an unknown event": [START, {"type": "x_new", "text": "@"}, *block(delta("x")), *END],
    "streams only: the start of a block": [START, *block(delta("@>"), begun=text(text="@<")), *END],
    "streams only: a delta of another block": [START, *block({"type": "thinking_delta", "thinking": "@"}), *END],
    "streams only: the message twice": [START, *block(delta("x")), {**START, "message": {**START["message"], "x_new": "@"}}, *END],
    "streams only: after the end": [START, *block(delta("x")), *END, *block(delta("@"), index=1)],
    "streams only: an error": [START, *block(delta("x")), {"type": "error", "error": {"type": "overloaded_error", "message": "@"}}],
}  # fmt: skip


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return a message as a stream of events whose texts are cut."""
    end = {"stop_reason", "stop_sequence", "stop_details"}
    told = {name: value for name, value in whole.items() if name in end}
    cut = message_events({**whole, **told}, size)
    return [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in cut]


def ending(answer: Answer) -> str:
    """Tell how a message ended."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return _stopped(answer.json)
    kinds = [frame["type"] for frame in answer.frames]
    if kinds[-1] == "error":
        return "error"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop")
    return _stopped(answer.frames[-2]["delta"])


def _stopped(end: dict[str, Any]) -> str:
    """Tell whether a message ended because of our policy: a model may refuse too."""
    details = end.get("stop_details")
    ours = isinstance(details, dict) and details.get("explanation") in WORDS
    return "stop" if ours and end["stop_reason"] == "refusal" else ""


MESSAGES = Api("/v1/messages", ASKS, message("Hello."), ANSWERS, asking(HI), frames, ending)
COUNT = Api(
    "/v1/messages/count_tokens",
    {
        place: ask
        for place, ask in ASKS.items()
        if not place.startswith("user, ")
        or place.startswith(tuple(f"user, {short}" for short in (*BLOCKS, *SHORT)))
    },
    {"input_tokens": 3},
    {
        "upstream's error": Failure(
            400, {"type": "error", "error": {"type": "invalid_request_error", "message": "@"}}
        ),
        "field input_tokens": {"input_tokens": "@"},
        "context_management": {"input_tokens": 3, "context_management": {"a": "@"}},
        "unknown field": {"input_tokens": 3, "x_new": "@"},
    },
    asking(HI),
)
