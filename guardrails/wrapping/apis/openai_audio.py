"""OpenAI's audio API: how it is read. A sound is judged before the caller has any of it, and so is what was heard in one.

Streams of either are held to their end. Nothing refuses in place of a sound, so that a block is always raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.payload import Payload
from guardrails.protocols.audio import speech_fields, transcription_fields
from guardrails.protocols.images import images_fields
from guardrails.types import Audio
from guardrails.wrapping.sdk import file_answers
from guardrails.wrapping.sdk.answers import broken
from guardrails.wrapping.sdk.events import NAME, Event, Events
from guardrails.wrapping.sdk.exchange import AS_JSON, STREAM, Api, Body, Wire


def asked(body: Body) -> Payload:
    """Read a request for speech."""
    return payload.body(body, speech_fields.request(body))


def spoken(answer: Any) -> Payload:
    """Read a sound, or the events of a stream of one."""
    if isinstance(answer, file_answers.File):
        return file_answers.response(answer)
    return payload.body(answer, speech_fields.streamed(answer))


def sent(body: Body) -> Payload:
    """Read a request to hear a sound."""
    return payload.body(body, transcription_fields.request(body), images_fields.uploaded)


def heard(answer: Any) -> Payload:
    """Read what was heard."""
    return payload.body(answer, transcription_fields.response(answer), transcription_fields.changed)


def _events(raw: bytes) -> list[dict[str, Any]]:
    """Return what the events of a stream say."""
    return [event.data for event in Events().feed(raw)]


def _told(left: Mapping[str, Any]) -> bytes:
    """Write what is left of the events of a stream, each named by its type: what else stood there was not judged."""
    return b"".join(Event(_name(event.get("type")), event).dump() for event in left["events"])


def _name(kind: Any) -> str:
    return kind if isinstance(kind, str) and NAME.fullmatch(kind) else ""


def _lines(raw: bytes, kind: str, asked: Body) -> transcription_fields.Lines:
    try:
        return transcription_fields.lines(raw)
    except UnicodeDecodeError:
        raise broken("it is not UTF-8") from None


def _joined(left: Mapping[str, Any]) -> bytes:
    return "".join(left["lines"]).encode()


SOUND = file_answers.as_file(Audio, speech_fields.header)
SOUNDS = Wire(
    STREAM.__eq__,
    lambda raw, _, asked: speech_fields.Events(events=_events(raw), asked=asked),
    _told,
    exact=False,
)
SAID = Wire(
    STREAM.__eq__, lambda raw, _, asked: transcription_fields.Events(events=_events(raw)), _told, exact=False
)
LINES = Wire(transcription_fields.PLAIN.__contains__, _lines, _joined)

SPEECH = Api(asked, spoken, wires=(SOUND, SOUNDS))
HEARD = Api(sent, heard, forms=True, wires=(AS_JSON, SAID, LINES))

CALLS: dict[str, Api | None] = {
    "POST /audio/speech": SPEECH,
    **dict.fromkeys(["POST /audio/transcriptions", "POST /audio/translations"], HEARD),
}
"""The rows of a wrapped client."""
