"""The media types in which APIs answer: JSON, but for those of sounds, transcripts and films."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.protocols.audio import speech_fields, transcription_fields
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.streaming.codec import build_event, dump_events
from guardrails.types import Audio
from guardrails.wrapping.sdk.body_formats import JSON_FORMAT, Body, BodyFormat, unreadable_answer
from guardrails.wrapping.sdk.events import ClientEventReader
from guardrails.wrapping.sdk.exchange import STREAM
from guardrails.wrapping.sdk.file_answers import file_format


def _read_events(raw: bytes) -> list[dict[str, Any]]:
    """Return what the events of a stream say."""
    return [event.data for event in ClientEventReader().feed(raw)]


def _write_events(left: Mapping[str, Any]) -> bytes:
    """Write what is left of the events of a stream, each named by its type: what else stood there was not judged."""
    return dump_events(map(build_event, left["events"]))


def _read_lines(raw: bytes, kind: str, asked: Body) -> transcription_fields.Lines:
    try:
        return transcription_fields.lines(raw)
    except UnicodeDecodeError:
        raise unreadable_answer("it is not UTF-8") from None


def _write_lines(left: Mapping[str, Any]) -> bytes:
    return "".join(left["lines"]).encode()


SPEECH_STREAM = BodyFormat(
    STREAM.__eq__,
    lambda raw, _, asked: speech_fields.Events(events=_read_events(raw), asked=asked),
    _write_events,
    exact=False,
)
TRANSCRIPT_STREAM = BodyFormat(
    STREAM.__eq__,
    lambda raw, _, asked: transcription_fields.Events(events=_read_events(raw)),
    _write_events,
    exact=False,
)
LINES = BodyFormat(transcription_fields.PLAIN.__contains__, _read_lines, _write_lines)
TRANSCRIPTS = (JSON_FORMAT, TRANSCRIPT_STREAM, LINES)

FORMATS: Mapping[str, tuple[BodyFormat, ...]] = {
    "openai.audio.speech": (file_format(Audio, speech_fields.wav_header), SPEECH_STREAM),
    "openai.audio.transcriptions": TRANSCRIPTS,
    "openai.audio.translations": TRANSCRIPTS,
    "openai.videos.content": (file_format(),),
}
"""Name of a protocol → the forms of its answers, where these are not JSON alone."""


def formats_of(protocol: Protocol) -> tuple[BodyFormat, ...]:
    """Return the forms in which an API's answers are read; the first that fits a media type counts."""
    return FORMATS.get(protocol.name, (JSON_FORMAT,))
