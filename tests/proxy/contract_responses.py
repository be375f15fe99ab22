"""Where a text may stand in OpenAI's Responses API, for the contract matrix."""

from __future__ import annotations

import json
from typing import Any

from guardrails.protocols.responses import responses_fields

from .conftest import GROWING, Answer, response, response_events, said
from .contract import Api, Failure

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
HI = {"role": "user", "content": "Hi."}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}
TOOL = {"type": "function", "name": "f", "description": "Does.", "parameters": {"type": "object"}}
PICTURE = {"type": "input_image", "image_url": "https://x.example/p.png"}


def asking(*items: Any, **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"model": "m", "input": [*items], **fields}


def saying(*parts: Any) -> dict[str, Any]:
    """Return a request whose user says these parts."""
    return asking({"role": "user", "content": [*parts]})


def tool(**fields: Any) -> dict[str, Any]:
    """Return a request with a tool."""
    return asking(HI, tools=[{**TOOL, **fields}])


def spoken(**fields: Any) -> dict[str, Any]:
    """Return a message of the assistant with one text part."""
    part = {"type": "output_text", "text": "x", "annotations": [], **fields}
    return {**said("x"), "content": [part]}


def spelling(tokens: list[str], alternatives: list[str], text: str = "x") -> dict[str, Any]:
    """Return a message whose text has log-probabilities."""
    entries = [
        {
            "token": token,
            "logprob": -1.0,
            "bytes": [],
            "top_logprobs": [{"token": other, "logprob": -2.0, "bytes": []} for other in alternatives],
        }
        for token in tokens
    ]
    return spoken(text=text, logprobs=entries)


PARTS: dict[str, Any] = {
    **{f"{kind}": {"type": kind, "text": "@"} for kind in responses_fields.TEXTS},
    "refusal": {"type": "refusal", "refusal": "@"},
    "annotation, title": {
        "type": "output_text", "text": "x", "annotations": [{"type": "url_citation", "title": "@", "url": "u"}],
    },
    "annotation, url": {
        "type": "output_text", "text": "x", "annotations": [{"type": "url_citation", "title": "t", "url": "@"}],
    },
    "annotation, filename": {
        "type": "output_text", "text": "x", "annotations": [{"type": "file_citation", "filename": "@", "index": 0}],
    },
    "annotation, file": {
        "type": "output_text", "text": "x", "annotations": [{"type": "file_path", "file_id": "@", "index": 0}],
    },
    "annotation, unknown field": {
        "type": "output_text", "text": "x", "annotations": [{"type": "url_citation", "x_new": "@"}],
    },
    "unknown field": {"type": "output_text", "text": "x", "x_new": {"a": ["@"]}},
    "name of a field": {"type": "output_text", "text": "x", "@": 1},
    "input_image, url": {"type": "input_image", "image_url": "@"},
    "input_image, data": {"type": "input_image", "image_url": "data:image/png;base64,@"},
    "input_image, file": {"type": "input_image", "file_id": "@"},
    "input_image, detail": {**PICTURE, "detail": "@"},
    "input_image, text": {**PICTURE, "text": "@"},
    "computer_screenshot": {"type": "computer_screenshot", "image_url": "@"},
    "input_file, data": {"type": "input_file", "file_data": "@", "filename": "f.pdf"},
    "input_file, name": {"type": "input_file", "file_id": "f1", "filename": "@"},
    "input_file, url": {"type": "input_file", "file_url": "@"},
    "input_file, id": {"type": "input_file", "file_id": "@"},
    "input_audio": {"type": "input_audio", "input_audio": {"data": "@", "format": "mp3"}},
    "unknown type": {"type": "x_new", "deep": {"a": ["@"]}},
    "name of a type": {"type": "@", "text": "x"},
}  # fmt: skip
"""Parts with a text."""

