"""The events of a streamed message (Anthropic's API): as a relay sends them, and written where a message is cut short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.protocols.messages.messages_reader import (
    DELTAS,
    READ,
    TEXT_DELTA,
    MessageReader,
    own_field,
    without,
)
from guardrails.protocols.streaming.codec import Event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.wire.lossless_json import write

MESSAGE_END: Final = ("stop_reason", "stop_sequence", "stop_details", "container")
"""What the delta of a message tells."""


class MessagesCodec(MessageReader):
    """One message."""

    def __init__(self) -> None:
        super().__init__()
        self._head: Mapping[str, Any] | None = None
        self._told: list[dict[str, Any]] = []
        """The blocks as a client has them, but for their own texts."""
        self._open = False
        self._spoke = False

    def record_sent(self, event: Event) -> Event:
        """Take note of an event that is sent; clients go by its name, which some servers leave out."""
        data = event.data
        kind = data["type"]
        if kind == "message_start":
            self._head = data["message"]
        elif kind == "content_block_start":
            block = data["content_block"]
            if data["index"] < len(self._told):  # its text began with it, and goes on
                return _grown_by(data["index"], block["type"], block[own_field(block)])
            self._told.append(block)
            self._open = True
            self._spoke = self._spoke or block["type"] not in TEXT_DELTA or bool(block.get(own_field(block)))
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
        for index, block in enumerate(self.blocks):
            if block.is_dropped:
                whole.insert(index, None)
        if len(whole) != len(self.blocks):
            return None
        out = [] if self._head is not None else [_begun(answer)]
        for index, told in enumerate(self._told):
            is_open = self._open and index == len(self._told) - 1
            more = _missing(index, told, whole[index], self.blocks[index].grown, is_open=is_open)
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
    start = without(message, *MESSAGE_END)
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
    apart = [own_field(told)] if isinstance(whole.get(own_field(told)), str) else []
    before, now = told.get("citations") or [], whole.get("citations") or []
    if isinstance(before, list) and isinstance(now, list) and now[: len(before)] == before:
        cited = (_cited(each) for each in now[len(before) :])
        out = [*(_event("content_block_delta", index=index, delta=delta) for delta in cited), *out]
        apart.append("citations")
    if whole.get("signature") and not told.get("signature"):
        signed = {"type": "signature_delta", "signature": whole["signature"]}
        out.append(_event("content_block_delta", index=index, delta=signed))
        apart.append("signature")
    same = without(told, *apart) == without(whole, *apart)
    return out if same and (is_open or not out) else None


def _event(kind: str, **fields: Any) -> Event:
    return Event(kind, {"type": kind, **fields})


def _grown_by(index: int, kind: str, text: str) -> Event:
    """Return the event by which the own text of a block of a type grows."""
    delta = {"type": TEXT_DELTA[kind], DELTAS[TEXT_DELTA[kind]][0]: text}
    return _event("content_block_delta", index=index, delta=delta)


def _with(block: dict[str, Any], delta: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block with what a delta tells of it besides its text."""
    if delta["type"] == "citations_delta":
        return {**block, "citations": [*(block.get("citations") or ()), delta["citation"]]}
    return {**block, "signature": delta["signature"]} if delta["type"] == "signature_delta" else block


def _count(head: Mapping[str, Any]) -> int:
    """Return how many tokens a message cost, as far as its start knows."""
    count = (head.get("usage") or {}).get("output_tokens")
    return count if type(count) is int else 0
