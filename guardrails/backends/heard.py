"""The bytes of an answer that is not streamed in, the bytes that the caller may have of it out."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator

from guardrails.backends.answers import broken, parsed
from guardrails.backends.exchange import JSON, Exchange
from guardrails.engine.detect import Task
from guardrails.engine.exact import write
from guardrails.engine.pipeline import INLINE_ON_LOOP


class Whole:
    """One answer of a type, judged when all of it is there."""

    def __init__(self, exchange: Exchange, kind: str) -> None:
        self._exchange, self._kind = exchange, kind
        self._pipeline = exchange.terms.guard.pipeline

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
        if self._kind != JSON:
            raise broken(f"it is of type {self._kind[:64]!r}")
        try:
            answer = parsed(raw.decode("utf-8"))
        except UnicodeDecodeError:
            raise broken("it is not UTF-8") from None
        heard = self._exchange.read(answer)
        verdict, outcome = yield from self._exchange.judge.whole(heard, inline)
        content = self._exchange.passed(answer, heard, verdict, outcome)
        return raw if content is answer else write(content).encode()
