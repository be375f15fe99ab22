"""OpenAI's Responses API: how it is read, how its stream is put together, and how a block is answered in kind.

A stream says every text several times: in pieces, and as a whole in what closes a part, an item, and the response. All of
these are held against one another, so that what is judged is what any reader of the stream gets.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.backends.answers import broken
from guardrails.backends.events import Event
from guardrails.backends.exchange import Api, Body
from guardrails.backends.grown import Grown
from guardrails.engine import responses, subject
from guardrails.engine.subject import Subject
from guardrails.engine.tables import WORD

MOST = 4096
"""Items of a response, parts of an item, annotations of a part."""

STATES = ("created", "queued", "in_progress", "completed", "failed", "incomplete")
PARTS = {"content_part": ("content", "content_index"), "reasoning_summary_part": ("summary", "summary_index")}
PIECES: Mapping[str, tuple[str, str]] = {
    "output_text": ("content_part", "text"),
    "refusal": ("content_part", "refusal"),
    "reasoning_text": ("content_part", "text"),
    "reasoning_summary_text": ("reasoning_summary_part", "text"),
    "function_call_arguments": ("", "arguments"),
    "mcp_call_arguments": ("", "arguments"),
    "custom_tool_call_input": ("", "input"),
    "code_interpreter_call_code": ("", "code"),
}
"""What comes in deltas: of which part ("" of the item itself), and the field there."""

QUIET = re.compile(
    r"response\.(?:web_search_call|file_search_call|code_interpreter_call|image_generation_call|mcp_call|mcp_list_tools)"
    r"\.(?:in_progress|searching|interpreting|generating|completed|failed)|response\.compaction\.compacting"
)
"""Events that tell of progress and hold no text."""

INDEXES = ("sequence_number", "output_index", "content_index", "summary_index", "annotation_index")
WORDS = ("item_id", "obfuscation")
FINAL = {"completed": "response.completed", "failed": "response.failed"}


def request(body: Body) -> Subject:
    """Read a request."""
    return subject.body(body, responses.request(body), responses.changed)


def response(body: Body) -> Subject:
    """Read a response."""
    return subject.body(body, responses.response(body), responses.changed)


def joined(events: Sequence[Body]) -> Grown:
    """Put the events of a response together.

    Raises:
        BackendError: one is malformed, or of no known type.
    """
    whole = Grown()
    for at, event in enumerate(events):
        kind = event.get("type")
        if not isinstance(kind, str):
            raise broken("an event of its stream has no type")
        taken = _take(whole, kind.removeprefix("response."), event, at)
        for name, value in event.items():
            known = name == "type" or (name in INDEXES and type(value) is int)
            if name in taken or known:
                continue
            if name not in WORDS or not isinstance(value, str) or WORD.fullmatch(value) is None:
                whole.grow(name, value, (at, (name,)))
    return whole


def _take(whole: Grown, kind: str, event: Body, at: int) -> tuple[str, ...]:
    """Take what an event says of the response; return the fields that said it."""
    subject, _, step = kind.rpartition(".")
    if kind in STATES:
        whole.copy(_mapping(event, "response"), (at, ("response",)))
        return ("response",)
    if kind in ("output_item.added", "output_item.done"):
        _item(whole, event).copy(_mapping(event, "item"), (at, ("item",)))
        return ("item",)
    if subject in PARTS and step in ("added", "done"):
        _part(whole, event, subject).copy(_mapping(event, "part"), (at, ("part",)))
        return ("part",)
    if subject in PIECES and step in ("delta", "done"):
        return _piece(whole, event, at, *PIECES[subject], step)
    if kind == "output_text.annotation.added":
        notes = _part(whole, event, "content_part").field("annotations")
        notes.detached = True
        notes.slot(_index(event, "annotation_index")).copy(
            _mapping(event, "annotation"), (at, ("annotation",))
        )
        return ("annotation",)
    if kind != "error" and QUIET.fullmatch(f"response.{kind}") is None:
        raise broken("its stream has an event of no known type")
    return ()


def _piece(whole: Grown, event: Body, at: int, of: str, name: str, step: str) -> tuple[str, ...]:
    target = _part(whole, event, of) if of else _item(whole, event)
    said = "delta" if step == "delta" else name
    if step == "delta":
        target.field(name).add(event.get(said), (at, (said,)))
    else:
        target.field(name).copy(event.get(said), (at, (said,)))
    if "logprobs" in event:
        target.grow("logprobs", event["logprobs"], (at, ("logprobs",)))
    return (said, "logprobs")


def _item(whole: Grown, event: Body) -> Grown:
    return whole.field("output").slot(_index(event, "output_index"))


def _part(whole: Grown, event: Body, of: str) -> Grown:
    name, index = PARTS[of]
    return _item(whole, event).field(name).slot(_index(event, index))


def _index(event: Body, name: str) -> int:
    index = event.get(name)
    if type(index) is not int or not 0 <= index < MOST:
        raise broken(f"an event of its stream has no {name}")
    return index


def _mapping(event: Body, name: str) -> Body:
    value = event.get(name)
    if not isinstance(value, Mapping):
        raise broken(f"an event of its stream has no {name}")
    return value


def refusal(message: str, body: Body, answer: Body) -> dict[str, Any]:
    """Answer a request with a message alone; `answer` is what was stopped."""
    item = {
        "id": "msg_" + os.urandom(12).hex(),
        "type": "message",
        "role": "assistant",
        "status": "incomplete",
        "content": [{"type": "refusal", "refusal": message}],
    }
    return {
        "id": answer.get("id") or "resp_" + os.urandom(12).hex(),
        "object": "response",
        "created_at": answer.get("created_at") or int(time.time()),
        "status": "incomplete",
        "error": None,
        "incomplete_details": {"reason": "content_filter"},
        "instructions": None,
        "metadata": {},
        "model": answer.get("model") or body.get("model", ""),
        "output": [item],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        **({"usage": answer["usage"]} if "usage" in answer else {}),
    }


def split(answer: Body) -> list[Event]:
    """Cut a response into the events of its stream."""
    opened = {**answer, "status": "in_progress", "incomplete_details": None, "output": []}
    events: list[dict[str, Any]] = [
        {"type": f"response.{each}", "response": opened} for each in STATES[0:3:2]
    ]
    for index, item in enumerate(answer.get("output") or ()):
        events += _of_item({"output_index": index}, item)
    last = FINAL.get(str(answer.get("status")), "response.incomplete")
    events.append({"type": last, "response": dict(answer)})
    return [Event(event["type"], {**event, "sequence_number": at}) for at, event in enumerate(events)]


def _of_item(head: dict[str, Any], item: Body) -> list[dict[str, Any]]:
    parts = item.get("content") if item.get("type") == "message" else None
    whole = {**item, "status": "in_progress"} if "status" in item else dict(item)
    first = {**whole, "content": []} if isinstance(parts, list) else {**whole}
    told = [name for name in ("arguments", "input") if isinstance(item.get(name), str)]
    first |= dict.fromkeys(told, "")
    events = [{"type": "response.output_item.added", **head, "item": first}]
    here = {"item_id": item.get("id", ""), **head}
    for at, part in enumerate(parts if isinstance(parts, list) else ()):
        events += _of_part({**here, "content_index": at}, part)
    for name in told:
        kind = {"function_call": "function_call_arguments", "mcp_call": "mcp_call_arguments"}
        subject = kind.get(str(item.get("type")), "custom_tool_call_input")
        events += _deltas(here, subject, name, item[name])
    events.append({"type": "response.output_item.done", **head, "item": dict(item)})
    return events


def _of_part(head: dict[str, Any], part: Body) -> list[dict[str, Any]]:
    name = "refusal" if part.get("type") == "refusal" else "text"
    opened = {**part, name: "", **({"annotations": []} if "annotations" in part else {})}
    kind = "output_text" if name == "text" else name
    return [
        {"type": "response.content_part.added", **head, "part": opened},
        *_deltas(head, kind, name, part.get(name, ""), **({"logprobs": []} if name == "text" else {})),
        {"type": "response.content_part.done", **head, "part": dict(part)},
    ]


def _deltas(head: dict[str, Any], kind: str, name: str, said: Any, **more: Any) -> list[dict[str, Any]]:
    return [
        {"type": f"response.{kind}.delta", **head, "delta": said, **more},
        {"type": f"response.{kind}.done", **head, name: said, **more},
    ]


RESPONSES = Api(request, response, refusal, None, joined, split, done=False)
FETCHED = Api(None, response, refusal, None, joined, split, done=False)
COUNTED = Api(request)
