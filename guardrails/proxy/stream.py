"""A streamed answer of the upstream in, the same answer as far as the policy lets it pass out, held until judged."""

from __future__ import annotations

from collections.abc import AsyncIterable

from guardrails.errors import GuardrailsError, RequestError
from guardrails.proxy import sse, wire
from guardrails.proxy.answer import Call, judged, parsed
from guardrails.proxy.assemble import Chunks, chunks
from guardrails.proxy.errors import UpstreamAnswer
from guardrails.proxy.held import Stream, failed
from guardrails.proxy.upstream import PATH, drained, invalid, passed_back, too_large


async def stream(call: Call) -> Stream:
    """Ask the upstream for a stream, collect it whole, and judge it.

    What fails once the upstream has begun to stream is an error event, as it would be had the answer begun.
    """
    upstream = call.state.upstream
    headers: dict[str, str] = {}
    begun = False
    try:
        async with upstream.answer("POST", PATH, call.http.headers, call.raw) as response:
            headers = passed_back(response)
            if response.content_type.lower() == "text/event-stream":
                begun = True
                frames, gathered = await collected(
                    response.content.iter_any(), call.state.settings.max_answer_bytes
                )
                completion = gathered.completion()
                await drained(response)
            else:  # a server that does not stream
                raw = await upstream.whole(response)
                frames, completion = None, parsed(raw)
        size = len(raw) if frames is None else sum(map(len, frames))
        content = await judged(call, completion, size)
    except GuardrailsError as error:
        if not begun:
            raise
        return Stream(failed(error), headers)
    if frames is not None and content is completion:
        return Stream(sse.stream(frames), headers)
    return Stream(sse.stream(chunks(content)), headers)


async def collected(pieces: AsyncIterable[bytes], limit: int) -> tuple[list[bytes], Chunks]:
    """Return the data of every event of a stream, and the chunks in them.

    Raises:
        BackendError: it is too large, malformed, or ends before its end.
        UpstreamAnswer: the upstream says in it that it failed.
    """
    events, gathered, frames, size = sse.Events(), Chunks(), list[bytes](), 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        for event in events.feed(piece):
            if taken(event, gathered, frames):
                return frames, gathered
    for event in events.flush():
        if taken(event, gathered, frames):
            return frames, gathered
    if not gathered.finished:
        raise invalid("the upstream's stream ended before its end")
    return frames, gathered


def taken(event: sse.Event, gathered: Chunks, frames: list[bytes]) -> bool:
    """Take one event of a stream; returns True at its end."""
    if event.data.strip() == sse.DONE:
        return True
    failure = error_of(event)
    if failure is not None:
        raise failure
    gathered.add(event.data)
    frames.append(event.data)
    return False


def error_of(event: sse.Event) -> GuardrailsError | None:
    """Return the exception that an event stands for, None for a chunk."""
    if event.type != b"error" and b'"error"' not in event.data:
        return None
    try:
        body = wire.parse(event.data, halves=True)
    except RequestError:
        body = {}
    if event.type != b"error" and body.get("error") is None:
        return None
    return UpstreamAnswer(502, body if "error" in body else {"error": body.get("message")})
