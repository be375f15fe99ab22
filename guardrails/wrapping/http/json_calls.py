"""Judges calls that an SDK makes by one function with JSON: a body and an answer, or its events, as mappings.

Streams are written as server-sent events for the one reader of a protocol's streams, and what goes on is read of them again.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any

from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.errors import BackendError
from guardrails.protocols.protocol import SSE, Protocol
from guardrails.protocols.reasks import AnswerRejected
from guardrails.types import Stage
from guardrails.wire import sse
from guardrails.wire.lossless_json import write
from guardrails.wrapping.guard_errors import note_errors, refuse_repeat
from guardrails.wrapping.sdk.body_formats import parse_answer
from guardrails.wrapping.sdk.exchange import Exchange, Terms
from guardrails.wrapping.sdk.streaming_response import StreamingResponse

Body = dict[str, Any]


def open_exchange(terms: Terms, protocol: Protocol, body: Body) -> Exchange:
    """Return the checks around a call; raises `RequestError` where the body does not say clearly whether it asks for a stream."""
    refuse_repeat()
    protocol.is_streamed(body)
    made = Exchange(terms, protocol, body)
    made.framing = SSE
    return made


def ask(exchange: Exchange, send: Callable[[Body], Body]) -> Body:
    """Return the answer to a call that is made with what may be sent of its body, or the answer in its place.

    Raises:
        Blocked: the policy stops the call or its answer, and nothing is to be answered.
        BackendError: the answer cannot be judged, or nothing of an error may be told.
    """
    refusal = _ask(exchange)
    if refusal is not None:
        return parse_answer(refusal.decode())
    try:
        answer = send(dict(exchange.body))
    except Exception as error:
        steps = exchange.vet_error(str(error).encode(), None)
        raise _vetted(error, exchange.terms.guard.pipeline.drive(steps)) from None
    try:
        return exchange.terms.guard.pipeline.drive(_judge(exchange, answer, None))
    except AnswerRejected as rejected:
        return ask(exchange.again(rejected.reask), send)


async def aask(exchange: Exchange, send: Callable[[Body], Awaitable[Body]]) -> Body:
    """The twin of `ask` on an event loop."""
    refusal = await _aask(exchange)
    if refusal is not None:
        return parse_answer(refusal.decode())
    pipeline = exchange.terms.guard.pipeline
    try:
        answer = await send(dict(exchange.body))
    except Exception as error:
        steps = exchange.vet_error(str(error).encode(), INLINE_ON_LOOP)
        raise _vetted(error, await pipeline.adrive(steps)) from None
    try:
        return await pipeline.adrive(_judge(exchange, answer, INLINE_ON_LOOP))
    except AnswerRejected as rejected:
        return await aask(exchange.again(rejected.reask), send)


def ask_stream(exchange: Exchange, send: Callable[[Body], Iterable[Body]]) -> Iterator[Body]:
    """Make a call whose answer is a stream, with what may be sent of its body; return the events that may go on of it.

    Raises:
        Blocked: at once, or where the stream is stopped.
    """
    refusal = _ask(exchange)
    if refusal is not None:
        return iter([*_Events().feed(refusal)])
    try:
        events = send(dict(exchange.body))
    except Exception as error:
        steps = exchange.vet_error(str(error).encode(), None)
        raise _vetted(error, exchange.terms.guard.pipeline.drive(steps)) from None
    return _released(exchange, events, send)


async def aask_stream(
    exchange: Exchange, send: Callable[[Body], Awaitable[AsyncIterable[Body]]]
) -> AsyncIterator[Body]:
    """The twin of `ask_stream` on an event loop."""
    refusal = await _aask(exchange)
    if refusal is not None:
        return _given(refusal)
    try:
        events = await send(dict(exchange.body))
    except Exception as error:
        steps = exchange.vet_error(str(error).encode(), INLINE_ON_LOOP)
        raise _vetted(error, await exchange.terms.guard.pipeline.adrive(steps)) from None
    return _areleased(exchange, events, send)


def _ask(exchange: Exchange) -> bytes | None:
    subject = exchange.protocol.request_payload(exchange.body)
    with note_errors(exchange):
        return exchange.ask(exchange.terms.guard.check(subject, Stage.INPUT, **exchange.asking))


async def _aask(exchange: Exchange) -> bytes | None:
    subject = exchange.protocol.request_payload(exchange.body)
    with note_errors(exchange):
        return exchange.ask(await exchange.terms.guard.acheck(subject, Stage.INPUT, **exchange.asking))


def _judge(exchange: Exchange, answer: Body, inline: int | None) -> Any:
    """Judge a whole answer; return what the caller may have of it."""
    with note_errors(exchange):
        subject = exchange.read_whole(answer)
        verdict, outcome = yield from exchange.judge.whole(subject, inline)
        return exchange.passed(answer, subject, verdict, outcome)


def _vetted(error: Exception, said: bytes) -> Exception:
    """Return the exception of an SDK; another one where the policy leaves less of its words."""
    if said == str(error).encode():
        return error
    left = "" if said == b"{}" else said.decode()
    return BackendError(
        f"the model's service failed: {left or 'what it said was stopped'}", 502, "upstream_error"
    )


class _Events:
    """Reads what is released of a stream."""

    def __init__(self) -> None:
        self._reader = sse.Events()

    def feed(self, released: bytes) -> Iterator[Body]:
        for event in self._reader.feed(released):
            if not event.data.startswith(sse.DONE):
                yield parse_answer(event.data.decode(), halves=True)


def _written(event: Body) -> bytes:
    return sse.event(write(event, ascii_only=True).encode())


def _released(
    exchange: Exchange, events: Iterable[Body], send: Callable[[Body], Iterable[Body]]
) -> Iterator[Body]:
    reader = _Events()
    try:
        with note_errors(exchange):
            for piece in StreamingResponse(exchange).released(map(_written, events)):
                yield from reader.feed(piece)
        return
    except AnswerRejected as rejected:  # of which nothing went on
        exchange = exchange.again(rejected.reask)
    yield from ask_stream(exchange, send)


async def _areleased(
    exchange: Exchange,
    events: AsyncIterable[Body],
    send: Callable[[Body], Awaitable[AsyncIterable[Body]]],
) -> AsyncIterator[Body]:
    reader = _Events()
    pieces = (_written(event) async for event in events)
    try:
        with note_errors(exchange):
            async for piece in StreamingResponse(exchange).areleased(pieces):
                for event in reader.feed(piece):
                    yield event
        return
    except AnswerRejected as rejected:  # of which nothing went on
        exchange = exchange.again(rejected.reask)
    async for event in await aask_stream(exchange, send):
        yield event


async def _given(refusal: bytes) -> AsyncIterator[Body]:
    for event in _Events().feed(refusal):
        yield event