CALL_FIELDS: dict[str, dict[str, Any]] = {
    "function_call": {"arguments": "@json"},
    "custom_tool_call": {"input": "@"},
    "mcp_call": {"arguments": "@json", "server_label": "s"},
    "mcp_approval_request": {"arguments": "@json", "server_label": "s"},
    "web_search_call": {"action": {"type": "search", "query": "@"}},
    "file_search_call": {"queries": ["@"]},
    "code_interpreter_call": {"code": "@", "container_id": "c"},
    "computer_call": {"action": {"type": "type", "text": "@"}},
    "image_generation_call": {"revised_prompt": "@", "result": None},
    "local_shell_call": {"action": {"type": "exec", "command": ["@"]}},
    "shell_call": {"action": {"commands": ["@"]}},
    "apply_patch_call": {"operation": {"type": "create_file", "path": "p", "diff": "@"}},
    "tool_search_call": {"arguments": {"query": "@"}},
    "program": {"code": "@", "fingerprint": SEALED},
}
"""Type of a call → what it is called with."""

ITEMS: dict[str, Any] = {
    "reasoning, summary": {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "@"}]},
    "reasoning, two summaries": {
        "type": "reasoning", "id": "rs",
        "summary": [{"type": "summary_text", "text": "@<"}, {"type": "summary_text", "text": "@>"}],
    },
    "reasoning, text": {
        "type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "@"}],
    },
    "reasoning, encrypted": {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "@"},
    "compaction": {"type": "compaction", "id": "cmp", "encrypted_content": "@"},
    "compaction_trigger": {"type": "compaction_trigger", "x_new": "@"},
    "item_reference": {"type": "item_reference", "id": "@"},
    **{kind: {"type": kind, "id": "i", "call_id": "c1", "name": "f", **fields} for kind, fields in CALL_FIELDS.items()},
    "call, name": {**CALL, "name": "@"},
    "call, id": {**CALL, "call_id": "@"},
    "call, arguments, no JSON": {**CALL, "arguments": '{"a": "@'},
    "call, arguments, a name": {**CALL, "arguments": {"@": 1}},
    "call, namespace": {**CALL, "namespace": "@"},
    "call, status": {**CALL, "status": "@"},
    "call, unknown field": {**CALL, "x_new": {"a": "@"}},
    "call, its output": {"type": "mcp_call", "id": "i", "name": "f", "server_label": "s", "arguments": "{}", "output": "@"},
    "call, its error": {"type": "mcp_call", "id": "i", "name": "f", "server_label": "s", "arguments": "{}", "error": "@"},
    "call, its results": {"type": "file_search_call", "id": "i", "queries": [], "results": [{"filename": "f", "text": "@"}]},
    "call, logs": {"type": "code_interpreter_call", "id": "i", "code": "x", "outputs": [{"type": "logs", "logs": "@"}]},
    "call, drawn": {"type": "code_interpreter_call", "id": "i", "code": "x", "outputs": [{"type": "image", "url": "@"}]},
    "call, safety checks": {"type": "computer_call", "id": "i", "pending_safety_checks": [{"message": "@"}]},
    "call, picture": {"type": "image_generation_call", "id": "i", "result": "@"},
    "call, fingerprint": {"type": "program", "id": "i", "code": "x", "fingerprint": "@"},
    **{
        kind: {"type": kind, "id": "i", "call_id": "c1", "output": "@"}
        for kind in responses_fields.RESULTS
        if kind not in ("mcp_list_tools", "mcp_approval_response", "additional_tools", "tool_search_output")
    },
    "result, parts": {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "@"}]},
    "result, two parts": {
        "type": "function_call_output", "call_id": "c1",
        "output": [{"type": "input_text", "text": "@<"}, {"type": "input_text", "text": "@>"}],
    },
    "result, a structure": {"type": "shell_call_output", "call_id": "c1", "output": [{"stdout": "@", "stderr": ""}]},
    "result, id": {"type": "function_call_output", "call_id": "@", "output": "x"},
    "result, unknown field": {"type": "function_call_output", "call_id": "c1", "output": "x", "x_new": "@"},
    "mcp_list_tools": {"type": "mcp_list_tools", "id": "i", "server_label": "s", "tools": [{"name": "n", "description": "@"}]},
    "mcp_approval_response": {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True, "reason": "@"},
    "additional_tools": {"type": "additional_tools", "role": "developer", "tools": [{**TOOL, "description": "@"}]},
    "tool_search_output": {"type": "tool_search_output", "call_id": "c1", "tools": [{**TOOL, "description": "@"}]},
    "unknown type": {"type": "x_new", "deep": {"x": ["@"]}},
    "name of a type": {"type": "@", "x": "x"},
}  # fmt: skip
"""Items with a text, but messages."""

