"""The media types in which answers come, other than JSON."""

from __future__ import annotations

import pytest

from guardrails import BackendError
from guardrails.protocols.audio.protocol import SPEECH, TRANSCRIPTIONS
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.registry import load_protocols
from guardrails.wrapping.sdk.answer_formats import FORMATS, LINES, TRANSCRIPT_STREAM, formats_of
from guardrails.wrapping.sdk.body_formats import JSON, JSON_FORMAT


def test_an_answer_is_json_unless_its_protocol_has_others() -> None:
    """All that are named are protocols."""
    assert formats_of(CHAT) == (JSON_FORMAT,)
    assert {*FORMATS} <= {each.name for each in load_protocols()}
    assert any(each.fits("audio/mpeg") for each in formats_of(SPEECH))
    assert any(each.fits(JSON) for each in formats_of(TRANSCRIPTIONS))


def test_lines_and_events_are_written_as_they_were_read() -> None:
    """An event is named by its type alone."""
    assert LINES.write(LINES.read(b"one\ntwo\n", "text/plain", {})) == b"one\ntwo\n"
    with pytest.raises(BackendError, match="UTF-8"):
        LINES.read(b"\xff", "text/plain", {})
    raw = b'event: odd\ndata: {"type":"a"}\n\n'
    answer = TRANSCRIPT_STREAM.read(raw, "text/event-stream", {})
    assert TRANSCRIPT_STREAM.write(answer) == b'event: a\ndata: {"type":"a"}\n\n'
