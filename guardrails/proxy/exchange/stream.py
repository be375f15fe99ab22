"""A streamed answer of the upstream in, the same answer as far as the policy lets it pass out, as soon as that is certain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import Any, Final

from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.errors import GuardrailsError, GuardUnavailable, RequestError
from guardrails.protocols.errors import Problem
from guardrails.protocols.protocol import StreamReader, invalid_answer, write_error_event
from guardrails.protocols.reasks import AnswerRejected
from guardrails.protocols.streaming.codec import ReceivedEvent, StreamCodec, dump_events
from guardrails.protocols.streaming.relay import Relay
from guardrails.proxy.exchange.answer import Call, judge_answer, parse_answer, vet_error
from guardrails.proxy.exchange.independent_events import judge_independent_events
from guardrails.proxy.exchange.reasks import ask_again
from guardrails.proxy.exchange.streaming_response import StreamingAnswer, StreamPiece
from guardrails.proxy.server.counting.tokens import TokenCount
from guardrails.proxy.server.errors import UpstreamAnswer, explain
from guardrails.proxy.server.middleware import note_failure
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.upstream_client import drain, failure_in, response_headers, too_large
from guardrails.wire import sse, strict_json

EVENTS_AT_ONCE: Final = 64
"""Events that are taken before others of the event loop have their turn: each takes some 70 microseconds."""

BYTES_AT_ONCE: Final = 16 << 10
"""Bytes of which the events are read before that."""

WEIGHT_ALONE: Final = 16 << 10
"""What an event weighs that is taken without those before it."""


QUEUE_S: Final = 30.0
"""Seconds for which a stream that has begun waits for a worker: it is late, not broken off, and its upstream is not read."""


def stream_to(call: Call) -> StreamingAnswer:
    """Return what sends a client the stream that it asked for."""
    settings, streams = call.state.settings, call.protocol.stream
    codec = None if streams is None else streams.codec()
    written = streams or call.protocol.event_answers

    def fail(problem: Problem) -> bytes:
        failure = write_error_event if written is None else written.failure
        return dump_events(failure(problem, codec))

    return StreamingAnswer(
        lambda: stream_again(call, fail) if call.may_reask else stream(call, codec, fail),
        call.endpoint,
        call.report,
        fail,
        settings.keep_alive_s,
        call.http.scope["path"],
        settings.idle_s,
    )


async def stream(
    call: Call, codec: StreamCodec | None, fail: Callable[[Problem], bytes]
) -> AsyncIterator[StreamPiece]:
    """Ask the upstream for a stream; yield what of it may go on, as it comes.

    What fails once the upstream has begun to stream is an error event, as it would be had the answer begun.

    Args:
        call: the request that passed.
        codec: reads and writes the events of the stream; None where each event is an answer for itself.
        fail: writes a failure behind what was sent.
    """
    upstream, protocol, judge = call.state.upstream, call.protocol, call.judge
    framing, pipeline = call.endpoint.framing, call.state.guard.pipeline
    headers: dict[str, str] = {}
    relay: Relay | None = None
    asides, opening = call.asides, dump_events(call.asides.opening())
    try:
        async with call.answer() as response:
            headers = response_headers(response)
            is_stream = response.content_type.lower() == framing.media_type
            if protocol.event_answers is not None and is_stream:
                async for body in judge_independent_events(call, _receive_events(call, response)):
                    yield StreamPiece(body, headers)
                return
            if protocol.stream is not None and codec is not None and is_stream:
                assert protocol.read_response is not None
                relay = judge.relay(codec, protocol.read_response, call.choices)
                tokens = call.begin_count()
                try:
                    async for body in _relay_stream(call, response, relay, tokens):
                        yield StreamPiece(opening + body, headers)
                        opening = b""
                finally:
                    call.record_count(tokens)
                rest = await pipeline.adrive(judge.ended(relay, call, INLINE_ON_LOOP), least_queue_s=QUEUE_S)
                yield StreamPiece(opening + dump_events(asides.ending(rest)) + framing.tail, headers)
                if relay.stop is None:
                    await drain(response)
                return
            raw = await upstream.read_whole(response)  # a server that does not stream
        weight = strict_json.weigh(raw)
        whole = await call.state.run_by_size(weight, lambda: parse_answer(protocol, raw))
        content = await judge_answer(call, whole, weight)
        streams = protocol.stream or protocol.event_answers
        events = [] if streams is None else asides.ending([*streams.events(content)])
        yield StreamPiece(opening + dump_events(events) + framing.tail, headers)
    except GuardrailsError as error:
        failure = await vet_error(call, error)
        # Nothing of an answer that cannot be judged is sent: it has a status of its own, unless others of its events went before.
        if relay is None or isinstance(failure, GuardUnavailable):
            raise failure from error
        if relay.is_begun:  # what was sent of it is on record
            await pipeline.adrive(judge.so_far(relay, INLINE_ON_LOOP), least_queue_s=QUEUE_S)
        note_failure(call.http.scope, failure, begun=True)  # whatever the check of what was sent says
        yield StreamPiece(fail(explain(failure)), headers)


async def stream_again(call: Call, fail: Callable[[Problem], bytes]) -> AsyncIterator[StreamPiece]:
    """Ask the upstream for a stream, and again where its answer is not in the format that a rule wants; yield the answer, of
    which nothing goes on before all of it is judged.
    """
    while True:
        codec = None if call.protocol.stream is None else call.protocol.stream.codec()
        held: list[StreamPiece] = []
        try:
            async for piece in stream(call, codec, fail):
                held.append(piece)  # noqa: PERF401 - what came before an exception is not sent
        except AnswerRejected as rejected:
            call = await ask_again(call, rejected.reask)
            continue
        for piece in held:
            yield piece
        return


async def _relay_stream(
    call: Call, response: UpstreamResponse, relay: Relay, tokens: TokenCount
) -> AsyncIterator[bytes]:
    """Have a relay take a stream; yields what may go on of it. `tokens` takes what its events say of tokens.

    Raises:
        BackendError: it is too large, malformed, or ends before its end.
        UpstreamAnswer: the upstream says in it that it failed.
    """
    pipeline = call.state.guard.pipeline
    events, limit = call.endpoint.framing.reader(), call.state.settings.max_answer_bytes
    metrics, since = call.state.metrics, None
    async for some in events_of(response.content.iter_any(), events, limit):
        since = perf_counter() if since is None else since
        read: Iterable[ReceivedEvent] = tokens.watch(_read(some))
        if weigh_events(some) >= strict_json.LARGE:
            read = await call.state.run_in_worker(lambda read=read: [*read])  # type: ignore[misc] # it is a list
        await pipeline.adrive(relay.take(read, INLINE_ON_LOOP), least_queue_s=QUEUE_S)
        if not call.asides.holds and (out := relay.ready()):
            metrics.observe("guardrails_held_seconds", perf_counter() - since)
            since = None
            yield dump_events(out)
        if relay.stop is not None:
            return
        if relay.error is not None:
            raise relay.error
        if relay.is_last or any(event.data.strip() == sse.DONE for event in some):
            return
    if not relay.is_finished:
        raise invalid_answer("the upstream's stream ended before its end")


async def _receive_events(call: Call, response: UpstreamResponse) -> AsyncIterator[list[ReceivedEvent]]:
    """Yield events as they came, those together that come together, up to the end of their stream."""
    limit = call.state.settings.max_answer_bytes
    async for some in events_of(response.content.iter_any(), call.endpoint.framing.reader(), limit):
        yield await call.state.run_by_size(weigh_events(some), lambda some=some: [*_read(some)])  # type: ignore[misc] # it is a list
        if any(event.data.strip() == sse.DONE for event in some):
            return


def read_events(call: Call, raw: bytes) -> list[dict[str, Any]]:
    """Return what the events of a stream that is all there say; raises as `_read`."""
    reader = call.endpoint.framing.reader()
    return [data for data, _, _ in _read([*reader.feed(raw), *reader.flush()])]


def _read(events: Iterable[sse.Event]) -> Iterator[ReceivedEvent]:
    """Yield events as they came, up to the end of their stream.

    Raises:
        BackendError: one is malformed.
        UpstreamAnswer: the upstream says in one that it failed.
    """
    for event in events:
        if event.data.strip() == sse.DONE:
            return
        try:
            data = strict_json.parse(event.data, halves=True)
        except RequestError as error:
            raise failure_in(event, {}) or invalid_answer(
                f"the upstream sent a malformed event: {error.code}"
            ) from None
        failure = failure_in(event, data)
        if data.get("type") == "error" and not isinstance(data.get("error"), Mapping):
            failure = UpstreamAnswer(502, {"error": {**data, "type": None}})
        if failure is not None:
            raise failure
        name = event.type.decode(errors="replace")
        # A name that is not in the data as well is judged by nobody; the APIs that name their events say it there.
        yield data, name, sse.event(event.data, event.type if name == data.get("type") else b"")


async def events_of(
    pieces: AsyncIterable[bytes], events: StreamReader, limit: int
) -> AsyncIterator[list[sse.Event]]:
    """Yield the events of a stream, those together that come together, as far as these are few; others of the event loop have
    their turn in between. Raises `BackendError` if it is too large.
    """
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        for at in range(0, len(piece), BYTES_AT_ONCE):
            for some in split_events(events.feed(piece[at : at + BYTES_AT_ONCE])):
                yield some
                await asyncio.sleep(0)
    for some in split_events(events.flush()):
        yield some


def split_events(events: Iterable[sse.Event]) -> Iterator[list[sse.Event]]:
    """Yield events in their order, few at a time, and those that are large alone."""
    some: list[sse.Event] = []
    for event in events:
        if some and (len(some) >= EVENTS_AT_ONCE or strict_json.weigh(event.data) >= WEIGHT_ALONE):
            yield some
            some = []
        some.append(event)
    if some:
        yield some


def weigh_events(events: Iterable[sse.Event]) -> int:
    """Return how much work it is to read events."""
    return sum(strict_json.weigh(event.data) for event in events)