ASKS: dict[str, Any] = {
    "instructions": asking(HI, instructions="@"),
    "instructions, an item": asking(HI, instructions=[{"role": "system", "type": "message", "content": "@"}]),
    "a text": {"model": "m", "input": "@"},
    "system": asking({"role": "system", "content": "@"}, HI),
    "developer": asking({"role": "developer", "content": "@"}, HI),
    "user": asking({"role": "user", "content": "@"}),
    "earlier turn": asking({"role": "user", "content": "@"}, said("Oh."), HI),
    "assistant, earlier turn": asking(HI, {"role": "assistant", "content": "@"}, HI),
    "assistant, current turn": asking(HI, {"role": "assistant", "content": "@"}),
    "assistant, log-probabilities": asking(HI, spelling(["@<", "@>"], [])),
    "unknown role": asking(HI, {"role": "@", "content": "x"}),
    "message, unknown field": asking({**HI, "x_new": {"a": ["@"]}}),
    "message, name of a field": asking({**HI, "@": 1}),
    "message, without a type": asking(HI, {"id": "@"}),
    "two parts": saying({"type": "input_text", "text": "@<"}, {"type": "input_text", "text": "@>"}),
    "two parts, a picture between": saying(
        {"type": "input_text", "text": "@<"}, PICTURE, {"type": "input_text", "text": "@>"}
    ),
    **{f"user, part {place}": saying(part) for place, part in PARTS.items()},
    **{
        f"assistant, part {place}": asking(HI, {"type": "message", "role": "assistant", "content": [part]})
        for place, part in PARTS.items()
        if not place.startswith("input_")
    },
    **{f"item {place}": asking(HI, item) for place, item in ITEMS.items()},
    "tool, name": tool(name="@"),
    "tool, description": tool(description="@"),
    "tool, parameter's description": tool(parameters={"properties": {"p": {"description": "@"}}}),
    "tool, parameter's name": tool(parameters={"properties": {"@": {"type": "string"}}}),
    "tool, type": tool(type="@"),
    "tool, unknown field": tool(x_new={"a": "@"}),
    "tool, hosted": asking(HI, tools=[{"type": "web_search", "user_location": {"city": "@"}}]),
    "tool, of a server": asking(
        HI, tools=[{"type": "mcp", "server_label": "s", "server_url": "u", "server_description": "@"}]
    ),
    "tool, authorization": asking(HI, tools=[{"type": "mcp", "server_label": "s", "authorization": "@"}]),
    "tool_choice": asking(HI, tool_choice={"type": "function", "name": "@"}),
    "text, format": asking(HI, text={"format": {"type": "json_schema", "schema": {"title": "@"}}}),
    "prompt, a variable": asking(HI, prompt={"id": "p", "variables": {"a": "@"}}),
    "prompt, a part": asking(HI, prompt={"id": "p", "variables": {"a": {"type": "input_text", "text": "@"}}}),
    "prompt, a name": asking(HI, prompt={"id": "p", "variables": {"@": "x"}}),
    "prompt, id": asking(HI, prompt={"id": "@"}),
    "metadata": asking(HI, metadata={"app": "@"}),
    **{
        f"field {name}": asking(HI, **{name: "@"})
        for name in responses_fields.REQUEST.fields
        if name not in ("input", "stream", "instructions")
    },
    "field stream": asking(HI, stream="@"),
    "field input": {"model": "m", "input": {"a": "@"}},
    "unknown field": asking(HI, x_new={"a": ["@"]}),
    "name of a field": asking(HI, **{"@": 1}),
}

