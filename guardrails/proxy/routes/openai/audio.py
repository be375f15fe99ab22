"""How the answers of OpenAI's audio API are asked for and judged: sounds, transcripts, and held streams of either.

What is to be said is judged as it is asked, and as it sounds: the sound lies in a file until what is said in it was judged
(`proxy/media/spool.py`). What is to be heard is judged as a sound, and what was heard as the answer that it is. Streams of
either are held to their end. An answer of which anything is blocked is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from guardrails.protocols.audio import speech_fields, transcription_fields
from guardrails.protocols.protocol import invalid_answer
from guardrails.protocols.streaming.codec import build_event, dump_events
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.answer import Call, judge_answer
from guardrails.proxy.exchange.stream import read_events
from guardrails.proxy.media.spool import release_file
from guardrails.proxy.upstreams.http_client import UpstreamResponse
from guardrails.proxy.upstreams.upstream_client import JSON, response_headers
from guardrails.types import Audio
from guardrails.wire import strict_json

STREAM: Final = "text/event-stream"


async def answer_speech(call: Call) -> Response:
    """Ask for a sound, and judge it."""
    asked = await call.state.run_by_size(strict_json.weigh(call.raw), lambda: answer.parse_object(call.raw))
    async with call.answer() as found:
        if found.content_type.lower() != STREAM:
            header = partial(speech_fields.wav_header, asked)
            return await release_file(call.http, call.state, call.who, call.report, found, Audio, header)
        return await _events(call, found, lambda events: speech_fields.Events(events=events, asked=asked))


async def answer_transcript(call: Call) -> Response:
    """Ask for what is said in a sound, and judge it."""
    async with call.answer() as found:
        media = found.content_type.lower()
        if media == STREAM:
            return await _events(call, found, lambda events: transcription_fields.Events(events=events))
        headers, raw = response_headers(found), await call.state.upstream.read_whole(found)
    if media == JSON:
        told = await call.state.run_by_size(strict_json.weigh(raw), lambda: answer.parse_object(raw))
        left = await judge_answer(call, told, strict_json.weigh(raw))
        out = (
            raw
            if left is told
            else await call.state.run_by_size(strict_json.weigh(raw), lambda: strict_json.dump(left))
        )
    elif media in transcription_fields.PLAIN:
        lines = await call.state.run_by_size(strict_json.weigh(raw), lambda: _lines(raw))
        left = await judge_answer(call, lines, strict_json.weigh(raw))
        out = "".join(left["lines"]).encode()
    else:
        raise invalid_answer("the upstream's answer is neither JSON nor a text")
    return Response(out, 200, {**headers, **call.report.headers()}, media)


async def _events(
    call: Call, found: UpstreamResponse, made: Callable[[list[dict[str, Any]]], dict[str, Any]]
) -> Response:
    """Judge a stream as a whole, made of what its events say, and send it on at once."""
    headers, raw = response_headers(found), await call.state.upstream.read_whole(found)
    told = made(await call.state.run_by_size(strict_json.weigh(raw), lambda: read_events(call, raw)))
    left = await judge_answer(call, told, strict_json.weigh(raw))
    out = await call.state.run_by_size(
        strict_json.weigh(raw), lambda: dump_events(map(build_event, left["events"]))
    )
    return Response(out, 200, {**headers, **call.report.headers()}, STREAM)


def _lines(raw: bytes) -> transcription_fields.Lines:
    """Return the lines of a text; raises `BackendError` where it is none."""
    try:
        return transcription_fields.lines(raw)
    except UnicodeDecodeError:
        raise invalid_answer("the upstream's answer is no UTF-8") from None
