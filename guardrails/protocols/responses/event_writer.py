"""A streamed response of OpenAI's Responses API: events in, what they told of it out; and a response in, the events out that
are missing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.protocols.responses.event_kinds import (
    GROWING,
    KINDS,
    LAST,
    LISTS,
    PARTS,
    EventKind,
    Slot,
    index_of,
    parts_of,
    require_mapping,
    require_text,
    slot_of,
    text_field,
)
from guardrails.protocols.streaming.codec import Event

REQUIRED: Final[Mapping[str, Any]] = {
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

BEGUN: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("completed_at", "error", "incomplete_details", "usage")),
    "status": "in_progress",
    "output": [],
}
"""What a response says of itself while it is under way."""


class SentResponse:
    """What events told of a response."""

    def __init__(self) -> None:
        self.head: dict[str, Any] | None = None
        self.items: dict[int, dict[str, Any]] = {}
        self.parts: dict[Slot, Any] = {}
        self.ended: set[int | Slot] = set()
        """Items and parts that are told whole."""
        self.closed: set[Slot] = set()
        """Parts whose text is told whole."""
        self._texts: dict[Slot, list[str]] = {}

    def add(self, data: Mapping[str, Any]) -> None:
        """Take an event.

        Raises:
            BackendError: it is malformed.
        """
        kind = KINDS.get(data["type"])
        if kind is None:
            return
        match kind.what:
            case "head":
                self.head = require_mapping(data, "response")
            case "item":
                self._item(index_of(data), require_mapping(data, "item"), ends=kind.ends)
            case "part":
                self._part(slot_of(kind, data), data.get("part"), ends=kind.ends)
            case "delta":
                self._text(slot_of(kind, data), kind).append(require_text(data, "delta"))
            case "text":
                self._text(slot_of(kind, data), kind)[:] = [require_text(data, kind.name)]
                self.closed.add(slot_of(kind, data))
            case "note":
                self._note(slot_of(kind, data), data.get("annotation"))
            case _:
                return

    def _item(self, index: int, item: dict[str, Any], *, ends: bool) -> None:
        self.items[index] = item
        if ends:
            self.ended.add(index)
            return
        for list_, position, part in parts_of(item):
            self._part((index, list_, position), part, ends=False)

    def _part(self, slot: Slot, part: Any, *, ends: bool) -> None:
        self.parts[slot] = part
        name = text_field(part, slot[1], self._type_at(slot))
        self._texts[slot] = [part[name]] if name else []
        if ends:
            self.ended.add(slot)

    def _type_at(self, slot: Slot) -> Any:
        """Return the type of the item in which a part stands."""
        return self.items.get(slot[0], {}).get("type")

    def _text(self, slot: Slot, kind: EventKind) -> list[str]:
        if slot not in self.parts:
            self._part(slot, {"type": kind.type, kind.name: ""}, ends=False)
        return self._texts[slot]

    def _note(self, slot: Slot, note: Any) -> None:
        part = self.parts.get(slot)
        if isinstance(part, Mapping):
            self.parts[slot] = {**part, "annotations": [*(part.get("annotations") or ()), note]}

    def notes(self, slot: Slot) -> int:
        """Return how many notes were told on a part."""
        part = self.parts.get(slot)
        return len(part.get("annotations") or ()) if isinstance(part, Mapping) else 0

    def text(self, slot: Slot) -> str:
        """Return what was told of the text of a part."""
        text = "".join(self._texts.get(slot, ()))
        return (
            text
            if text.isascii()
            else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        )

    def output(self) -> list[dict[str, Any]]:
        """Return the items as far as they were told, in their order."""
        slots: dict[tuple[int, str], list[Slot]] = {}
        for slot in sorted(self.parts):
            slots.setdefault(slot[:2], []).append(slot)
        out = []
        for index in sorted(self.items):
            item = self.items[index]
            if index not in self.ended:
                lists = {name: slots[index, name] for name in LISTS if (index, name) in slots}
                parts = {name: [*map(self._as_told, some)] for name, some in lists.items()}
                item = {**item, **parts, **({"status": "incomplete"} if "status" in item else {})}
            out.append(item)
        return out

    def _as_told(self, slot: Slot) -> Any:
        part = self.parts[slot]
        name = text_field(part, slot[1], self._type_at(slot))
        return {**part, name: self.text(slot)} if name else part


def build_refusal(words: str) -> dict[str, Any]:
    """Return an item that refuses in these words."""
    return {
        "id": "msg_refused",
        "type": "message",
        "role": "assistant",
        "status": "incomplete",
        "content": [{"type": "refusal", "refusal": words}],
    }


def write_events(response: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole response as events, in the order and with the numbers that the protocol demands."""
    for number, event in enumerate(write_missing(response, SentResponse())):
        yield Event(event.kind, {**event.data, "sequence_number": number})


