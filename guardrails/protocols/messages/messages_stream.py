"""The events of a streamed message (Anthropic's API): read for a relay, and written where a message is cut short.

Texts of blocks grow, and are joined as `protocols/messages/messages_fields.py` joins them. What else a block says is judged as
it comes; calls of tools wait for the end of the message, and so does why it ended. What no message holds is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guardrails.protocols.messages.messages_fields import CALLS, OWN
from guardrails.protocols.streaming.codec import Event, EventReading
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage
from guardrails.wire.lossless_json import write
from guardrails.wire.pointers import Path, pointer

DELTAS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "text_delta": ("text", "text", ("text",)),
    "thinking_delta": ("thinking", "thinking", ("thinking",)),
    "input_json_delta": ("partial_json", "input", CALLS),
    "signature_delta": ("signature", "signature", ("thinking",)),
    "compaction_delta": ("content", "content", ("compaction",)),
}
"""Type of a delta → its field, the field of the block that grows by it, and the types of blocks that have that."""

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ping": ("type",),
    "message_start": ("type", "message"),
    "content_block_start": ("type", "index", "content_block"),
    "content_block_delta": ("type", "index", "delta"),
    "content_block_stop": ("type", "index"),
    "message_delta": ("type", "delta", "usage", "context_management"),
    "message_stop": ("type",),
}
"""Type of an event → its fields that a message holds."""

MESSAGE_END: Final = ("stop_reason", "stop_sequence", "stop_details", "container")
"""What the delta of a message tells."""

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
class _Block:
    """A block, as it came: its type, its own text where that grows, and whether that is signed."""

    kind: str
    grown: StreamedText | None = None
    signed: bool = False

    @property
    def is_dropped(self) -> bool:
        """Whether a policy leaves it out of a whole message (`engine.messages.changed`)."""
        return self.signed and self.grown is not None and self.grown.final != self.grown.came


class MessagesCodec:
    """One message. Its events were taken by the assembler before, which raises for what is malformed or out of order."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._ended = False
        self._head: Mapping[str, Any] | None = None
        self._told: list[dict[str, Any]] = []
        """The blocks as a client has them, but for their own texts."""
        self._open = False
        self._spoke = False

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event."""
        data = _only(data, FIELDS[data["type"]])
        match data["type"]:
            case "message_start":
                return EventReading(data, rest=_without(data["message"], "content"))
            case "content_block_start":
                return self._start(data, begin)
            case "content_block_delta":
                return self._delta(data, data["delta"]["type"])
            case "content_block_stop":
                grown = self._blocks[-1].grown
                return EventReading(data, closes=() if grown is None else (grown,))
            case "message_delta":
                return self._end(data)
            case other:
                return EventReading(data, passes=other == "ping")

    def _start(self, data: dict[str, Any], begin: Callable[..., StreamedText]) -> EventReading:
        block = data["content_block"]
        kind = block["type"]
        self._blocks.append(_Block(kind))
        if kind not in TEXT_DELTA:
            return (
                EventReading(data, waits=True)
                if kind in CALLS
                else EventReading(data, rest={"content": [block]})
            )
        name = _own(block)
        path: Path = ("content", len(self._blocks) - 1, name)
        place = Place(Stage.OUTPUT, role="assistant", path=pointer(path))
        # Texts follow after thoughts that may go on behind them: they are not held until that is known.
        joined, passing = ((READ, ALL), ()) if kind == READ else ((ALL,), (kind,))
        grown = begin(path, place, *joined, passing=passing, shown=kind == READ)
        self._blocks[-1].grown = grown
        item = EventReading(data, rest={"content": [block]})
        if isinstance(block.get(name), str):
            item.grows = ((grown, ("content_block", name)),)
            item.rest = {"content": [_without(block, name)]}
        if kind == "thinking" and block.get("signature"):
            self._sign(item, grown, ("content_block", "signature"))
        return item

    def _sign(self, item: EventReading, grown: StreamedText, path: Path) -> None:
        """Have an item end the text of the block, which it signs at a path."""
        self._blocks[-1].signed = True
        item.closes, item.spelled = (grown,), ((path, ""),)

    def _delta(self, data: dict[str, Any], kind: str) -> EventReading:
        block = self._blocks[-1]
        name = "citation" if kind == "citations_delta" else DELTAS[kind][0]
        delta = _only(data["delta"], ("type", name))
        data = data if delta is data["delta"] else {**data, "delta": delta}
        if kind == TEXT_DELTA.get(block.kind) and block.grown is not None:
            return EventReading(data, grows=((block.grown, ("delta", name)),), bare=True)
        if block.kind in CALLS:
            return EventReading(data, waits=True)
        told = [delta["citation"]] if name == "citation" else delta[name]
        item = EventReading(data, rest={"content": [{"type": block.kind, _field(name): told}]})
        if name == "signature" and told and block.grown is not None:
            self._sign(item, block.grown, ("delta", name))
        return item

    def _end(self, data: dict[str, Any]) -> EventReading:
        """Read why the message ended; what is said in the wrong place, or said anew, no message holds."""
        anew = self._ended or any(name in data["delta"] for name in ELSEWHERE)
        self._ended = True
        return EventReading(data, waits=True, anew=anew)

    def record_sent(self, event: Event) -> Event:
        """Take note of an event that is sent; clients go by its name, which some servers leave out."""
        data = event.data
        kind = data["type"]
        if kind == "message_start":
            self._head = data["message"]
        elif kind == "content_block_start":
            block = data["content_block"]
            if data["index"] < len(self._told):  # its text began with it, and goes on
                return _grown_by(data["index"], block["type"], block[_own(block)])
            self._told.append(block)
            self._open = True
            self._spoke = self._spoke or block["type"] not in TEXT_DELTA or bool(block.get(_own(block)))
        elif kind == "content_block_delta":
            delta = data["delta"]
            self._spoke = self._spoke or any(value for name, value in delta.items() if name != "type")
            self._told[-1] = _with(self._told[-1], delta)
        elif kind == "content_block_stop":
            self._open = False
        return Event(kind, data, event.raw if event.kind else b"")

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the events that are missing of a message; None where something else was told."""
        whole: list[Any] = [*answer["content"]]
        for index, block in enumerate(self._blocks):
            if block.is_dropped:
                whole.insert(index, None)
        if len(whole) != len(self._blocks):
            return None
        out = [] if self._head is not None else [_begun(answer)]
        for index, told in enumerate(self._told):
            is_open = self._open and index == len(self._told) - 1
            more = _missing(index, told, whole[index], self._blocks[index].grown, is_open=is_open)
            if more is None:
                return None
            out += more
        if self._open:
            out.append(_event("content_block_stop", index=len(self._told) - 1))
        later = [block for block in whole[len(self._told) :] if block is not None]
        for index, block in enumerate(later, len(self._told)):
            out += _written(index, block)
        return [*out, *_ended(answer)]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the events that end a message: in these words, where it said nothing before."""
        message = {**build_refusal(words), **(answer or {})}
        if self._head is None:
            return [*write_events(message)]
        out, last = list[Event](), len(self._told) - 1
        goes_on = self._open and self._told[-1]["type"] == READ
        if goes_on and not self._spoke:
            out.append(_grown_by(last, READ, words))
        if self._open:
            out.append(_event("content_block_stop", index=last))
        if not goes_on and not self._spoke:
            out += _written(last + 1, message["content"][0])
        if answer is None:
            message["usage"] = {"output_tokens": _count(self._head)}
        return [*out, *_ended(message)]


def build_refusal(words: str, head: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a message that refuses in these words, with what may be said of the one in whose place it stands."""
    return {
        "id": "",
        "type": "message",
        "role": "assistant",
        "model": "",
        "usage": {"input_tokens": 0, "output_tokens": 0},
        **(head or {}),
        "content": [{"type": "text", "text": words}],
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": words},
    }


