"""The bytes of a stream in, each event of which is an answer for itself, such as a picture; what may go on of it out.

Each is judged before it goes on (`protocols/streaming/independent_events.py`). A block of any ends the stream by an exception:
nothing that went on before could refuse in its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Final

from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.detector_task import Task
from guardrails.protocols.streaming.independent_events import IndependentEvents
from guardrails.wrapping.sdk.events import END, ClientEvent, ClientEventReader
from guardrails.wrapping.sdk.exchange import STREAM, Exchange

FAILED: Final = "error"
"""The type of the event that says that the model failed."""

Steps = Generator[list[Task], None, bytes]


class IndependentResponse:
    """One stream."""

    kind, at_once = STREAM, False

    def __init__(self, exchange: Exchange) -> None:
        alone = exchange.protocol.event_answers
        assert alone is not None
        self._exchange, self._judge = exchange, exchange.judge
        self._pipeline = exchange.terms.guard.pipeline
        self._apart = IndependentEvents(
            lambda event: exchange.read(event).tree, lambda data: alone.is_last(data) or is_failure(data)
        )
        self._events = ClientEventReader()

    def released(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what may go on of the stream.

        Raises:
            BackendError: it cannot be judged.
            Blocked: the policy stops an event.
        """
        for piece in pieces:
            for event in self._events.feed(piece):
                if out := self._pipeline.drive(self._take(event, None)):
                    yield out
        yield self._rest()

    async def areleased(self, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The twin of `released` on an event loop."""
        async for piece in pieces:
            for event in self._events.feed(piece):
                if out := await self._pipeline.adrive(self._take(event, INLINE_ON_LOOP)):
                    yield out
        yield self._rest()

    def _take(self, event: ClientEvent, inline: int | None) -> Steps:
        """Take an event; return what may go on by then."""
        data = event.data
        self._apart.came(data, "" if event.name == FAILED else event.name)
        # A name that is not in the data as well is judged by nobody.
        name = event.name if event.name in (FAILED, data.get("type")) else ""
        heard = self._apart.read(data)
        verdict, outcome = yield from self._judge.whole(heard, inline)
        content = self._exchange.passed(data, heard, verdict, outcome)
        told = ClientEvent(name, content, event.written if content is data else "")
        return self._apart.passed(told.dump())

    def _rest(self) -> bytes:
        return self._apart.rest() + (END if self._events.done else b"")


def is_failure(data: object) -> bool:
    """Tell whether an event says that the model failed, so that no other follows."""
    return isinstance(data, dict) and (data.get("type") == FAILED or data.get("error") is not None)
