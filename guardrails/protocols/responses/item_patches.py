"""What the events of a streamed response change of it, as patches of the whole response.

The last event holds all of it. Some servers leave out of it what they have sent as items: these are built of the events before
it, as far as they were told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.protocols.responses.event_kinds import (
    EventKind,
    Slot,
    index_of,
    parts_of,
    require_mapping,
    require_text,
    slot_of,
)
from guardrails.protocols.streaming.codec import Patch, malformed_event
from guardrails.wire.pointers import Path


class ItemPatches:
    """The items of one response, of which events may tell in any order."""

    def __init__(self) -> None:
        self._items: dict[int, Mapping[str, Any]] = {}
        self._open: set[int] = set()
        """Items of which no event told all yet."""
        self._parts: set[Slot] = set()

    def read(self, kind: EventKind, data: dict[str, Any]) -> list[Patch]:
        """Return what an event changes. Of a piece of a text that is where it begins, if it is the first of its part.

        Raises:
            BackendError: it is malformed.
        """
        match kind.what:
            case "item":
                return self._item(kind, data)
            case "delta" | "part" | "text" | "note":
                return self._within(kind, data, slot_of(kind, data))
            case "last":
                return [*self._whole(require_mapping(data, "response"))]
            case _:
                return []

    def append(self, kind: EventKind, data: dict[str, Any]) -> list[Patch]:
        """Return what a piece of a text changes that does not go on as a text that grows."""
        slot, piece = slot_of(kind, data), require_text(data, "delta")
        goes_on = slot[0] in self._open and slot in self._parts
        return [Patch("append", ("output", *slot, kind.name), piece)] if goes_on else []

    def _item(self, kind: EventKind, data: dict[str, Any]) -> list[Patch]:
        index, item = index_of(data), require_mapping(data, "item")
        if index in self._items:  # it is another one now
            self._parts = {slot for slot in self._parts if slot[0] != index}
        self._items[index] = item
        if kind.ends:
            self._open.discard(index)
        else:
            self._open.add(index)
        self._parts.update((index, list_, position) for list_, position, _ in parts_of(item))
        return [Patch("set", ("output", index), item)]

    def _within(self, kind: EventKind, data: dict[str, Any], slot: Slot) -> list[Patch]:
        """Return what an event changes within a part; nothing unless its item was announced and goes on."""
        path: Path = ("output", *slot)
        said = require_text(data, kind.name) if kind.what == "text" else ""
        if slot[0] not in self._open:
            return []
        known = slot in self._parts
        if kind.what == "note":
            note = [data.get("annotation")]
            return [Patch("append", (*path, "annotations"), note)] if known else []
        self._parts.add(slot)
        if kind.what == "part":
            return [Patch("set", path, data.get("part"))]
        begun = [] if known else [Patch("set", path, {"type": kind.type, kind.name: ""})]
        return [*begun, Patch("set", (*path, kind.name), said)] if kind.what == "text" else begun

    def _whole(self, response: dict[str, Any]) -> Iterator[Patch]:
        """Yield what the last event changes, which holds the response."""
        output = response.get("output") or []
        if response.get("object", "response") != "response" or not isinstance(output, list):
            raise malformed_event("response")
        if not all(isinstance(item, dict) for item in output):
            raise malformed_event("response")
        if output or not self._items:
            yield Patch("set", (), {**response, "output": output})
            return
        for name, value in response.items():
            if name != "output":
                yield Patch("set", (name,), value)
        for index, item in self._items.items():
            if index in self._open and "status" in item:
                yield Patch("set", ("output", index, "status"), "incomplete")
