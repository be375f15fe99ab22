"""Streams of the made-up API: events with pieces of a translation, the last of which says so and holds all else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from guardrails.protocols.streaming.codec import Event, EventReading, Patch, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage


class TranslationCodec:
    """One translation."""

    def __init__(self) -> None:
        self.is_finished = False
        self._text: StreamedText | None = None

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event."""
        if not isinstance(data.get("piece"), str):
            raise malformed_event("event: it has no piece")
        self.is_finished = data.get("last") is True
        if self._text is None:
            place = Place(Stage.OUTPUT, role="assistant", path="/translation")
            self._text = begin(("translation",), place, shown=True)
        beside = {name: value for name, value in data.items() if name not in ("piece", "last")}
        return EventReading(
            data,
            [Patch("set", (name,), value) for name, value in beside.items()],
            grows=((self._text, ("piece",)),),
            bare=data.keys() == {"piece"},
            waits=self.is_finished or bool(beside),
            is_last=self.is_finished,
        )

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the stream."""
        if not self.is_finished:
            raise malformed_event("stream, which ended before its end")
        return ()

    def record_sent(self, event: Event) -> Event:
        """Take note of an event that is sent."""
        return event

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the event with what is missing of an answer; None where something else was told."""
        rest = answer["translation"] if self._text is None else self._text.rest()
        return None if rest is None else [*write_events({**answer, "translation": rest})]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the event that ends what was told with a refusal."""
        return [*write_events({"id": "refused", "translation": words})]


def write_events(answer: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole answer as an event."""
    beside = {name: value for name, value in answer.items() if name != "translation"}
    yield Event("", {"piece": answer["translation"], "last": True, **beside})
