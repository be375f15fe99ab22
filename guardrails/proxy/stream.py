"""A streamed answer of the upstream in, the same answer as far as the policy lets it pass out, held until judged."""

from __future__ import annotations

from collections.abc import AsyncIterable

from guardrails.errors import GuardrailsError
from guardrails.proxy import sse
from guardrails.proxy.answer import Call, judged
from guardrails.proxy.api import Collector
from guardrails.proxy.errors import explain
from guardrails.proxy.held import Stream
from guardrails.proxy.upstream import drained, invalid, passed_back, too_large


async def stream(call: Call) -> Stream:
    """Ask the upstream for a stream, collect it whole, and judge it.

    What fails once the upstream has begun to stream is an error event, as it would be had the answer begun.
    """
    upstream, api = call.state.upstream, call.api
    headers: dict[str, str] = {}
    collector: Collector | None = None
    try:
        async with upstream.answer(
            "POST", call.path, call.http.headers, call.raw, call.api.dialect
        ) as response:
            headers = passed_back(response)
            if response.content_type.lower() == "text/event-stream":
                collector = api.collector()
                size = await collected(
                    response.content.iter_any(), collector, call.state.settings.max_answer_bytes
                )
                answer = collector.answer()
                await drained(response)
            else:  # a server that does not stream
                raw = await upstream.whole(response)
                size, answer = len(raw), api.parsed(raw)
        content = await judged(call, answer, size)
    except GuardrailsError as error:
        if collector is None:
            raise
        return Stream(api.failed(explain(error)), headers)
    replay = collector.replay() if collector is not None and content is answer else None
    return Stream(api.written(content) if replay is None else replay, headers)


async def collected(pieces: AsyncIterable[bytes], collector: Collector, limit: int) -> int:
    """Have a collector take a stream; returns the number of bytes.

    Raises:
        BackendError: it is too large, malformed, or ends before its end.
        UpstreamAnswer: the upstream says in it that it failed.
    """
    events, size = sse.Events(), 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        for event in events.feed(piece):
            if collector.take(event):
                return size
    for event in events.flush():
        if collector.take(event):
            return size
    if not collector.finished:
        raise invalid("the upstream's stream ended before its end")
    return size
