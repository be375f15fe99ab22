"""`POST /v1/audio/speech`, `/transcriptions` and `/translations`: OpenAI's audio API, as tables.

What is to be said is judged as it is asked, and as it sounds: the sound lies in a file until what is said in it was judged
(`proxy/media/spool.py`). What is to be heard is judged as a sound, and what was heard as the answer that it is. Streams of
either are held to their end. An answer of which anything is blocked is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import aiohttp
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content.content_tree import Leaves
from guardrails.engine.core.outcome import Outcome
from guardrails.errors import BackendError, RequestError
from guardrails.protocols.audio import speech_fields, transcription_fields
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.answer import Call, judged
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import read_events
from guardrails.proxy.media.spool import release_file
from guardrails.proxy.routes.openai import images
from guardrails.proxy.routes.openai.completions import COMPLETIONS
from guardrails.proxy.server.errors import BLOCKED
from guardrails.proxy.upstreams.upstream_client import JSON, invalid, response_headers
from guardrails.types import Audio
from guardrails.wire import sse, strict_json

STREAM: Final = "text/event-stream"


def withheld(found: dict[str, Any], leaves: Leaves, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return what was heard with texts edited.

    Raises:
        BackendError: something in it is blocked.
    """
    if outcome.blocked:
        raise BackendError(words, 400, BLOCKED)
    return dict(transcription_fields.changed(found, leaves, outcome))


async def spoken(call: Call) -> Response:
    """Ask for a sound, and judge it."""
    asked = await call.state.run_by_size(len(call.raw), lambda: answer.parsed(call.raw))
    async with call.answer() as found:
        if found.content_type.lower() != STREAM:
            header = partial(speech_fields.header, asked)
            return await release_file(call.http, call.state, call.who, call.report, found, Audio, header)
        return await _events(call, found, lambda events: speech_fields.Events(events=events, asked=asked))


async def heard(call: Call) -> Response:
    """Ask for what is said in a sound, and judge it."""
    async with call.answer() as found:
        media = found.content_type.lower()
        if media == STREAM:
            return await _events(call, found, lambda events: transcription_fields.Events(events=events))
        headers, raw = response_headers(found), await call.state.upstream.read_whole(found)
    if media == JSON:
        told = await call.state.run_by_size(len(raw), lambda: answer.parsed(raw))
        left = await judged(call, told, len(raw))
        out = raw if left is told else await call.state.run_by_size(len(raw), lambda: strict_json.dump(left))
    elif media in transcription_fields.PLAIN:
        lines = await call.state.run_by_size(len(raw), lambda: _lines(raw))
        left = await judged(call, lines, len(raw))
        out = "".join(left["lines"]).encode()
    else:
        raise invalid("the upstream's answer is neither JSON nor a text")
    return Response(out, 200, {**headers, **call.report.headers()}, media)


async def _events(
    call: Call, found: aiohttp.ClientResponse, made: Callable[[list[dict[str, Any]]], dict[str, Any]]
) -> Response:
    """Judge a stream as a whole, made of what its events say, and send it on at once."""
    headers, raw = response_headers(found), await call.state.upstream.read_whole(found)
    told = made(await call.state.run_by_size(len(raw), lambda: read_events(call, raw)))
    left = await judged(call, told, len(raw))
    out = await call.state.run_by_size(len(raw), lambda: b"".join(map(_written, left["events"])))
    return Response(out, 200, {**headers, **call.report.headers()}, STREAM)


def _written(event: Mapping[str, Any]) -> bytes:
    kind = event.get("type")
    is_name = isinstance(kind, str) and kind.isprintable()
    return sse.event(strict_json.dump(event), str(kind).encode() if is_name else b"")


def _lines(raw: bytes) -> transcription_fields.Lines:
    """Return the lines of a text; raises `BackendError` where it is none."""
    try:
        return transcription_fields.lines(raw)
    except UnicodeDecodeError:
        raise invalid("the upstream's answer is no UTF-8") from None


def asks_nothing(body: Mapping[str, Any]) -> bool:
    """Tell that no stream is sent as it comes; raises `RequestError` where that is asked for in no form that is known."""
    asked = body.get("stream")
    if not isinstance(asked, bool | None):
        raise RequestError("invalid_type", "stream must be true or false", "/stream")
    return False


SPEECH = replace(
    COMPLETIONS,  # what is said of streams there is never asked here
    path="/audio/speech",
    request=speech_fields.request,
    response=speech_fields.streamed,
    withheld=images.withheld,
    is_streamed=asks_nothing,
    whole=spoken,
)
TRANSCRIPTIONS = replace(
    SPEECH,
    path="/audio/transcriptions",
    request=transcription_fields.request,
    response=transcription_fields.response,
    withheld=withheld,
    whole=heard,
    forms="only",
)
TRANSLATIONS = replace(TRANSCRIPTIONS, path="/audio/translations")


async def speak(request: HttpRequest) -> Response:
    """Serve `/v1/audio/speech`."""
    return await exchange(request, SPEECH)


async def transcribe(request: HttpRequest) -> Response:
    """Serve `/v1/audio/transcriptions`."""
    return await exchange(request, TRANSCRIPTIONS)


async def translate(request: HttpRequest) -> Response:
    """Serve `/v1/audio/translations`."""
    return await exchange(request, TRANSLATIONS)
