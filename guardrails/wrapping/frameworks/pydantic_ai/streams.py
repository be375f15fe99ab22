"""Streams of Pydantic AI's models, guarded: texts and thoughts go on as they are judged, all other parts at the end."""

from __future__ import annotations

import functools
import operator
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib import import_module
from typing import Any, Final

from guardrails.errors import block_error
from guardrails.types import Stage, Verdict
from guardrails.wrapping.frameworks.model_calls import as_answer, begin_text, left_of
from guardrails.wrapping.frameworks.pydantic_ai.parts import read_parts, write_parts
from guardrails.wrapping.guarded_call import message_of
from guardrails.wrapping.sdk.exchange import Terms
from guardrails.wrapping.text_stream import TextStream

GROWING: Final = ("text", "thinking")
"""Kinds of parts that go on as they grow."""

TOLD: Final = (
    "provider_response_id",
    "provider_details",
    "finish_reason",
    "state",
    "metadata",
    "canonical_system",
)
"""What a stream says of its answer besides."""


SHARED: Final = ("usage", "model_name", "provider_name", "provider_url", "timestamp")
"""What is asked of the stream that is guarded."""


class GrowingParts:
    """The texts and thoughts of one answer, each with what judges it, by the number of the part."""

    def __init__(self, terms: Terms, asked: Verdict[Any], manager: Any) -> None:
        self._terms, self._asked, self._manager = terms, asked, manager
        self._texts: dict[int, tuple[str, TextStream]] = {}

    async def feed(self, at: int, kind: str, text: str) -> list[Any]:
        """Take what a part grows by; return the events that may go on by then."""
        if at not in self._texts:
            self._texts[at] = kind, begin_text(self._terms, self._asked)
        stream = self._texts[at][1]
        return self._events(at, kind, await stream.afeed(text), stream)

    async def flush(self) -> list[Any]:
        """Take the end of all parts that grow; return the rest of the events."""
        events = []
        for at, (kind, stream) in self._texts.items():
            events += self._events(at, kind, await stream.aflush(), stream)
        self._texts.clear()
        return events

    def _events(self, at: int, kind: str, text: str, stream: TextStream) -> list[Any]:
        if stream.verdict is not None and stream.blocked:
            text = message_of(self._terms, stream.verdict)
            raise Stopped(self._told(at, "text", text))
        return self._told(at, kind, text) if text else []

    def _told(self, at: int, kind: str, text: str) -> list[Any]:
        if kind == "thinking":
            return [*self._manager.handle_thinking_delta(vendor_part_id=at, content=text)]
        return [*self._manager.handle_text_delta(vendor_part_id=(at, kind), content=text)]


class Stopped(Exception):
    """Ends a stream with the events that answer a block."""

    def __init__(self, events: list[Any]) -> None:
        self.events = events


async def guarded_events(
    inner: Any, growing: GrowingParts, rest: Callable[[Sequence[Any]], Awaitable[list[Any]]]
) -> AsyncIterator[Any]:
    """Yield the events of a stream that may go on.

    Args:
        inner: the stream that is guarded.
        growing: its texts and thoughts.
        rest: judges the parts that waited for the end; returns their events.
    """
    held = list[int]()
    try:
        async for event in inner:
            at, kind, text = read_event(event)
            if kind in GROWING:
                for each in await growing.feed(at, kind, text):
                    yield each
            elif kind and at not in held:
                held.append(at)
        parts = [inner.get().parts[at] for at in held]
        for each in [*(await growing.flush()), *(await rest(parts))]:
            yield each
    except Stopped as stopped:
        for each in stopped.events:
            yield each


def read_event(event: Any) -> tuple[int, str, str]:
    """Return the number of the part that an event is about, its kind, and the text that it brings; no kind if there is none."""
    if event.event_kind == "part_start":
        part = event.part
        return event.index, part.part_kind, part.content if part.part_kind in GROWING else ""
    if event.event_kind == "part_delta":
        delta = event.delta
        kind = delta.part_delta_kind if delta.part_delta_kind in GROWING else "other"
        return event.index, kind, delta.content_delta or "" if kind in GROWING else ""
    return -1, "", ""


async def judge_parts(terms: Terms, asked: Verdict[Any], manager: Any, parts: Sequence[Any]) -> list[Any]:
    """Judge parts that waited for the end of a stream; return their events."""
    if not parts:
        return []
    said = read_parts(parts)
    context = {**terms.context, "after": asked}
    verdict: Verdict[Any] = await terms.guard.acheck(as_answer(said), Stage.OUTPUT, **context)
    if verdict.blocked:
        text = message_of(terms, verdict)
        return [*manager.handle_text_delta(vendor_part_id="refusal", content=text)]
    left = left_of(verdict)
    if left["content"] != said["content"]:
        raise block_error(verdict)
    made = parts if left == said else write_parts(parts, left)
    return [manager.handle_part(vendor_part_id=("held", at), part=part) for at, part in enumerate(made)]


@functools.cache
def stream_class() -> Any:
    """Return the class of guarded streams, made when one is first needed."""
    models: Any = import_module("pydantic_ai.models")

    class GuardedStream(models.StreamedResponse):  # type: ignore[misc]
        """A stream of a model's with a guard around it."""

        def __init__(self, inner: Any, terms: Terms, asked: Verdict[Any]) -> None:
            super().__init__(inner.model_request_parameters)
            self._inner, self._terms, self._asked = inner, terms, asked

        async def _get_event_iterator(self) -> AsyncIterator[Any]:
            manager = self._parts_manager
            growing = GrowingParts(self._terms, self._asked, manager)
            rest = functools.partial(judge_parts, self._terms, self._asked, manager)
            async for event in guarded_events(self._inner, growing, rest):
                yield event
            for name in TOLD:
                setattr(self, name, getattr(self._inner, name, None))

        async def close_stream(self) -> None:
            await self._inner.cancel()

    shared = {name: property(operator.attrgetter(f"_inner.{name}")) for name in SHARED}
    return type("GuardedStream", (GuardedStream,), shared)
