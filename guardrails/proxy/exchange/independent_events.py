"""Judge the events of a stream that stand apart (`protocols/streaming/independent_events.py`), each by itself."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace

from guardrails.protocols.streaming.codec import Event, ReceivedEvent, dump_events
from guardrails.protocols.streaming.independent_events import IndependentEvents
from guardrails.proxy.exchange.answer import Call, judge_answer
from guardrails.wire import strict_json


async def judge_independent_events(
    call: Call, events: AsyncIterable[list[ReceivedEvent]]
) -> AsyncIterator[bytes]:
    """Judge events, each for itself; yields what may go on.

    Raises:
        BackendError: one is malformed, or is stopped; or none was the last.
    """
    alone = call.protocol.event_answers
    assert alone is not None  # who comes here has events that stand apart
    stream = IndependentEvents(lambda event: call.read(event).tree, alone.is_last)
    fetcher, fetched = call.state.image_fetcher, 0
    async for some in events:
        for data, kind, raw in some:
            stream.came(data, kind)
            if fetcher is not None and call.protocol.links is not None:
                fetched += sum(1 for _ in call.protocol.links(data))
                if fetched > fetcher.doc.most:  # of all events together
                    unlinked = replace(call.protocol, links=None)
                    call = replace(call, endpoint=replace(call.endpoint, protocol=unlinked))
            content = await judge_answer(call, data, strict_json.weigh(raw), stream.read)
            if out := stream.passed(raw if content is data else dump_events([Event(kind, content)])):
                yield out
    yield stream.rest()
