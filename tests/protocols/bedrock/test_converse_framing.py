"""How Bedrock writes its streams: each event a message with its name, failures as exceptions."""

from __future__ import annotations

import json

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.bedrock.converse_framing import MESSAGES
from guardrails.wire import event_stream, sse

EVENTS = [{"messageStart": {"role": "assistant"}}, {"messageStop": {"stopReason": "end_turn"}}]


def test_events_are_written_and_read_again() -> None:
    """In pieces of any size."""
    raw = MESSAGES.writer().feed(b"".join(sse.event(json.dumps(each).encode()) for each in EVENTS))
    assert [message.headers[":event-type"] for message in event_stream.Messages().feed(raw)] == [
        "messageStart",
        "messageStop",
    ]
    reader = MESSAGES.reader()
    found = [event for at in range(0, len(raw), 7) for event in reader.feed(raw[at : at + 7])]
    assert [json.loads(event.data) for event in found] == EVENTS
    assert [*reader.flush()] == []


def test_an_exception_is_an_error_and_an_error_an_exception() -> None:
    """What is no message cannot be judged."""
    raw = MESSAGES.writer().feed(sse.event(b'{"error": {"message": "broken"}}'))
    [message] = event_stream.Messages().feed(raw)
    assert message.headers[":message-type"] == "exception"
    [event] = MESSAGES.reader().feed(raw)
    assert json.loads(event.data) == {"error": {"message": "broken"}}
    with pytest.raises(BackendError):
        [*MESSAGES.reader().feed(b"x" * 20)]
