"""Reads the events of a streamed message (Anthropic's API): what grows, what is judged, what waits, and what the message becomes.

The order is fixed (a start, blocks one after the other, each with its deltas and its end, the message's delta, the end), so what
comes in another order, or is of a type that no table has, is the upstream's fault and ends the stream. Texts of blocks grow, and
are joined as `protocols/messages/messages_fields.py` joins them. What else a block says is judged as it comes; calls of tools
wait for the end of the message, and so does why it ended. What no message holds is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from guardrails.protocols.messages.messages_fields import CALLS, OWN
from guardrails.protocols.streaming.assembler import has_half_pair
from guardrails.protocols.streaming.codec import EventReading, Patch, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

DELTAS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "text_delta": ("text", "text", ("text",)),
    "thinking_delta": ("thinking", "thinking", ("thinking",)),
    "input_json_delta": ("partial_json", "input", CALLS),
    "signature_delta": ("signature", "signature", ("thinking",)),
    "compaction_delta": ("content", "content", ("compaction",)),
}
"""Type of a delta → its field, the field of the block that grows by it, and the types of blocks that have that."""

FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "ping": frozenset({"type"}),
    "message_start": frozenset({"type", "message"}),
    "content_block_start": frozenset({"type", "index", "content_block"}),
    "content_block_delta": frozenset({"type", "index", "delta"}),
    "content_block_stop": frozenset({"type", "index"}),
    "message_delta": frozenset({"type", "delta", "usage", "context_management"}),
    "message_stop": frozenset({"type"}),
}
"""Type of an event → its fields that a message holds."""

ELSEWHERE: Final = ("content", "usage", "context_management")
"""Fields of a message that other events, or other fields of the event, tell of."""

TEXT_DELTA: Final = {
    types[0]: kind for kind, (_, name, types) in DELTAS.items() if OWN.get(types[0]) == (name,)
}
"""Type of a block whose own text grows → the type of the delta that it grows by."""

READ: Final = "text"
"""The type of the blocks that people read."""

ALL: Final = "all"
"""The name of the text that the own texts of all blocks make up."""


@dataclass(slots=True)
class Block:
    """A block, as it came.

    Attributes:
        begun: how it began.
        kind: its type.
        grown: its own text, where that grows.
        signed: whether that is signed.
        is_closed: whether nothing may follow in it, as its signature came, empty or not.
        has_input: whether some of what a tool is called with came.
    """

    begun: Mapping[str, Any]
    kind: str
    grown: StreamedText | None = None
    signed: bool = False
    is_closed: bool = False
    has_input: bool = False

    @property
    def is_dropped(self) -> bool:
        """Whether a policy leaves it out of a whole message (`engine.messages.changed`)."""
        return self.signed and self.grown is not None and self.grown.final != self.grown.came


class MessageReader:
    """The events of one message.

    Attributes:
        blocks: those that were begun.
        is_finished: whether its last event came.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.is_finished = False
        self._begun = self._in_block = self._ended = False
        self._usage: Mapping[str, Any] = {}

    def read(self, data: dict[str, Any], begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event; `begin` is `Relay.begin`.

        Raises:
            BackendError: it is malformed, unknown, or out of order.
        """
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in FIELDS:
            raise malformed_event("event of an unknown type")
        # Only a delta may hold half of a character.
        if kind != "content_block_delta" and has_half_pair(data):
            raise malformed_event(kind)
        data = _only(data, FIELDS[kind])
        match kind:
            case "content_block_delta":
                return self._delta(data)
            case "message_start":
                return self._start(data)
            case "content_block_start":
                return self._start_block(data, begin)
            case "content_block_stop":
                return self._stop_block(data)
            case "message_delta":
                return self._end(data)
            case "message_stop":
                if not self._ended:
                    raise malformed_event("message_stop")
                self.is_finished = True
                return EventReading(data, is_last=True)
            case _:
                return EventReading(data, passes=True)

    def _start(self, data: dict[str, Any]) -> EventReading:
        message = data.get("message")
        if self._begun or not isinstance(message, dict):
            raise malformed_event("message_start")
        if message.get("type") != "message" or message.get("content") != []:
            raise malformed_event("message_start")
        if not isinstance(message.get("usage"), dict | None):
            raise malformed_event("message_start")
        self._begun, self._usage = True, message.get("usage") or {}
        return EventReading(data, [Patch("set", (), message)], rest=without(message, "content"))

    def _start_block(self, data: dict[str, Any], begin: Callable[..., StreamedText]) -> EventReading:
        begun = data.get("content_block")
        if not self._begun or self._ended or self._in_block or not isinstance(begun, dict):
            raise malformed_event("content_block_start")
        kind, index = begun.get("type"), len(self.blocks)
        if not _is(data.get("index"), index) or not isinstance(kind, str):
            raise malformed_event("content_block_start")
        block, self._in_block = Block(begun, kind), True
        self.blocks.append(block)
        item = EventReading(data, [Patch("set", ("content", index), begun)], rest={"content": [begun]})
        if kind in CALLS:
            item.rest, item.waits = None, True
        if kind not in TEXT_DELTA:
            return item
        name = own_field(begun)
        path: Path = ("content", index, name)
        place = Place(Stage.OUTPUT, role="assistant", path=pointer(path))
        # Texts follow after thoughts that may go on behind them: they are not held until that is known.
        joined, passing = ((READ, ALL), ()) if kind == READ else ((ALL,), (kind,))
        grown = begin(path, place, *joined, passing=passing, shown=kind == READ)
        block.grown = grown
        if isinstance(begun.get(name), str):
            item.grows = ((grown, ("content_block", name)),)
            item.patches = [Patch("set", ("content", index), {**begun, name: ""})]
            item.rest = {"content": [without(begun, name)]}
        if kind == "thinking" and begun.get("signature"):
            block.is_closed = True
            _sign(item, block, grown, ("content_block", "signature"))
        return item

    def _delta(self, data: dict[str, Any]) -> EventReading:
        delta, index = data.get("delta"), len(self.blocks) - 1
        if not self._in_block or not _is(data.get("index"), index) or not isinstance(delta, dict):
            raise malformed_event("content_block_delta")
        kind, block = delta.get("type"), self.blocks[-1]
        if kind == "citations_delta" and block.kind == "text":
            return self._cite(data, delta, block)
        row = DELTAS.get(kind) if isinstance(kind, str) else None
        if row is None or block.kind not in row[2] or not isinstance(delta.get(row[0]), str):
            raise malformed_event("content_block_delta")
        if block.is_closed:
            raise malformed_event("content_block_delta")  # a thought ends with its signature
        name, grows, _ = row
        begun = block.begun.get(grows)
        if begun if grows == "input" else not isinstance(begun, str | None):
            raise malformed_event("content_block_start")
        data, piece, path = _only_in_delta(data, name), delta[name], ("content", index, grows)
        if kind == TEXT_DELTA.get(block.kind) and block.grown is not None:
            return EventReading(data, grows=((block.grown, ("delta", name)),), bare=True)
        if block.kind in CALLS:
            # Where there is nothing to call it with, that is an empty object.
            patches = [] if block.has_input else [Patch("set", path, None if piece else {})]
            block.has_input = block.has_input or bool(piece)
            if block.has_input:
                patches.append(Patch("append", path, piece))
            return EventReading(data, patches, waits=True)
        item = EventReading(data, [Patch("append", path, piece)])
        item.rest = {"content": [{"type": block.kind, name: piece}]}
        block.is_closed = True
        if piece and block.grown is not None:
            _sign(item, block, block.grown, ("delta", name))
        return item

    def _cite(self, data: dict[str, Any], delta: Mapping[str, Any], block: Block) -> EventReading:
        cited, known = delta.get("citation"), block.begun.get("citations")
        if has_half_pair(cited) or not isinstance(cited, dict) or not isinstance(known, list | None):
            raise malformed_event("content_block_delta")
        patch = Patch("append", ("content", len(self.blocks) - 1, "citations"), [cited])
        rest = {"content": [{"type": block.kind, "citations": [cited]}]}
        return EventReading(_only_in_delta(data, "citation"), [patch], rest=rest)

    def _stop_block(self, data: dict[str, Any]) -> EventReading:
        if not self._in_block or not _is(data.get("index"), len(self.blocks) - 1):
            raise malformed_event("content_block_stop")
        self._in_block = False
        grown = self.blocks[-1].grown
        return EventReading(data, closes=() if grown is None else (grown,))

    def _end(self, data: dict[str, Any]) -> EventReading:
        """Read why the message ended; what is said in the wrong place, or said anew, no message holds."""
        delta, usage = data.get("delta"), data.get("usage")
        if not self._begun or self._in_block or not isinstance(delta, dict):
            raise malformed_event("message_delta")
        if not isinstance(usage, dict | None):
            raise malformed_event("message_delta")
        anew = self._ended or any(name in delta for name in ELSEWHERE)
        self._ended = True
        counts = (usage or {}).items()
        self._usage = {
            **self._usage,
            **{name: n for name, n in counts if n is not None or name not in self._usage},
        }
        told = {**without(delta, "content"), **without(data, "type", "delta"), "usage": self._usage}
        return EventReading(
            data, [Patch("set", (name,), value) for name, value in told.items()], waits=True, anew=anew
        )

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the stream; raises `BackendError` before that of the message."""
        if not self.is_finished:
            raise malformed_event("stream, which ended before its end")
        return ()


def _sign(item: EventReading, block: Block, grown: StreamedText, path: Path) -> None:
    """Have an item end the own text of a block, which it signs at a path."""
    block.signed = True
    item.closes, item.spelled = (grown,), ((path, ""),)


def own_field(block: Mapping[str, Any]) -> str:
    """Return the field with a block's own text."""
    return OWN.get(block["type"], ("",))[0]


def without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return a mapping without some fields."""
    return {name: value for name, value in mapping.items() if name not in names}


def _is(value: Any, index: int) -> bool:
    return type(value) is int and value == index


def _only(mapping: dict[str, Any], names: Set[str]) -> dict[str, Any]:
    """Return a mapping without fields of other names; itself if it has none."""
    known = mapping.keys() <= names
    return mapping if known else {name: value for name, value in mapping.items() if name in names}


def _only_in_delta(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an event with nothing but one field in its delta; itself if it has no other."""
    delta = _only(data["delta"], {"type", name})
    return data if delta is data["delta"] else {**data, "delta": delta}