def write_missing(response: Mapping[str, Any], told: SentResponse) -> Iterator[Event]:
    """Write the events that are missing of a response, each text of which begins with what was told of it."""
    response = {**REQUIRED, **response}
    if told.head is None:
        begun = {name: value for name, value in {**response, **BEGUN}.items() if name != "output_text"}
        yield _event("response.created", response=begun)
        yield _event("response.in_progress", response=begun)
    for index, item in enumerate(response["output"]):
        if index not in told.ended:
            yield from _item(item, {"output_index": index}, told)
    kind = f"response.{response['status']}"
    yield _event(kind if kind in LAST else "response.completed", response=response)


def _event(kind: str, **fields: Any) -> Event:
    return Event(kind, {"type": kind, **fields})


def _item(item: Mapping[str, Any], at: dict[str, Any], told: SentResponse) -> Iterator[Event]:
    """Tell of one item: how it begins, what it grows by, and what it is."""
    index = at["output_index"]
    begun = {**item, "status": "in_progress"} if "status" in item else dict(item)
    if item.get("type") == "image_generation_call":
        begun["result"] = None  # it is told once
    lists = {name: item[name] for name in LISTS if isinstance(item.get(name), list)}
    begun |= {field: [] for field in lists}
    name, event = GROWING.get(str(item.get("type")), ("", ""))
    grows = isinstance(item.get(name), str)
    if grows:
        begun[name] = ""
    here = {"item_id": item.get("id") or "", **at}
    if index not in told.items:
        yield _event("response.output_item.added", **at, item=begun)
        if grows:
            yield _event(f"{event}.delta", **here, delta=item[name])
            yield _event(f"{event}.done", **here, **{name: item[name]})
    for field, entries in lists.items():
        called, event = LISTS[field]
        for position, part in enumerate(entries):
            name = text_field(part, field, item.get("type"))
            yield from _part(part, name, {**here, called: position}, event, (index, field, position), told)
    yield _event("response.output_item.done", **at, item=item)


def _part(
    part: Any, name: str, at: dict[str, Any], event: str, slot: Slot, told: SentResponse
) -> Iterator[Event]:
    """Tell of one part of an item; `name` is the field that grows."""
    if slot in told.ended:
        return
    known = slot in told.parts
    if not known:
        yield _event(f"{event}.added", **at, part=_begun(part, name))
    if name and slot not in told.closed:
        kind = PARTS[part["type"]][3]
        spelled = {"logprobs": part.get("logprobs") or []} if part["type"] == "output_text" else {}
        before = told.text(slot)
        if part[name] != before or not known:
            cut = {field: [] for field in spelled} if before else spelled
            yield _event(f"{kind}.delta", **at, delta=part[name][len(before) :], **cut)
        notes = part.get("annotations")
        noted = (told.parts[slot].get("annotations") or []) if known else []
        for position, note in enumerate(notes if isinstance(notes, list) else []):
            if note not in noted:
                yield _event(
                    "response.output_text.annotation.added", **at, annotation_index=position, annotation=note
                )
        yield _event(f"{kind}.done", **at, **{name: part[name]}, **spelled)
    yield _event(f"{event}.done", **at, part=part)


def _begun(part: Any, name: str) -> Any:
    """Return a part as it begins."""
    if not name:
        return part
    empty: dict[str, Any] = {field: [] for field in ("annotations", "logprobs") if field in part}
    return {**part, name: "", **empty}
