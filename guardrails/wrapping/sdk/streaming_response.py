"""The bytes of a streamed answer in, what of them may go on out, as soon as that is certain.

The next piece is asked for only when what came before it was taken. At its end the answer is judged as if it had not been
streamed. A block ends it: by an exception, or by the events with which the API refuses.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.detector_task import Task
from guardrails.protocols.streaming.codec import ReceivedEvent, dump_events
from guardrails.types import Action
from guardrails.wrapping.sdk import events
from guardrails.wrapping.sdk.buffered_response import BufferedResponse
from guardrails.wrapping.sdk.events import ClientEventReader
from guardrails.wrapping.sdk.exchange import STREAM, Exchange
from guardrails.wrapping.sdk.independent_events import IndependentResponse

Written = Generator[list[Task], None, bytes]


def judge_response(
    exchange: Exchange, kind: str
) -> StreamingResponse | IndependentResponse | BufferedResponse:
    """Return what takes an answer of a type."""
    if kind == STREAM and exchange.protocol.event_answers is not None:
        return IndependentResponse(exchange)
    stream = exchange.protocol.stream
    streams = stream is not None and kind == stream.framing.media_type
    return StreamingResponse(exchange) if streams else BufferedResponse(exchange, kind)


class StreamingResponse:
    """One stream. `at_once`: it is held to its end, as the model may have to be asked again."""

    def __init__(self, exchange: Exchange) -> None:
        self.at_once = exchange.may_reask
        protocol, streams = exchange.protocol, exchange.protocol.stream
        assert streams is not None
        self.kind = streams.framing.media_type
        self._written = streams.framing.writer()
        self._exchange = exchange
        self._pipeline = exchange.terms.guard.pipeline
        self._judge = exchange.judge
        # Where a block is raised, that of one choice ends the answer.
        choices = max(1, protocol.count_choices(exchange.body)) if exchange.terms.answers else 1
        self._relay = self._judge.relay(streams.codec(), lambda rest: exchange.read(rest).tree, choices)
        self._events = ClientEventReader(streams.framing.reader())
        self._failure: events.ClientEvent | None = None

    @property
    def _ended(self) -> bool:
        said = self._relay.is_last or self._events.done or self._failure is not None
        return said or self._relay.error is not None or self._relay.stop is not None

    def released(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what may go on of the stream.

        Raises:
            BackendError: it cannot be judged.
            Blocked: the policy stops it and nothing is to be answered.
        """
        for piece in pieces:
            if out := self._pipeline.drive(self._take(piece, None)):
                yield out
            if self._ended:
                break
        if out := self._pipeline.drive(self._finish(None)):
            yield out
        if self._relay.stop is None:
            for _ in pieces:  # so that the connection can be used again
                pass

    async def areleased(self, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The twin of `released` on an event loop."""
        async for piece in pieces:
            if out := await self._pipeline.adrive(self._take(piece, INLINE_ON_LOOP)):
                yield out
            if self._ended:
                break
        if out := await self._pipeline.adrive(self._finish(INLINE_ON_LOOP)):
            yield out
        if self._relay.stop is None:
            async for _ in pieces:
                pass

    def _take(self, piece: bytes, inline: int | None) -> Written:
        """Take bytes; return what may go on by then."""
        yield from self._relay.take(self._read(piece), inline)
        return self._written.feed(dump_events(self._relay.ready()))

    def _read(self, piece: bytes | None) -> Iterator[ReceivedEvent]:
        """Yield the events that bytes complete, or the end of all (None), up to one that says that the model failed."""
        for event in self._events.flush() if piece is None else self._events.feed(piece):
            if "error" in (event.name, event.data.get("type")) or event.data.get("error") is not None:
                self._failure = event
                return
            yield event.data, event.name, event.dump()

    def _finish(self, inline: int | None) -> Written:
        """Take the end of the stream, or of what there was of it; return the rest of what may go on."""
        if not self._ended:
            yield from self._relay.take(self._read(None), inline)
        return self._written.feed((yield from self._rest(inline)))

    def _rest(self, inline: int | None) -> Written:
        """Return the rest of what may go on, as server-sent events."""
        if self._relay.stop is None:
            if self._relay.error is not None:
                raise self._relay.error
            if self._failure is not None:
                return (yield from self._failed(self._failure, inline))
        rest = yield from self._judge.ended(self._relay, self._exchange, inline)
        has_end = self._exchange.ends_with_done if self._relay.is_refused else self._events.done
        return dump_events(rest) + (events.END if has_end else b"")

    def _failed(self, event: events.ClientEvent, inline: int | None) -> Written:
        """Return how a stream ends that the model failed in: as it says, behind what went on before."""
        error = {name: value for name, value in event.data.items() if name != "type"}
        subject = payload.body(
            error, self._exchange.read(error).tree
        )  # no answer, of which some could be withheld
        verdict, _ = yield from self._judge.whole(subject, inline)
        if verdict.blocked:
            end = events.END if self._exchange.ends_with_done else b""
            return dump_events(self._relay.refused(None, self._exchange.message(verdict))) + end
        content: Any = verdict.content
        kind = {"type": event.data["type"]} if "type" in event.data else {}
        changed = verdict.action >= Action.REDACT
        return events.ClientEvent(event.name, {**kind, **content}).dump() if changed else event.dump()
