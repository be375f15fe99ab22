"""The events of a streamed answer of Cohere's chat API: read for a relay, and written where an answer is cut short.

Texts and thoughts grow, each in a part of its own; plans, calls of tools, citations and the end wait for the whole verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from guardrails.engine.values.writer import find_value, nest_value
from guardrails.protocols.streaming.codec import Event, EventReading, Patch, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

TEXTS: Final = ("text", "thinking")
"""Types of parts, which are also the fields of their texts."""

STOPPED: Final = "ERROR"
"""Why an answer ended that was stopped: Cohere has no other word for it."""

DELTA: Final[Path] = ("delta", "message", "content")
CONTENT: Final[Path] = ("message", "content")


def build_refusal(words: str, head: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an answer that refuses in these words."""
    message = {"role": "assistant", "content": [{"type": "text", "text": words}]}
    return {"id": "", **(head or {}), "finish_reason": STOPPED, "message": message}


class CohereCodec:
    """One answer.

    Attributes:
        is_finished: whether its last event came.
    """

    def __init__(self) -> None:
        self.is_finished = False
        self._texts: list[StreamedText] = []
        self._kinds: list[str] = []
        self._head: dict[str, Any] | None = None
        self._told = 0
        self._open = False

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event."""
        name = data.get("type")
        message = find_value(data, ("delta", "message"))
        match name:
            case "message-start":
                told: Mapping[str, Any] = message or {"role": "assistant"}
                begun = {"id": data.get("id"), "message": told}
                start = {**begun, "message": {**told, "content": []}}
                return EventReading(
                    _only(data, "id", "delta", within=("message",)), [Patch("set", (), start)], rest=begun
                )
            case "content-start" | "content-delta":
                return self._grow(data, begin, new=name == "content-start")
            case "content-end":
                return EventReading(_only(data, "index"), closes=tuple(self._texts[-1:]))
            case "tool-plan-delta":
                plan = Patch("append", ("message", "tool_plan"), find_value(message, ("tool_plan",)))
                return EventReading(data, [plan], waits=True)
            case "tool-call-start":
                called = Patch("append", ("message", "tool_calls"), [find_value(message, ("tool_calls",))])
                return EventReading(data, [called], waits=True)
            case "tool-call-delta":
                index = data.get("index")
                piece = find_value(message, ("tool_calls", "function", "arguments"))
                path: Path = (
                    "message",
                    "tool_calls",
                    index if isinstance(index, int) else 0,
                    "function",
                    "arguments",
                )
                return EventReading(data, [Patch("append", path, piece)], waits=True)
            case "citation-start":
                cited = find_value(message, ("citations",))
                return EventReading(data, [Patch("append", ("message", "citations"), [cited])], waits=True)
            case "tool-call-end" | "citation-end":
                return EventReading(data, waits=True)
            case "message-end":
                self.is_finished = True
                ended = data.get("delta") or {}
                patches = [Patch("set", (field,), value) for field, value in ended.items()]
                return EventReading(data, patches, waits=True, is_last=True)
            case _:
                raise malformed_event("event of an unknown type")

    def _grow(self, data: dict[str, Any], begin: Callable[..., StreamedText], *, new: bool) -> EventReading:
        given, index = find_value(data, DELTA), data.get("index")
        if not isinstance(given, Mapping) or index != (len(self._texts) if new else len(self._texts) - 1):
            raise malformed_event("part of a message: it has no content, or comes out of order")
        kind = given.get("type") if new else self._kinds[-1]
        if (
            kind not in TEXTS
            or not given.keys() <= {"type", kind}
            or not isinstance(given.get(kind, ""), str)
        ):
            raise malformed_event("part of a message of an unknown kind")
        patches = []
        if new:
            path: Path = (*CONTENT, index, kind)
            place = Place(Stage.OUTPUT, role="assistant", path=pointer(path))
            joined, passing = (("text", "all"), ()) if kind == "text" else (("all",), (kind,))
            self._kinds.append(kind)
            self._texts.append(begin(path, place, *joined, passing=passing, shown=kind == "text"))
            patches = [Patch("set", (*CONTENT, index), {"type": kind, kind: ""})]
        if kind not in given:
            return EventReading(_only(data, "index", "delta", within=("message", "content")), patches)
        data = _only(data, "index", "delta", "logprobs", within=("message", "content"))
        bare = not new and data.keys() <= {"type", "index", "delta"}
        rest = {"logprobs": data["logprobs"]} if data.get("logprobs") else None
        return EventReading(data, patches, grows=((self._texts[-1], (*DELTA, kind)),), bare=bare, rest=rest)

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the stream; raises `BackendError` where the last event is missing."""
        if not self.is_finished:
            raise malformed_event("stream, which ended before its end")
        return ()

    def record_sent(self, event: Event) -> Event:
        """Take note of an event that is sent."""
        name = event.data.get("type")
        if name == "message-start":
            self._head = event.data
        elif name == "content-start":
            self._told, self._open = self._told + 1, True
        elif name == "content-end":
            self._open = False
        return Event(str(name), event.data, event.raw)

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the events that are missing of an answer; None where something else was told."""
        out = (
            []
            if self._head is not None
            else [_event("message-start", id=answer.get("id"), delta=_said(role="assistant"))]
        )
        for index in range(self._told):
            grown, is_open = self._texts[index], self._open and index == self._told - 1
            rest = grown.rest() if is_open else "" if grown.told == grown.final else None
            if rest is None:
                return None
            if rest:
                out.append(
                    _event("content-delta", index=index, delta=_said(content={self._kinds[index]: rest}))
                )
        if self._open:
            out.append(_event("content-end", index=self._told - 1))
        return [*out, *_written(answer, self._told), *_ended(answer)]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the events that end an answer: in these words, where it said nothing before."""
        refusal = {**build_refusal(words), **(answer or {})}
        if self._head is None:
            return [*write_events(refusal)]
        out = [_event("content-end", index=self._told - 1)] if self._open else []
        return [*out, *(() if self._told else _written(refusal, 0)), *_ended(refusal)]


