"""The events of a streamed response in, the whole response out, and back: what was streamed is judged.

The last event holds the whole response, and that is what is judged. The events before it show the same in pieces: they are
replayed only where each of their texts stands in the response as well. Otherwise, and where something of it is withheld,
the stream is written anew from the response, with sequence numbers of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.engine.fields import strings
from guardrails.engine.tables import WORD
from guardrails.errors import RequestError
from guardrails.proxy import sse, wire
from guardrails.proxy.assemble import PADDING, whole
from guardrails.proxy.errors import UpstreamAnswer
from guardrails.proxy.upstream import failure_in, invalid

REQUIRED: Mapping[str, Any] = {
    "id": "",
    "object": "response",
    "created_at": 0,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "model": "",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "metadata": {},
    "temperature": None,
    "top_p": None,
    "usage": None,
}
"""Fields that every response has."""

LAST = {f"response.{status}" for status in ("completed", "incomplete", "failed")}
"""Types of the events that hold the whole response."""

BEGUN: Mapping[str, Any] = {
    **dict.fromkeys(("completed_at", "error", "incomplete_details", "usage")),
    "status": "in_progress",
    "output": [],
}
"""What a response says of itself while it is under way."""

PLACE = ("output_index", "content_index", "summary_index")
"""Fields of an event that say which text it is about."""

WORDS = frozenset(
    {
        *(
            "type",
            "sequence_number",
            "response",
            "item",
            "part",
            "item_id",
            "delta",
            "annotation",
            "annotation_index",
        ),
        *("text", "arguments", "input", "code", "refusal", "name", "status", "output", "content", "summary"),
        *(
            "logprobs",
            "annotations",
            "error",
            "usage",
            "incomplete_details",
            "completed_at",
            "encrypted_content",
        ),
        *("queued", "in_progress", "searching", "interpreting", "generating", "calling", *PLACE, ""),
    }
)
"""Words of the protocol that stand in events, but not always in the whole response."""


class Items:
    """Collects the events of one stream."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] | None = None
        self._done: dict[int, dict[str, Any]] = {}
        self._texts: dict[tuple[Any, ...], list[str]] = {}
        self._shown: set[str] = set()
        """Every string of the events but pieces of texts."""
        self._kinds: set[str] = set()
        self._number = -1
        self._exact = True
        self._events: list[bytes] = []

    @property
    def finished(self) -> bool:
        """A response without its last event is none."""
        return False

    def take(self, event: sse.Event) -> bool:
        """Take one event of a stream; returns True at its end."""
        try:
            data = wire.parse(event.data, halves=b".delta" in event.data)
        except RequestError as error:
            raise invalid(f"the upstream sent a malformed event: {error.code}") from None
        kind = data.get("type")
        failure = _failure(data) if kind == "error" else failure_in(event)
        if failure is not None:
            raise failure
        if not isinstance(kind, str) or not kind.startswith("response."):
            raise invalid("the upstream sent an event of an unknown type")
        number = data.get("sequence_number")
        counted = isinstance(number, int) and number > self._number
        self._number = number if isinstance(number, int) else self._number
        self._exact = self._exact and counted and event.type == kind.encode()
        self._events.append(sse.event(event.data, event.type))
        self._kinds.add(kind)
        if kind in LAST:
            self._exact = self._exact and set(data) <= {"type", "response", "sequence_number"}
            self._end(data.get("response"))
            return True
        self._note(kind, data)
        return False

    def answer(self) -> dict[str, Any]:
        """Return the whole response."""
        assert self._whole is not None  # `take` has seen its end
        return self._whole

    def replay(self) -> bytes | None:
        """Return what was taken as a stream, if the response holds all of it."""
        known = {text for _, text, _ in strings(self.answer())} | WORDS | self._kinds
        texts = {whole("".join(pieces)) for pieces in self._texts.values()}
        exact = self._exact and (self._shown | texts) <= known
        return b"".join(self._events) if exact else None

    def _note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Remember what an event shows."""
        rest = {name: value for name, value in data.items() if name not in ("logprobs", PADDING)}
        padding = data.get(PADDING, "")
        self._exact = self._exact and isinstance(padding, str) and WORD.fullmatch(padding) is not None
        if kind.endswith(".delta"):
            piece = rest.pop("delta", None)
            if not isinstance(piece, str):
                raise invalid("the upstream sent a malformed delta")
            place = tuple(str(data.get(name)) for name in PLACE)
            self._texts.setdefault((kind, *place), []).append(piece)
        if kind == "response.output_item.done":
            item, index = data.get("item"), data.get("output_index")
            if not isinstance(item, dict) or type(index) is not int or index < 0:
                raise invalid("the upstream sent a malformed item")
            self._done[index] = item
        self._shown.update(text for _, text, _ in strings(rest))

    def _end(self, response: Any) -> None:
        """Take the whole response. Some servers leave out of it what they have sent as items."""
        if not isinstance(response, dict) or response.get("object", "response") != "response":
            raise invalid("the upstream sent a malformed response")
        output = response.get("output")
        if not output:
            output = [self._done[index] for index in sorted(self._done)]
            self._exact = self._exact and not output
        if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
            raise invalid("the upstream sent a malformed response")
        self._whole = {**response, "output": output}


def _failure(data: Mapping[str, Any]) -> UpstreamAnswer:
    """Return the exception that an error event stands for."""
    inner = data.get("error")
    return UpstreamAnswer(502, {"error": inner if isinstance(inner, Mapping) else {**data, "type": None}})


GROWING: Mapping[str, tuple[str, str]] = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "code_interpreter_call": ("code", "response.code_interpreter_call_code"),
}
"""Type of an item → the field that grows while it is streamed, and the event's type before `.delta` and `.done`."""