DONE = said("x")


def numbered(*events: Any) -> list[Any]:
    """Return events with their numbers."""
    return [{**each, "sequence_number": number} for number, each in enumerate(events)]


def streamed(*events: Any, whole: dict[str, Any] | None = None) -> list[Any]:
    """Return a stream with these events before its end, which holds a harmless response."""
    begun = {**response(), "status": "in_progress", "usage": None}
    return numbered(
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**DONE, "content": []}},
        *events,
        {"type": "response.output_item.done", "output_index": 0, "item": DONE},
        {"type": "response.completed", "response": whole or response(DONE)},
    )


AT: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
ANSWERS: dict[str, Any] = {
    "text": response("@"),
    "second item": response("x ", "@"),
    "two items": response("@<", "@>"),
    "two items, a call between": response("@<", CALL, "@>"),
    "two parts": response({**said("x"), "content": [said("@<")["content"][0], said("@>")["content"][0]]}),
    "incomplete": response("@", status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    "refusal": response({**said("x"), "content": [{"type": "refusal", "refusal": "@"}]}),
    **{
        f"part {place}": response({**said("x"), "content": [part]})
        for place, part in PARTS.items()
        if place not in ("refusal", *responses_fields.TEXTS) or place == "output_text"
    },
    "message, unknown field": response({**said("x"), "x_new": {"a": ["@"]}}),
    "message, name of a field": response({**said("x"), "@": 1}),
    "message, id": response(said("x", "@")),
    "log-probabilities": response(spelling(["@<", "@>"], [], "@")),
    "log-probabilities of another text": response(spelling(["@<", "@>"], [])),
    "log-probabilities, an alternative": response(spelling(["x"], ["@"])),
    **{f"item {place}": response("x", item) for place, item in ITEMS.items() if place != "call, arguments, a name"},
    "instructions": response("x", instructions="@"),
    "tools": response("x", tools=[{**TOOL, "description": "@"}]),
    "error": response("x", error={"code": "server_error", "message": "@"}),
    "output_text": response("x", output_text="@"),
    "usage, deep": response("x", usage={"input_tokens": 1, "x_new": {"a": "@"}}),
    **{
        f"field {name}": response("x", **{name: "@"})
        for name in responses_fields.ANSWER.fields
        if name not in ("output", "object", "status", "output_text", "instructions")
    },
    "field object": response("x", object="@"),
    "field status": response("x", status="@"),
    "unknown field": response("x", x_new={"a": ["@"]}),
    "name of a field": response("x", **{"@": 1}),
    "upstream's error": Failure(400, {"error": {"message": "@", "type": "invalid_request_error", "param": None, "code": None}}),
    "upstream's error, unknown field": Failure(500, {"error": {"message": "x", "x_new": "@"}, "text": "@"}),
    "streams only: a delta": streamed(
        {"type": "response.output_text.delta", **AT, "delta": "@<", "logprobs": []},
        {"type": "response.output_text.delta", **AT, "delta": "@>", "logprobs": []},
    ),
    "streams only: the end of a text": streamed({"type": "response.output_text.done", **AT, "text": "@", "logprobs": []}),
    "streams only: log-probabilities": streamed(
        {"type": "response.output_text.delta", **AT, "delta": "x", "logprobs": [{"token": "@", "logprob": -1.0, "top_logprobs": []}]},
    ),
    "streams only: padding": streamed({"type": "response.output_text.delta", **AT, "delta": "x", "logprobs": [], "obfuscation": "@"}),
    "streams only: a part": streamed({"type": "response.content_part.added", **AT, "part": {"type": "output_text", "text": "@"}}),
    "streams only: an annotation": streamed(
        {"type": "response.output_text.annotation.added", **AT, "annotation_index": 0, "annotation": {"type": "url_citation", "title": "@"}},
    ),
    "streams only: arguments": streamed(
        {"type": "response.function_call_arguments.delta", "item_id": "i", "output_index": 1, "delta": "@json"},
    ),
    "streams only: reasoning": streamed(
        {"type": "response.reasoning_summary_text.delta", "item_id": "i", "output_index": 1, "summary_index": 0, "delta": "@<"},
        {"type": "response.reasoning_summary_text.delta", "item_id": "i", "output_index": 1, "summary_index": 0, "delta": "@>"},
    ),
    "streams only: a refusal": streamed({"type": "response.refusal.delta", **AT, "delta": "@"}),
    "streams only: an item": streamed(
        {"type": "response.output_item.done", "output_index": 1, "item": {**CALL, "arguments": "@json"}},
    ),
    "streams only: a picture": streamed(
        {"type": "response.image_generation_call.partial_image", "item_id": "i", "output_index": 1, "partial_image_b64": "@", "partial_image_index": 0},
    ),
    "streams only: an unknown event": streamed({"type": "response.x_new", "text": "@"}),
    "streams only: the name of an event": streamed({"type": "response.@"}),
    "streams only: a field of SSE": [": @\n\nid: @\n", *streamed(whole=response("@"))],
    "streams only: items left out at the end": streamed(
        {"type": "response.output_item.done", "output_index": 1, "item": said("@")}, whole=response(),
    ),
    "streams only: an error": numbered(
        {"type": "response.created", "response": {**response(), "status": "in_progress"}},
        {"type": "error", "code": "server_error", "message": "@", "param": None},
    ),
    "streams only: a failure": numbered(
        {"type": "response.created", "response": {**response(), "status": "in_progress"}},
        {"type": "response.failed", "response": response(status="failed", error={"code": "server_error", "message": "@"})},
    ),
}  # fmt: skip


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return a response as a stream of events whose texts are cut. What has no text that grows comes as it is."""
    plain = [item for item in whole["output"] if not _grows(item)]
    shown = {**whole, "output": [item for item in whole["output"] if _grows(item)]}
    ended = shown["status"] if shown["status"] in ("completed", "incomplete", "failed") else "completed"
    events = response_events({**shown, "status": ended}, size)
    others = [
        {"type": f"response.output_item.{word}", "output_index": len(shown["output"]) + at, "item": item}
        for at, item in enumerate(plain)
        for word in ("added", "done")
    ]
    last = {"type": f"response.{ended}", "response": whole}
    told = numbered(*events[:-1], *others, last)
    return [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in told]


def _grows(item: dict[str, Any]) -> bool:
    """Whether an item is streamed in pieces."""
    name = GROWING.get(item["type"], ("",))[0]
    if name:
        return isinstance(item.get(name), str)
    parts = [part for field in ("content", "summary") for part in item.get(field, [])]
    return all(
        isinstance(part.get("refusal" if part["type"] == "refusal" else "text"), str) for part in parts
    )


def ending(answer: Answer) -> str:
    """Tell how a response ended."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return _stopped(answer.json)
    kinds = [frame["type"] for frame in answer.frames]
    if kinds[-1] in ("error", "response.failed") and "error" in kinds:
        return "error"
    numbers = [frame["sequence_number"] for frame in answer.frames]
    assert numbers == sorted(set(numbers))
    assert kinds[-1] in ("response.completed", "response.incomplete", "response.failed")
    return _stopped(answer.frames[-1]["response"])


def _stopped(whole: dict[str, Any]) -> str:
    reason = whole.get("incomplete_details")
    ours = isinstance(reason, dict) and reason.get("reason") == "content_filter"
    if not ours:
        return ""
    assert whole["status"] == "incomplete"
    assert whole["output"][-1]["content"][-1]["type"] == "refusal"
    return "stop"


RESPONSES = Api("/v1/responses", ASKS, response("Hello."), ANSWERS, asking(HI), frames, ending)
