"""The events of an answer that are held: events in as a codec read them, out in their order once their texts are settled,
with what a policy changes of these changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from guardrails.engine.values.writer import replace_values, value_at
from guardrails.protocols.streaming.codec import Event, EventReading
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.wire.pointers import Path


@dataclass(slots=True)
class _PendingEvent:
    """An event on its way: as a codec reads it, as it came, and where its pieces end in their texts."""

    item: EventReading
    kind: str
    came: dict[str, Any]
    raw: bytes
    ends: tuple[int, ...]


class PendingEvents:
    """The events of one answer that did not go on yet."""

    def __init__(self) -> None:
        self._queue: deque[_PendingEvent] = deque()
        self._has_passing = False

    def add(
        self, item: EventReading, kind: str, came: dict[str, Any], raw: bytes, ends: tuple[int, ...]
    ) -> None:
        """Hold an event.

        Args:
            item: as a codec reads it.
            kind: its type.
            came: what it said as it came.
            raw: its bytes.
            ends: how long each of its texts (`EventReading.grows`) is with it.
        """
        self._queue.append(_PendingEvent(item, kind, came, raw, ends))
        self._has_passing = self._has_passing or item.passes

    def ready(self, stopped: Container[int | None]) -> list[Event]:
        """Return the events that may go on by now, in their order; of those that tell of choices that are stopped what stood
        before that.
        """
        out: list[Event] = []
        while self._queue:
            held = self._queue[0]
            if self._is_ready(held):
                self._queue.popleft()
                out += self._made(held)
                continue
            out += self._piece(held)
            if not held.item.choices or any(choice not in stopped for choice in held.item.choices):
                return [*out, *self._passing()]
            self._queue.popleft()  # how it ends is told at the end
        return out

    def rest(self, texts: Sequence[StreamedText]) -> list[Event]:
        """Return all events, at the end of an answer with these texts, none of which goes on any more."""
        out: list[Event] = []
        while self._queue:
            held = self._queue.popleft()
            if held.item.waits:
                out += _write_withheld(texts)
            out += self._made(held, last=True)
        return [*out, *_write_withheld(texts)]

    def _passing(self) -> list[Event]:
        """Return the events that need not wait for those before them."""
        if not self._has_passing:
            return []
        passing = [held for held in self._queue if held.item.passes]
        self._queue = deque(held for held in self._queue if not held.item.passes)
        self._has_passing = False
        return [event for held in passing for event in self._made(held)]

    def _is_ready(self, held: _PendingEvent) -> bool:
        item = held.item
        return (
            not item.waits
            and all(grown.part.mark >= end for (grown, _), end in zip(item.grows, held.ends, strict=True))
            and all(grown.part.mark >= grown.part.length for grown in item.closes)
            # Whether a value may stand at the very end of a text depends on whether another goes on there.
            and not any(grown.holds and not self._goes_on(grown) for grown in item.closes)
        )

    def _goes_on(self, grown: StreamedText) -> bool:
        """Tell whether another text goes on behind one, of those that came."""
        return any(other.goes_on(grown) for held in self._queue for other, _ in held.item.grows)

    @staticmethod
    def _piece(held: _PendingEvent) -> list[Event]:
        """Return what of an event may go on before the rest of it."""
        item = held.item
        if not item.bare or item.waits:
            return []
        (grown, path), end = item.grows[0], held.ends[0]
        piece = grown.take(end)
        return [Event(held.kind, replace_values(item.data, {(path, None): piece}))] if piece else []

    def _made(self, held: _PendingEvent, *, last: bool = False) -> list[Event]:
        """Return an event with its texts as they are left, behind what is left of those that it closes; with `last` no text goes
        on behind what there is.
        """
        item = held.item
        out: list[Event] = []
        new: dict[Path, Any] = {}
        for grown in item.closes:
            out += _close_text(grown, sure=not self._goes_on(grown))
        for (grown, path), end in zip(item.grows, held.ends, strict=True):
            new[path] = grown.take(end)
            if last and end == grown.part.length and not grown.closes:
                new[path] += grown.close(sure=True)
            grown.last = (held.kind, item, path)
        if item.bare and not any(new.values()) and any(value_at(item.data, path) for path in new):
            return out  # all of it went on before, or nothing of it is left
        new.update({path: grown.made for grown, path in item.copies})
        texts = [grown for grown, _ in (*item.grows, *item.copies)]
        if any(grown.changed for grown in (*texts, *item.closes, *item.spells)):
            new.update(item.spelled)
        data: Any = item.data
        for path, value in new.items():
            if value_at(data, path) != value:
                data = replace_values(data, {(path, None): value})
        return [*out, Event(held.kind, data, held.raw if data is held.came else b"")]


def _write_withheld(texts: Sequence[StreamedText]) -> list[Event]:
    """Return what texts that went on as far as they came keep back because they might go on."""
    ended = (grown for grown in texts if grown.part.shown == grown.part.length)
    return [event for grown in ended for event in _close_text(grown, sure=True)]


def _close_text(grown: StreamedText, *, sure: bool) -> list[Event]:
    """Return what a text keeps back (`StreamedText.close`) as a further event like the last one that it grew by."""
    text = grown.close(sure=sure)
    if not text or grown.last is None:
        return []
    kind, item, path = grown.last
    new: dict[tuple[Path, Path | None], Any] = {(path, None): text}
    new.update(((place, None), value) for place, value in item.spelled)
    return [Event(kind, replace_values(item.data, new))]
