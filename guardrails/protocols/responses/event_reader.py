"""The events of a streamed response (OpenAI's Responses API), as a relay needs them: an event in, what stands in it out.

Texts of parts grow, and are joined as `protocols/responses/responses_fields.py` joins them. What else an event says is judged
as it comes; calls of tools wait for the end of the response, and so does its end. What says the same as deltas did must be the
same. What fits nowhere (an item that nobody announced, a text that comes whole) waits too, and is told from the whole response,
which is judged then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from guardrails.engine.content.field_readers import spells
from guardrails.engine.values.writer import value_at
from guardrails.protocols.responses.event_kinds import (
    DRAWN,
    GROWING,
    KINDS,
    LISTS,
    PARTS,
    EventKind,
    Slot,
    find_texts,
    index_of,
    parts_of,
    require_mapping,
    require_text,
    slot_of,
    text_field,
)
from guardrails.protocols.responses.item_patches import ItemPatches
from guardrails.protocols.streaming.assembler import has_half_pair
from guardrails.protocols.streaming.codec import (
    PADDING,
    EventReading,
    Patch,
    is_padding,
    malformed_event,
)
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

SPEAKING: Final = frozenset(row[:2] for row in PARTS.values())
"""Types of items whose texts grow, with the fields in which their parts stand."""

HOSTED: Final = (
    "web_search_call", "file_search_call", "mcp_list_tools", "compaction", "image_generation_call",
)  # fmt: skip
"""Types of items that ask nobody to do anything: each goes on once it was judged. Those of other types wait."""

READ: Final = "output_text"
"""The type of the parts that people read."""

SHOWN: Final = "texts"
"""The name of the text that the texts of all messages make up."""

FIT: Final[Mapping[str, Callable[[Any], bool]]] = {
    PADDING: is_padding,
    **dict.fromkeys(("annotation_index", "partial_image_index"), lambda value: type(value) is int),
    "status": lambda value: value in (None, "in_progress", "completed", "incomplete"),
    "logprobs": lambda value: isinstance(value, list | None),
}
"""Field of an event → whether its value is one that the protocol has there."""


class EventReader:
    """The events of one response.

    Attributes:
        is_finished: whether the last came.
        texts: those that grow, by their parts.
        whole: the parts whose text came whole, or out of order: it is told from the whole response.
    """

    def __init__(self) -> None:
        self._begun = self.is_finished = False
        self._patches = ItemPatches()
        self._items: dict[int, Mapping[str, Any]] = {}
        self._done: set[int] = set()
        self._parts: dict[Slot, str] = {}
        self._closed: set[Slot] = set()
        self._latest: dict[str, Slot] = {}
        """Name of a text made of several → the last of these."""
        self._pieces: dict[int, list[str]] = {}
        self._begin: Callable[..., StreamedText] | None = None
        self.texts: dict[Slot, StreamedText] = {}
        self.whole: set[Slot] = set()

    def read(self, data: dict[str, Any], name: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event; `begin` is `Relay.begin`.

        Raises:
            BackendError: it is malformed, of an unknown type, or says something else than the events before it.
        """
        type_ = data.get("type")
        if not isinstance(type_, str) or not type_.startswith("response."):
            raise malformed_event("event of an unknown type")
        if not type_.endswith(".delta") and has_half_pair(data):
            raise malformed_event("event, which holds half a surrogate pair")
        kind = KINDS.get(type_)
        if kind is None:
            return EventReading(data)  # nobody is told of it
        patches, self._begin = self._patches.read(kind, data), begin
        if self._begun or kind.what in ("head", "last"):
            item: EventReading = getattr(self, f"_{kind.what}")(kind, self._fit(kind, data))
        else:
            item = _odd(data)
        if kind.what == "delta" and not item.grows:
            patches += self._patches.append(kind, data)
        item.patches = patches
        return item

    def _fit(self, kind: EventKind, data: dict[str, Any]) -> dict[str, Any]:
        """Return an event without what the protocol does not have there, and with the id of its item."""
        known = {
            name: data[name]
            for name in kind.fields
            if name in data and (name not in FIT or FIT[name](data[name]))
        }
        if "item_id" in known:
            known["item_id"] = self._items.get(index_of(data), {}).get("id") or ""
        same = len(known) == len(data) and known.get("item_id") == data.get("item_id")
        return data if same else known

    def _head(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        response = require_mapping(data, "response")
        if response.get("object", "response") != "response":
            raise malformed_event("response")
        self._begun = True
        if response.get("output"):
            return _odd(data)
        return EventReading(data, rest={name: value for name, value in response.items() if name != "output"})

    def _item(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        index, item = index_of(data), require_mapping(data, "item")
        type_ = require_text(item, "type")
        if index in self._done or (self.type(index) != type_ if kind.ends else index != len(self._items)):
            return _odd(data)
        out = EventReading(data, rest={"output": [without_texts(item)]})
        if not kind.ends:
            self._items[index] = item
            out.waits = _waits(item)
        else:
            self._done.add(index)
            out.ends = tuple({name for type_ in PARTS for name in _joined(type_, index)} - {SHOWN})
            if _waits(item):
                out.rest["output"].insert(0, self._items[index])  # nothing of it was told before
                out.anew = item.get(GROWING.get(type_, ("",))[0]) != self._given(index)
        self._copies(
            out, find_texts(kind, data), {slot for slot in self.texts if kind.ends and slot[0] == index}
        )
        return out

    def _part(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        slot, part = slot_of(kind, data), require_mapping(data, "part")
        type_ = str(part.get("type"))
        fits = self._parts.get(slot) == type_ if kind.ends else self._follows(slot)
        if not fits or not self._is_open(slot):
            return _odd(data)
        self._parts[slot] = type_
        if kind.ends:
            self._closed.add(slot)
        out = EventReading(data, rest=self._within(slot, part))
        self._copies(out, find_texts(kind, data), self.texts.keys() & {slot})
        return out

    def _delta(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        slot, piece = slot_of(kind, data), require_text(data, "delta")
        grown = self._grown(kind, slot)
        if grown is None:
            self.whole.add(slot)
            return _odd(data)
        entries = data.get("logprobs")
        if entries and not spells(entries, piece):
            data, entries = {**data, "logprobs": []}, None
        out = EventReading(data, grows=((grown, ("delta",)),), bare=not entries)
        if entries:
            out.spelled = ((("logprobs",), []),)
            out.rest = self._within(slot, {"type": kind.type, kind.name: piece, "logprobs": entries})
        return out

    def _grown(self, kind: EventKind, slot: Slot) -> StreamedText | None:
        """Return the text that grows in a part, None where none may."""
        if slot in self._closed or slot in self.whole or not self._is_open(slot):
            return None
        if self.type(slot[0]) != PARTS[kind.type][0] or self._parts.get(slot, kind.type) != kind.type:
            return None
        names, grown = _joined(kind.type, slot[0]), self.texts.get(slot)
        latest = [self._latest[name] for name in names if name in self._latest]
        if grown is not None:
            return grown if all(each == slot for each in latest) else None
        if not (slot in self._parts or self._follows(slot)) or any(each > slot for each in latest):
            return None
        self._parts[slot] = kind.type
        self._latest.update(dict.fromkeys(names, slot))
        path: Path = ("output", *slot, kind.name)
        place = Place(Stage.OUTPUT, role="assistant", path=pointer(path))
        assert self._begin is not None  # `read` has it
        self.texts[slot] = self._begin(path, place, *names, shown=kind.type == READ)
        return self.texts[slot]

    def _text(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        slot, text = slot_of(kind, data), require_text(data, kind.name)
        if slot in self._closed or self._parts.get(slot) != kind.type or not self._is_open(slot):
            return _odd(data)
        self._closed.add(slot)
        out = EventReading(data)
        if data.get("logprobs"):
            out.rest = self._within(slot, {"type": kind.type, kind.name: text, "logprobs": data["logprobs"]})
        self._copies(out, find_texts(kind, data), set())
        return out

    def _note(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        slot = slot_of(kind, data)
        if slot not in self.texts or not self._is_open(slot):
            return _odd(data)
        return EventReading(
            data, rest=self._within(slot, {"type": READ, "annotations": [data.get("annotation")]})
        )

    def _call(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        """Read what a tool is called with; it waits as the call does."""
        index, text = index_of(data), require_text(data, kind.name if kind.ends else "delta")
        if self.type(index) != kind.type or index in self._done:
            return _odd(data)
        if not kind.ends:
            self._pieces.setdefault(index, []).append(text)
            return EventReading(data, waits=True)
        name = self._items[index].get("name")
        return EventReading(
            data, waits=True, anew=text != self._given(index) or data.get("name", name) != name
        )

    def _given(self, index: int) -> str | None:
        """Return what a tool is called with, as far as it was told; None if it does not grow."""
        grows = self.type(index) in GROWING
        return "".join(self._pieces.get(index, ())) if grows else None

    def _state(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        """Read how far a hosted tool is."""
        return EventReading(data) if index_of(data) in self._items else _odd(data)

    def _picture(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        """Read a picture as far as it is drawn, which nobody is told of again: the answer has only the finished one."""
        index, drawn = index_of(data), require_text(data, kind.name)
        if self.type(index) != kind.type or index in self._done:
            return _odd(data)
        about: dict[str, Any] = {name: data[name] for name in DRAWN[1:] if name in data}
        rest = {"output": [{"type": kind.type, kind.name: drawn, **about}]}
        return EventReading(data, rest=rest, alone=(kind.name,))

    def _last(self, kind: EventKind, data: dict[str, Any]) -> EventReading:
        self.is_finished = True
        out = EventReading(data, waits=True, is_last=True)
        waiting = {index for index, item in self._items.items() if _waits(item)}
        out.anew = not self._begun or not waiting <= self._done
        if require_mapping(data, "response").get("output"):
            self._copies(out, find_texts(kind, data), {*self.texts})
        else:  # some servers leave out of it what they have sent as items
            out.anew = out.anew or bool(self._items)
        return out

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the stream; raises `BackendError` before that of the response."""
        if not self.is_finished:
            raise malformed_event("stream, which ended before its end")
        return ()

    def _copies(self, item: EventReading, found: Iterable[tuple[Path, Slot]], left: set[Slot]) -> None:
        """Have an item repeat texts as they were told.

        Args:
            item: the item.
            found: where each stands in it, and where its part does.
            left: the texts that it must repeat.

        Raises:
            BackendError: it tells something else.
        """
        for path, slot in found:
            text, grown = value_at(item.data, path), self.texts.get(slot)
            left.discard(slot)
            if grown is not None and slot not in self.whole:
                if text != grown.came:
                    raise malformed_event("event: it repeats a text otherwise")
                item.copies += ((grown, path),)
                item.closes += (grown,)
            elif text:
                self.whole.add(slot)
                item.waits = item.anew = True
        if left:
            raise malformed_event("event: it leaves out a text")

    def type(self, index: int) -> Any:
        """Return the type of an item."""
        return self._items.get(index, {}).get("type")

    def _is_open(self, slot: Slot) -> bool:
        """Tell whether a part may stand there, and its item goes on."""
        return slot[0] not in self._done and (self.type(slot[0]), slot[1]) in SPEAKING

    def _follows(self, slot: Slot) -> bool:
        """Tell whether a part is the next of its list."""
        index, list_, position = slot
        return slot not in self._parts and (position == 0 or (index, list_, position - 1) in self._parts)

    def _within(self, slot: Slot, part: Any) -> dict[str, Any]:
        """Return a part, without its text, as an answer."""
        return {"output": [without_texts({"type": self.type(slot[0]), slot[1]: [part]})]}


def _odd(data: dict[str, Any]) -> EventReading:
    """Return an event that fits nowhere."""
    return EventReading(data, waits=True, anew=True)


def _waits(item: Mapping[str, Any]) -> bool:
    """Tell whether an item waits for the end of the response."""
    return item.get("type") not in (*HOSTED, *(type_ for type_, _ in SPEAKING))


@lru_cache(256)  # each piece of a text asks
def _joined(type_: str, index: int) -> tuple[str, ...]:
    """Return the names of the texts that the text of a part makes up with others, the widest last."""
    item, list_, name, _ = PARTS[type_]
    here = f"{index}/{list_}"
    if item != "message":
        return (here,)
    return (f"{here}/{name}", here, *((SHOWN,) if type_ == READ else ()))


def without_texts(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item without its texts that grow, and without what spells just those."""
    out = {**item, **{name: [*item[name]] for name in LISTS if isinstance(item.get(name), list)}}
    for list_, position, part in parts_of(item):
        name = text_field(part, list_, item.get("type"))
        if not name:
            continue
        left = {**part, name: ""}
        if spells(entries := part.get("logprobs"), part[name]):
            left["logprobs"] = [
                {**each, "token": "", "bytes": []} for each in entries if each.get("top_logprobs")
            ]
        out[list_][position] = left
    return out
