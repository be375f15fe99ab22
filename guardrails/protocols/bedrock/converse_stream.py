"""The events of a streamed answer of Bedrock's Converse API: read for a relay, and written where an answer is cut short.

An event has one field, which says what it is. Texts and thoughts grow; calls of tools, and why it ended, wait for its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from guardrails.engine.values.writer import find_value, nest_value
from guardrails.protocols.streaming.codec import Event, EventReading, Patch, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage
from guardrails.wire.lossless_json import write
from guardrails.wire.pointers import Path, pointer

CONTENT: Final[Path] = ("output", "message", "content")
TEXT: Final[Path] = ("text",)
THOUGHT: Final[Path] = ("reasoningContent", "reasoningText", "text")
DELTAS: Final[Mapping[Path, Path]] = {TEXT: TEXT, THOUGHT: ("reasoningContent", "text")}
"""Where a text of a block that grows stands in it → where a piece of it stands in a delta."""

STOPPED: Final = "guardrail_intervened"
"""Why an answer ended that was stopped, as Bedrock's own guardrails say it."""

NOTHING: Final = {
    "usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0},
    "metrics": {"latencyMs": 0},
}


def build_refusal(words: str, head: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an answer that refuses in these words."""
    message = {"role": "assistant", "content": [{"text": words}]}
    return {**NOTHING, **(head or {}), "output": {"message": message}, "stopReason": STOPPED}


class ConverseCodec:
    """One answer.

    Attributes:
        is_finished: whether it said why it ended.
    """

    def __init__(self) -> None:
        self.is_finished = False
        self._kinds: list[Path] = []
        """Where the text of each block stands that grows; of others nowhere."""
        self._texts: dict[int, StreamedText] = {}
        self._began = False
        self._told = 0
        self._open = False
        self._spoke = False

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event."""
        [name, said] = next(iter(data.items())) if len(data) == 1 else ("", None)
        if not isinstance(said, Mapping):
            raise malformed_event("event with more than one field")
        match name:
            case "messageStart":
                begun = {"role": said.get("role")}
                return EventReading(
                    _exactly(data, {name: begun}),
                    [Patch("set", ("output",), {"message": {**begun, "content": []}})],
                    rest={"output": {"message": begun}},
                )
            case "contentBlockStart":
                return self._start(data, said)
            case "contentBlockDelta":
                return self._delta(data, said, begin)
            case "contentBlockStop":
                index = self._index(said)
                grown, data = self._texts.get(index), _exactly(data, {name: {"contentBlockIndex": index}})
                return EventReading(data, closes=(grown,) if grown else (), waits=grown is None)
            case "messageStop":
                self.is_finished = True
                patches = [Patch("set", (field,), value) for field, value in said.items()]
                return EventReading(data, patches, waits=True)
            case "metadata":
                patches = [Patch("set", (field,), value) for field, value in said.items()]
                return EventReading(data, patches, waits=True, is_last=True)
            case _:
                raise malformed_event("event of an unknown type")

    def _index(self, said: Mapping[str, Any], *, new: bool = False) -> int:
        index = said.get("contentBlockIndex")
        most = len(self._kinds) if new else len(self._kinds) - 1
        if type(index) is not int or not len(self._kinds) - 1 <= index <= most or index < 0:
            raise malformed_event("event of a block: it has no index, or comes out of order")
        return index

    def _start(self, data: dict[str, Any], said: Mapping[str, Any]) -> EventReading:
        index, start = self._index(said, new=True), said.get("start")
        use = start.get("toolUse") if isinstance(start, Mapping) and len(start) == 1 else None
        if index != len(self._kinds) or not isinstance(use, Mapping):
            raise malformed_event("start of a block")
        self._kinds.append(())
        data = _exactly(data, {"contentBlockStart": {"contentBlockIndex": index, "start": {"toolUse": use}}})
        return EventReading(
            data, [Patch("set", (*CONTENT, index), {"toolUse": {**use, "input": ""}})], waits=True
        )

    def _delta(
        self, data: dict[str, Any], said: Mapping[str, Any], begin: Callable[..., StreamedText]
    ) -> EventReading:
        index, delta = self._index(said, new=True), said.get("delta")
        if not isinstance(delta, Mapping) or len(delta) != 1:
            raise malformed_event("delta of a block")
        if index < len(self._kinds) and not self._kinds[index]:
            return self._grow_call(data, delta, index)
        kind = next((kind for kind, at in DELTAS.items() if isinstance(find_value(delta, at), str)), None)
        if kind is None:
            return self._sign(data, delta, index)
        patches = []
        if index == len(self._kinds):
            self._kinds.append(kind)
            place = Place(Stage.OUTPUT, role="assistant", path=pointer((*CONTENT, index, *kind)))
            joined, passing = (("text", "all"), ()) if kind == TEXT else (("all",), ("thought",))
            path = (*CONTENT, index, *kind)
            self._texts[index] = begin(path, place, *joined, passing=passing, shown=kind == TEXT)
            patches = [Patch("set", (*CONTENT, index), nest_value(kind, ""))]
        if self._kinds[index] != kind:
            raise malformed_event("delta of a block of another kind")
        grows = ((self._texts[index], ("contentBlockDelta", "delta", *DELTAS[kind])),)
        data = _delta_event(data, index, nest_value(DELTAS[kind], find_value(delta, DELTAS[kind])))
        return EventReading(data, patches, grows=grows, bare=True)

    def _grow_call(self, data: dict[str, Any], delta: Mapping[str, Any], index: int) -> EventReading:
        piece = find_value(delta, ("toolUse", "input"))
        if not isinstance(piece, str):
            raise malformed_event("delta of a call of a tool")
        data = _delta_event(data, index, {"toolUse": {"input": piece}})
        return EventReading(data, [Patch("append", (*CONTENT, index, "toolUse", "input"), piece)], waits=True)

    def _sign(self, data: dict[str, Any], delta: Mapping[str, Any], index: int) -> EventReading:
        """Read what is no text of a thought: it goes on once the whole answer is judged."""
        thought = delta.get("reasoningContent")
        if not isinstance(thought, Mapping):
            raise malformed_event("delta of an unknown kind")
        if index == len(self._kinds):
            self._kinds.append(())
            data = _delta_event(data, index, {"reasoningContent": thought})
            return EventReading(
                data, [Patch("set", (*CONTENT, index), {"reasoningContent": thought})], waits=True
            )
        path = (*CONTENT, index, "reasoningContent", "reasoningText", "signature")
        signed = find_value(delta, ("reasoningContent", "signature"))
        data = _delta_event(data, index, {"reasoningContent": {"signature": signed}})
        spelled = ((("contentBlockDelta", "delta", "reasoningContent", "signature"), ""),)
        return EventReading(data, [Patch("append", path, signed)], waits=True, spelled=spelled)

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the stream; raises `BackendError` where the end of the message is missing."""
        if not self.is_finished:
            raise malformed_event("stream, which ended before its end")
        return ()

    def record_sent(self, event: Event) -> Event:
        """Take note of an event that is sent."""
        data = event.data
        self._began = self._began or "messageStart" in data
        for name in ("contentBlockStart", "contentBlockDelta"):
            if name in data:
                self._told, self._open, self._spoke = data[name]["contentBlockIndex"] + 1, True, True
        if "contentBlockStop" in data:
            self._open = False
        return event

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the events that are missing of an answer; None where something else was told."""
        blocks = answer["output"]["message"]["content"]
        out = [] if self._began else [_event("messageStart", role="assistant")]
        for index in range(self._told):
            grown, is_open = self._texts.get(index), self._open and index == self._told - 1
            rest = (
                None
                if grown is None
                else grown.rest()
                if is_open
                else ""
                if grown.told == grown.final
                else None
            )
            if rest is None:
                return None
            if rest:
                out.append(_grown_by(index, self._kinds[index], rest))
        if self._open:
            out.append(_event("contentBlockStop", contentBlockIndex=self._told - 1))
        for index, block in enumerate(blocks[self._told :], self._told):
            out += _written(index, block)
        return [*out, *_ended(answer)]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the events that end an answer: in these words, where it said nothing before."""
        refusal = {**build_refusal(words), **(answer or {})}
        if not self._began:
            return [*write_events(refusal)]
        out = list[Event]()
        if self._open:
            out.append(_event("contentBlockStop", contentBlockIndex=self._told - 1))
        if not self._spoke:
            out += _written(self._told, {"text": words})
        return [*out, *_ended(refusal)]


def write_events(answer: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole answer as events."""
    yield _event("messageStart", role="assistant")
    for index, block in enumerate(answer["output"]["message"]["content"]):
        yield from _written(index, block)
    yield from _ended(answer)


def _written(index: int, block: Mapping[str, Any]) -> Iterator[Event]:
    if (use := block.get("toolUse")) is not None:
        start = {name: value for name, value in use.items() if name != "input"}
        given = use.get("input")
        text = given if isinstance(given, str) else write(given)
        yield _event("contentBlockStart", start={"toolUse": start}, contentBlockIndex=index)
        yield _event("contentBlockDelta", delta={"toolUse": {"input": text}}, contentBlockIndex=index)
    elif isinstance(block.get("text"), str):
        yield _grown_by(index, TEXT, block["text"])
    elif isinstance(find_value(block, THOUGHT), str):
        yield _grown_by(index, THOUGHT, find_value(block, THOUGHT))
        if signed := find_value(block, (*THOUGHT[:-1], "signature")):
            delta = {"reasoningContent": {"signature": signed}}
            yield _event("contentBlockDelta", delta=delta, contentBlockIndex=index)
    elif "reasoningContent" in block:
        delta = {"reasoningContent": block["reasoningContent"]}
        yield _event("contentBlockDelta", delta=delta, contentBlockIndex=index)
    yield _event("contentBlockStop", contentBlockIndex=index)


def _ended(answer: Mapping[str, Any]) -> Iterator[Event]:
    names = ("additionalModelResponseFields",)
    more = {name: answer[name] for name in names if name in answer}
    yield _event("messageStop", stopReason=answer.get("stopReason"), **more)
    told = {name: answer[name] for name in (*NOTHING, "trace") if name in answer}
    yield _event("metadata", **{**NOTHING, **told})


def _event(name: str, **fields: Any) -> Event:
    return Event("", {name: fields})


def _grown_by(index: int, kind: Path, text: str) -> Event:
    return _event("contentBlockDelta", delta=nest_value(DELTAS[kind], text), contentBlockIndex=index)


def _exactly(data: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Return an event that holds what the protocol has there and no more; the one that came if it is that."""
    return data if data == event else event


def _delta_event(data: dict[str, Any], index: int, delta: Any) -> dict[str, Any]:
    return _exactly(data, {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}})