PARTS: Mapping[str, tuple[str, str]] = {
    "output_text": ("text", "response.output_text"),
    "refusal": ("refusal", "response.refusal"),
    "reasoning_text": ("text", "response.reasoning_text"),
    "summary_text": ("text", "response.reasoning_summary_text"),
}
"""The same for parts."""

LISTS: Mapping[str, tuple[str, str]] = {
    "summary": ("summary_index", "response.reasoning_summary_part"),
    "content": ("content_index", "response.content_part"),
}
"""Field of an item with parts → what their index is called, and the type of their events."""


def events(response: Mapping[str, Any]) -> Iterator[bytes]:
    """Write a whole response as events, in the order and with the numbers that the protocol demands."""
    for number, (kind, fields) in enumerate(_told({**REQUIRED, **response})):
        data = wire.dump({"type": kind, **fields, "sequence_number": number})
        yield sse.event(data, kind.encode())


def _told(response: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    begun = {**response, **BEGUN}
    begun.pop("output_text", None)
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for index, item in enumerate(response["output"]):
        yield from _item(item, {"output_index": index})
    kind = f"response.{response['status']}"
    yield kind if kind in LAST else "response.completed", {"response": response}


def _item(item: Mapping[str, Any], at: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tell of one item: how it begins, what it grows by, and what it is."""
    begun = dict(item)
    if "status" in item:
        begun["status"] = "in_progress"
    lists = {name: item[name] for name in LISTS if isinstance(item.get(name), list)}
    begun |= {field: [] for field in lists}
    name, event = GROWING.get(str(item.get("type")), ("", ""))
    grows = isinstance(item.get(name), str)
    if grows:
        begun[name] = ""
    yield "response.output_item.added", {**at, "item": begun}
    here = {"item_id": item.get("id") or "", **at}
    if grows:
        yield f"{event}.delta", {**here, "delta": item[name]}
        yield f"{event}.done", {**here, name: item[name]}
    for field, entries in lists.items():
        index, event = LISTS[field]
        for position, part in enumerate(entries):
            yield from _part(part, {**here, index: position}, event)
    yield "response.output_item.done", {**at, "item": item}


def _part(part: Any, at: dict[str, Any], event: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tell of one part of an item."""
    name, kind = PARTS.get(str(part.get("type")), ("", "")) if isinstance(part, Mapping) else ("", "")
    grows = bool(name) and isinstance(part.get(name), str)
    begun = {**part, name: ""} if grows else part
    notes = part.get("annotations") if grows else None
    if isinstance(notes, list):
        begun = {**begun, "annotations": []}
    if grows and "logprobs" in part:
        begun = {**begun, "logprobs": []}
    yield f"{event}.added", {**at, "part": begun}
    if grows:
        spelled = (
            {"logprobs": part.get("logprobs") or []}
            if name == "text" and kind == PARTS["output_text"][1]
            else {}
        )
        yield f"{kind}.delta", {**at, "delta": part[name], **spelled}
        for position, note in enumerate(notes if isinstance(notes, list) else []):
            told = {**at, "annotation_index": position, "annotation": note}
            yield "response.output_text.annotation.added", told
        yield f"{kind}.done", {**at, name: part[name], **spelled}
    yield f"{event}.done", {**at, "part": part}