def write_events(message: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole message as events: its start, each block with one delta a field, and why it ended."""
    yield _begun(message)
    for index, block in enumerate(message["content"]):
        yield from _written(index, block)
    yield from _ended(message)


def _begun(message: Mapping[str, Any]) -> Event:
    start = _without(message, *MESSAGE_END)
    return _event(
        "message_start", message={**start, "content": [], "stop_reason": None, "stop_sequence": None}
    )


def _written(index: int, block: Mapping[str, Any]) -> Iterator[Event]:
    begun, deltas = _cut(block)
    yield _event("content_block_start", index=index, content_block=begun)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _ended(message: Mapping[str, Any]) -> Iterator[Event]:
    end = {name: message[name] for name in MESSAGE_END if name in message}
    end = {"stop_reason": None, "stop_sequence": None, **end}
    managed = message.get("context_management")
    more = {} if managed is None else {"context_management": managed}
    yield _event("message_delta", delta=end, usage=message.get("usage") or {"output_tokens": 0}, **more)
    yield _event("message_stop")


def _cut(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return how a block starts, and the deltas that make it whole."""
    begun, deltas = dict(block), list[dict[str, Any]]()
    for kind, (field, name, types) in DELTAS.items():
        value = block.get(name)
        if block.get("type") not in types or value is None:
            continue
        if name == "input":
            text = value if isinstance(value, str) else write(value)
            begun[name], grown = {}, text
        elif isinstance(value, str):
            begun[name], grown = "", value
        else:
            continue
        if grown:
            deltas.append({"type": kind, field: grown})
    if block.get("type") == "text" and isinstance(block.get("citations"), list):
        begun["citations"] = []
        deltas = [*map(_cited, block["citations"]), *deltas]
    return begun, deltas


def _cited(citation: Any) -> dict[str, Any]:
    return {"type": "citations_delta", "citation": citation}


def _missing(
    index: int,
    told: Mapping[str, Any],
    whole: Mapping[str, Any] | None,
    grown: StreamedText | None,
    *,
    is_open: bool,
) -> list[Event] | None:
    """Return the deltas that are missing of a block that was begun, None where something else was told of it.

    Args:
        index: of the block.
        told: as a client has it, but for its own text.
        whole: as it is to be; None: all but its own text is as it was told.
        grown: its own text.
        is_open: whether anything may be added.
    """
    rest: str | None = ""
    if grown is not None:
        rest = grown.rest() if is_open else "" if grown.told == grown.final else None
    if rest is None:
        return None
    out = [_grown_by(index, told["type"], rest)] if rest else []
    if whole is None:
        return out
    apart = [_own(told)] if isinstance(whole.get(_own(told)), str) else []
    before, now = told.get("citations") or [], whole.get("citations") or []
    if isinstance(before, list) and isinstance(now, list) and now[: len(before)] == before:
        cited = (_cited(each) for each in now[len(before) :])
        out = [*(_event("content_block_delta", index=index, delta=delta) for delta in cited), *out]
        apart.append("citations")
    if whole.get("signature") and not told.get("signature"):
        signed = {"type": "signature_delta", "signature": whole["signature"]}
        out.append(_event("content_block_delta", index=index, delta=signed))
        apart.append("signature")
    same = _without(told, *apart) == _without(whole, *apart)
    return out if same and (is_open or not out) else None


def _event(kind: str, **fields: Any) -> Event:
    return Event(kind, {"type": kind, **fields})


def _own(block: Mapping[str, Any]) -> str:
    """Return the field with a block's own text."""
    return OWN.get(block["type"], ("",))[0]


def _grown_by(index: int, kind: str, text: str) -> Event:
    """Return the event by which the own text of a block of a type grows."""
    delta = {"type": TEXT_DELTA[kind], DELTAS[TEXT_DELTA[kind]][0]: text}
    return _event("content_block_delta", index=index, delta=delta)


def _with(block: dict[str, Any], delta: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block with what a delta tells of it besides its text."""
    if delta["type"] == "citations_delta":
        return {**block, "citations": [*(block.get("citations") or ()), delta["citation"]]}
    return {**block, "signature": delta["signature"]} if delta["type"] == "signature_delta" else block


def _field(name: str) -> str:
    """Return the field of a block that a field of a delta is about."""
    return "citations" if name == "citation" else name


def _only(mapping: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a mapping without fields of other names; itself if it has none."""
    known = mapping.keys() <= {*names}
    return mapping if known else {name: mapping[name] for name in names if name in mapping}


def _without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


def _count(head: Mapping[str, Any]) -> int:
    """Return how many tokens a message cost, as far as its start knows."""
    count = (head.get("usage") or {}).get("output_tokens")
    return count if type(count) is int else 0
