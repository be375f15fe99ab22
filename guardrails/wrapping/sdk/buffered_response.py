"""The bytes of an answer that is not streamed in, the bytes that the caller may have of it out."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator

from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.detector_task import Task
from guardrails.wrapping.sdk.answer_formats import formats_of
from guardrails.wrapping.sdk.body_formats import unreadable_answer
from guardrails.wrapping.sdk.exchange import Exchange


class BufferedResponse:
    """One answer of a type, judged when all of it is there. `kind` is the type of what was released. `at_once`: it is a file, of
    which that may be another than what came, so that it is to be released before the headers are told; or the model may have to
    be asked again.
    """

    def __init__(self, exchange: Exchange, kind: str) -> None:
        self.kind = kind
        self._exchange = exchange
        self._pipeline = exchange.terms.guard.pipeline
        self._wire = next((each for each in formats_of(exchange.protocol) if each.fits(kind)), None)
        self.at_once = exchange.may_reask or (self._wire is not None and self._wire.media is not None)

    def released(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what the caller may have.

        Raises:
            BackendError: it cannot be judged.
            Blocked: the policy stops it and nothing is to be answered.
        """
        yield self._pipeline.drive(self._said(b"".join(pieces), None))

    async def areleased(self, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The twin of `released` on an event loop."""
        raw = b"".join([piece async for piece in pieces])
        yield await self._pipeline.adrive(self._said(raw, INLINE_ON_LOOP))

    def _said(self, raw: bytes, inline: int | None) -> Generator[list[Task], None, bytes]:
        wire, exchange = self._wire, self._exchange
        if wire is None:
            raise unreadable_answer(f"it is of type {self.kind[:64]!r}")
        answer = wire.read(raw, self.kind, exchange.body)
        heard = exchange.read_whole(answer)
        verdict, outcome = yield from exchange.judge.whole(heard, inline)
        content = exchange.passed(answer, heard, verdict, outcome)
        if content is answer and wire.exact:
            return raw
        self.kind = self.kind if wire.media is None else wire.media(content)
        return wire.write(content)
