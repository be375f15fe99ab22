"""The events of a streamed message in, the whole message out, and back: what was streamed is judged.

The order is fixed (a start, blocks one after the other, each with its deltas and its end, the message's delta, the end),
so what comes in another order, or is of a type that no table has, is the upstream's fault and ends the stream. Fields that
no client would take for content are left out when the stream is written again, and never replayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.engine.exact import write
from guardrails.engine.messages import CALLS
from guardrails.errors import RequestError
from guardrails.proxy import sse, wire
from guardrails.proxy.assemble import whole
from guardrails.proxy.upstream import failure_in, invalid

DELTAS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "text_delta": ("text", "text", ("text",)),
    "thinking_delta": ("thinking", "thinking", ("thinking",)),
    "input_json_delta": ("partial_json", "input", CALLS),
    "signature_delta": ("signature", "signature", ("thinking",)),
    "compaction_delta": ("content", "content", ("compaction",)),
}
"""Type of a delta → its field, the field of the block that grows by it, and the types of blocks that have that."""

MESSAGE_END = ("stop_reason", "stop_sequence", "stop_details", "container")
"""What the delta of a message tells."""

FIELDS: Mapping[str, frozenset[str]] = {
    "ping": frozenset({"type"}),
    "message_start": frozenset({"type", "message"}),
    "content_block_start": frozenset({"type", "index", "content_block"}),
    "content_block_delta": frozenset({"type", "index", "delta"}),
    "content_block_stop": frozenset({"type", "index"}),
    "message_delta": frozenset({"type", "delta", "usage", "context_management"}),
    "message_stop": frozenset({"type"}),
}
"""Type of an event → the fields that the answer holds; an event with others is not replayed."""


class Blocks:
    """Collects the events of one stream."""

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None
        self._blocks: list[dict[str, Any]] = []
        self._texts: dict[str, list[str]] | None = None
        """What the open block grows by, by field; None between blocks."""
        self._ended = False
        self._exact = True
        self._events: list[bytes] = []

    @property
    def finished(self) -> bool:
        """A message without its last event is none."""
        return False

    def take(self, event: sse.Event) -> bool:
        """Take one event of a stream; returns True at its end."""
        failure = failure_in(event)
        if failure is not None:
            raise failure
        try:  # only a delta may hold half of a character
            data = wire.parse(event.data, halves=b'"content_block_delta"' in event.data)
        except RequestError as error:
            raise invalid(f"the upstream sent a malformed event: {error.code}") from None
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in FIELDS:
            raise invalid("the upstream sent an event of an unknown type")
        name = kind.encode()
        if event.type not in (b"", name):
            raise invalid("the upstream sent an event of two types")
        self._exact = self._exact and event.type == name and set(data) <= FIELDS[kind]
        self._events.append(sse.event(event.data, name))
        getattr(self, f"_{kind}")(data)
        return kind == "message_stop"

    def answer(self) -> dict[str, Any]:
        """Return the whole message."""
        assert self._message is not None  # `take` has seen its end
        return {**self._message, "content": self._blocks}

    def replay(self) -> bytes | None:
        """Return what was taken as a stream, if the message holds all of it."""
        return b"".join(self._events) if self._exact else None

    def _ping(self, data: Mapping[str, Any]) -> None:
        """A sign of life."""

    def _message_start(self, data: Mapping[str, Any]) -> None:
        message = data.get("message")
        if self._message is not None or not isinstance(message, dict):
            raise _odd("message_start")
        if message.get("type") != "message" or message.get("content") != []:
            raise _odd("message_start")
        self._message = message

    def _content_block_start(self, data: Mapping[str, Any]) -> None:
        block = data.get("content_block")
        if self._message is None or self._ended or self._texts is not None or not isinstance(block, dict):
            raise _odd("content_block_start")
        if not _is(data.get("index"), len(self._blocks)) or not isinstance(block.get("type"), str):
            raise _odd("content_block_start")
        self._blocks.append(dict(block))
        self._texts = {}

    def _content_block_delta(self, data: Mapping[str, Any]) -> None:
        delta = data.get("delta")
        if (
            self._texts is None
            or not _is(data.get("index"), len(self._blocks) - 1)
            or not isinstance(delta, dict)
        ):
            raise _odd("content_block_delta")
        block, kind = self._blocks[-1], delta.get("type")
        if kind == "citations_delta" and block["type"] == "text":
            self._cited(block, delta)
            return
        row = DELTAS.get(kind) if isinstance(kind, str) else None
        if row is None or block["type"] not in row[2] or not isinstance(delta.get(row[0]), str):
            raise _odd("content_block_delta")
        self._exact = self._exact and len(delta) == 2
        self._texts.setdefault(row[1], []).append(delta[row[0]])

    def _cited(self, block: dict[str, Any], delta: Mapping[str, Any]) -> None:
        cited, known = delta.get("citation"), block.get("citations")
        torn = wire.HALF_PAIR.search(write(cited)) is not None
        if torn or not isinstance(cited, dict) or not isinstance(known, list | None):
            raise _odd("content_block_delta")
        self._exact = self._exact and len(delta) == 2
        if known is None:
            block["citations"] = [cited]
        else:
            known.append(cited)

    def _content_block_stop(self, data: Mapping[str, Any]) -> None:
        if self._texts is None or not _is(data.get("index"), len(self._blocks) - 1):
            raise _odd("content_block_stop")
        block = self._blocks[-1]
        for name, texts in self._texts.items():
            begun = block.get(name)
            if name == "input":
                if begun:
                    raise _odd("content_block_start")
                begun = ""
            if not isinstance(begun, str | None):
                raise _odd("content_block_start")
            text = whole("".join((begun or "", *texts)))
            block[name] = text if text or name != "input" else {}
        self._texts = None

    def _message_delta(self, data: Mapping[str, Any]) -> None:
        delta, usage = data.get("delta"), data.get("usage")
        if self._message is None or self._texts is not None or not isinstance(delta, dict):
            raise _odd("message_delta")
        known = self._message.get("usage")
        if not isinstance(usage, dict | None) or not isinstance(known, dict | None):
            raise _odd("message_delta")
        self._ended = True
        counts = {name: value for name, value in (usage or {}).items() if value is not None}
        more = {"context_management": data["context_management"]} if "context_management" in data else {}
        end = {**delta, **more, "usage": self._over(known or {}, counts)}
        self._message = self._over(self._message, end)
        self._exact = self._exact and set(delta) <= set(MESSAGE_END)

    def _over(self, known: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        """Return a mapping with later values; where one replaces what was said, the message does not hold all of it."""
        for name, value in new.items():
            before = known.get(name)
            told = before is not None and not isinstance(before, int | float) and name != "usage"
            self._exact = self._exact and not (told and before != value)
        return {**known, **new}

    def _message_stop(self, data: Mapping[str, Any]) -> None:
        if not self._ended or self._texts is not None:
            raise _odd("message_stop")


def _odd(kind: str) -> Exception:
    return invalid(f"the upstream sent a malformed {kind}, or one out of order")


def _is(value: Any, index: int) -> bool:
    return type(value) is int and value == index


def events(message: Mapping[str, Any]) -> Iterator[bytes]:
    """Write a whole message as events: its start, each block with one delta a field, and why it ended."""
    end = {name: message[name] for name in MESSAGE_END if name in message}
    end = {"stop_reason": None, "stop_sequence": None, **end}
    start = {name: value for name, value in message.items() if name not in MESSAGE_END}
    start |= {"content": [], "stop_reason": None, "stop_sequence": None}
    yield _event("message_start", message=start)
    for index, block in enumerate(message["content"]):
        begun, deltas = _cut(block)
        yield _event("content_block_start", index=index, content_block=begun)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    usage = message.get("usage") or {"output_tokens": 0}
    yield _event("message_delta", delta=end, usage=usage)
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
        cited = [{"type": "citations_delta", "citation": entry} for entry in block["citations"]]
        deltas = [*cited, *deltas]
    return begun, deltas


def _event(kind: str, **fields: Any) -> bytes:
    return sse.event(wire.dump({"type": kind, **fields}), kind.encode())
