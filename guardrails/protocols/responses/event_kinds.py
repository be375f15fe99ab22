"""The events of OpenAI's Responses API, as a table; an event in, what it is about out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guardrails.protocols.streaming.codec import malformed_event
from guardrails.wire.pointers import Path

LAST: Final = frozenset(f"response.{status}" for status in ("completed", "incomplete", "failed"))
"""Types of the events that hold the whole response."""

GROWING: Final[Mapping[str, tuple[str, str]]] = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "code_interpreter_call": ("code", "response.code_interpreter_call_code"),
}
"""Type of an item → the field that grows while it is streamed, and the event's type before `.delta` and `.done`."""

PARTS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "output_text": ("message", "content", "text", "response.output_text"),
    "refusal": ("message", "content", "refusal", "response.refusal"),
    "reasoning_text": ("reasoning", "content", "text", "response.reasoning_text"),
    "summary_text": ("reasoning", "summary", "text", "response.reasoning_summary_text"),
}
"""Type of a part → the type and the field of the items with such parts, the field that grows, and the event's type."""

LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "summary": ("summary_index", "response.reasoning_summary_part"),
    "content": ("content_index", "response.content_part"),
}
"""Field of an item with parts → what their index is called, and the type of their events."""

DRAWN: Final = ("partial_image_b64", "background", "output_format", "quality", "size")
"""A picture that is not finished, and what is said of it."""

STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "web_search_call": ("in_progress", "searching", "completed"),
    "file_search_call": ("in_progress", "searching", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "mcp_call": ("in_progress", "completed", "failed"),
    "mcp_list_tools": ("in_progress", "completed", "failed"),
    "compaction": ("compacting",),
}
"""Type of an item → what events tell of how far it is."""

Slot = tuple[int, str, int]
"""Where a part stands: the index of its item, the field of that, and its own index there."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """What a type of event tells.

    Attributes:
        what: it is about: the `head` of a response, or its end (`last`); an `item` or a `part` of it; a piece (`delta`) or all
            (`text`) of a part's text, or a `note` on that; pieces or all of what a tool is called with (`call`); how far a
            hosted tool is (`state`), or what it has drawn by then (`picture`).
        fields: the fields that it may have.
        ends: whether it tells of the end of that.
        type: of the part or the item that grows.
        list: the field of the item in which the part stands.
        name: the field of the part or the item that grows.
    """

    what: str
    fields: tuple[str, ...]
    ends: bool = False
    type: str = ""
    list: str = ""
    name: str = ""


def _row(
    what: str, *fields: str, ends: bool = False, type: str = "", list: str = "", name: str = ""
) -> EventKind:
    at = ("item_id", "output_index") if what not in ("head", "last", "item") else ()
    index = (LISTS[list][0],) if list else ()
    return EventKind(what, ("type", "sequence_number", *at, *index, *fields), ends, type, list, name)


def _kinds() -> Iterator[tuple[str, EventKind]]:
    for status in ("created", "in_progress", "queued"):
        yield f"response.{status}", _row("head", "response")
    for name in LAST:
        yield name, _row("last", "response")
    yield "response.output_item.added", _row("item", "output_index", "item")
    yield "response.output_item.done", _row("item", "output_index", "item", ends=True)
    # The last is vLLM's own.
    for field, event in (
        *((field, event) for field, (_, event) in LISTS.items()),
        ("content", "response.reasoning_part"),
    ):
        yield f"{event}.added", _row("part", "part", list=field)
        yield f"{event}.done", _row("part", "part", "status", ends=True, list=field)
    for type_, (_, field, name, event) in PARTS.items():
        spelled = ("logprobs",) if type_ == "output_text" else ()
        yield (
            f"{event}.delta",
            _row("delta", "delta", "obfuscation", *spelled, type=type_, list=field, name=name),
        )
        yield f"{event}.done", _row("text", name, *spelled, ends=True, type=type_, list=field, name=name)
    yield (
        "response.output_text.annotation.added",
        _row("note", "annotation", "annotation_index", list="content"),
    )
    for type_, (name, event) in GROWING.items():
        yield f"{event}.delta", _row("call", "delta", "obfuscation", type=type_, name=name)
        yield f"{event}.done", _row("call", name, "name", ends=True, type=type_, name=name)
    yield (
        "response.image_generation_call.partial_image",
        _row(
            "picture", *DRAWN, "partial_image_index", name="partial_image_b64", type="image_generation_call"
        ),
    )
    for type_, states in STATES.items():
        for state in states:
            yield f"response.{type_}.{state}", _row("state")


KINDS: Final[Mapping[str, EventKind]] = dict(_kinds())
"""Type of an event → what it tells. What is told otherwise does not go on: nobody here could judge it."""


def index_of(data: Mapping[str, Any], name: str = "output_index") -> int:
    """Return an index that an event must have."""
    index = data.get(name)
    if type(index) is not int or index < 0:
        raise malformed_event(f"event: it has no {name}")
    return index


def slot_of(kind: EventKind, data: Mapping[str, Any]) -> Slot:
    """Return where the part stands that an event is about."""
    return index_of(data), kind.list, index_of(data, LISTS[kind.list][0])


def require_mapping(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object that an event must hold."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise malformed_event(f"event: it has no {name}")
    return value


def require_text(data: Mapping[str, Any], name: str) -> str:
    """Return a text that an event must hold."""
    value = data.get(name)
    if not isinstance(value, str):
        raise malformed_event(f"event: it has no {name}")
    return value


def text_field(part: Any, list_: str, item: Any) -> str:
    """Return the field with the text that grows of a part, by the list in which it stands and the type of the item that has
    that; "" if it has none.
    """
    type_ = part.get("type") if isinstance(part, Mapping) else None
    row = PARTS.get(type_) if isinstance(type_, str) else None
    return (
        row[2] if row is not None and row[:2] == (item, list_) and isinstance(part.get(row[2]), str) else ""
    )


def parts_of(item: Mapping[str, Any]) -> Iterator[tuple[str, int, Any]]:
    """Yield the parts of an item: the field and the index at which each stands, and it."""
    for name in LISTS:
        parts = item.get(name)
        for position, part in enumerate(parts if isinstance(parts, list) else ()):
            yield name, position, part


def find_texts(kind: EventKind, data: Mapping[str, Any]) -> Iterator[tuple[Path, Slot]]:
    """Yield the texts that an event tells as a whole: where each stands in it, and where its part does."""
    match kind.what:
        case "text":
            yield (kind.name,), slot_of(kind, data)
        case "part":
            part = data["part"]
            item = next((row[0] for type_, row in PARTS.items() if type_ == part.get("type")), None)
            if name := text_field(part, kind.list, item):
                yield ("part", name), slot_of(kind, data)
        case "item":
            yield from _texts(data["item"], index_of(data), ("item",))
        case "last":
            for index, item in enumerate(data["response"].get("output") or ()):
                yield from _texts(item, index, ("response", "output", index))
        case _:
            return


def _texts(item: Mapping[str, Any], index: int, at: Path) -> Iterator[tuple[Path, Slot]]:
    for list_, position, part in parts_of(item):
        if name := text_field(part, list_, item.get("type")):
            yield (*at, list_, position, name), (index, list_, position)
