"""OpenAI's audio API: how it is read. A sound is judged before the caller has any of it, and so is what was heard in one.

Streams of either are held to their end. Nothing refuses in place of a sound, so that a block is always raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.backends import filed
from guardrails.backends.answers import broken
from guardrails.backends.events import NAME, Event, Events
from guardrails.backends.exchange import AS_JSON, STREAM, Api, Body, Wire
from guardrails.engine import images, speech, subject, transcriptions
from guardrails.engine.subject import Subject
from guardrails.types import Audio


def asked(body: Body) -> Subject:
    """Read a request for speech."""
    return subject.body(body, speech.request(body))


def spoken(answer: Any) -> Subject:
    """Read a sound, or the events of a stream of one."""
    if isinstance(answer, filed.File):
        return filed.response(answer)
    return subject.body(answer, speech.streamed(answer))


def sent(body: Body) -> Subject:
    """Read a request to hear a sound."""
    return subject.body(body, transcriptions.request(body), images.uploaded)


def heard(answer: Any) -> Subject:
    """Read what was heard."""
    return subject.body(answer, transcriptions.response(answer), transcriptions.changed)


def _events(raw: bytes) -> list[dict[str, Any]]:
    """Return what the events of a stream say."""
    return [event.data for event in Events().feed(raw)]


def _told(left: Mapping[str, Any]) -> bytes:
    """Write what is left of the events of a stream, each named by its type: what else stood there was not judged."""
    return b"".join(Event(_name(event.get("type")), event).dump() for event in left["events"])


def _name(kind: Any) -> str:
    return kind if isinstance(kind, str) and NAME.fullmatch(kind) else ""


def _lines(raw: bytes, kind: str, asked: Body) -> transcriptions.Lines:
    try:
        return transcriptions.lines(raw)
    except UnicodeDecodeError:
        raise broken("it is not UTF-8") from None


def _joined(left: Mapping[str, Any]) -> bytes:
    return "".join(left["lines"]).encode()


SOUND = filed.as_file(Audio, speech.header)
SOUNDS = Wire(
    STREAM.__eq__, lambda raw, _, asked: speech.Events(events=_events(raw), asked=asked), _told, exact=False
)
SAID = Wire(
    STREAM.__eq__, lambda raw, _, asked: transcriptions.Events(events=_events(raw)), _told, exact=False
)
LINES = Wire(transcriptions.PLAIN.__contains__, _lines, _joined)

SPEECH = Api(asked, spoken, wires=(SOUND, SOUNDS))
HEARD = Api(sent, heard, forms=True, wires=(AS_JSON, SAID, LINES))

CALLS: dict[str, Api | None] = {
    "POST /audio/speech": SPEECH,
    **dict.fromkeys(["POST /audio/transcriptions", "POST /audio/translations"], HEARD),
}
"""The rows of a wrapped client."""