def write_events(answer: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole answer as events."""
    yield _event("message-start", id=answer.get("id"), delta=_said(role="assistant"))
    yield from _written(answer, 0)
    yield from _ended(answer)


def _written(answer: Mapping[str, Any], first: int) -> Iterator[Event]:
    """Write the parts of a message from one on, and what stands beside them."""
    message = answer["message"]
    for index, part in enumerate(message.get("content") or ()):
        kind = part["type"]
        if index < first or kind not in TEXTS:
            continue
        yield _event("content-start", index=index, delta=_said(content={"type": kind, kind: ""}))
        yield _event("content-delta", index=index, delta=_said(content={kind: part[kind]}))
        yield _event("content-end", index=index)
    if message.get("tool_plan"):
        yield _event("tool-plan-delta", delta=_said(tool_plan=message["tool_plan"]))
    for index, call in enumerate(message.get("tool_calls") or ()):
        yield _event("tool-call-start", index=index, delta=_said(tool_calls=call))
        yield _event("tool-call-end", index=index)
    for index, cited in enumerate(message.get("citations") or ()):
        yield _event("citation-start", index=index, delta=_said(citations=cited))
        yield _event("citation-end", index=index)


def _ended(answer: Mapping[str, Any]) -> Iterator[Event]:
    yield _event(
        "message-end", delta={name: answer[name] for name in ("finish_reason", "usage") if name in answer}
    )


def _only(data: dict[str, Any], *names: str, within: Path = ()) -> dict[str, Any]:
    """Return an event with its type and these fields, and in its delta with nothing beside a path; itself if it has no others."""
    made = {name: value for name, value in data.items() if name in ("type", *names)}
    if "delta" in made and (inner := find_value(data["delta"], within)) is not None:
        made["delta"] = nest_value(within, inner)
    return data if made == data else made


def _event(kind: str, **fields: Any) -> Event:
    return Event(kind, {"type": kind, **fields})


def _said(**message: Any) -> dict[str, Any]:
    return {"message": message}
