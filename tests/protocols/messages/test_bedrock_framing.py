"""How Bedrock writes streams of Anthropic's: events in messages of AWS, failures as exceptions."""

from __future__ import annotations

import json

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.messages.bedrock_framing import CHUNKS
from guardrails.wire import event_stream, sse
from tests.cases import each_case

EVENTS = [
    sse.Event(b"ping", b'{"type": "ping"}'),
    sse.Event(b"content_block_delta", b'{"type": "content_block_delta", "delta": {"text": "\\u00e9"}}'),
]


def test_events_are_written_and_read_again() -> None:
    """In pieces of any size."""
    raw = CHUNKS.writer().feed(b"".join(sse.event(each.data, each.type) for each in EVENTS))
    reader = CHUNKS.reader()
    found = [event for at in range(0, len(raw), 7) for event in reader.feed(raw[at : at + 7])]
    assert found == EVENTS
    assert [*reader.flush()] == []


def test_an_exception_is_an_error_and_an_error_an_exception() -> None:
    """With its type and its words."""
    headers = {":exception-type": "throttlingException", ":message-type": "exception"}
    [event] = CHUNKS.reader().feed(event_stream.dump(headers, b'{"message": "too many"}'))
    error = {"type": "throttlingException", "message": "too many"}
    assert (event.type, json.loads(event.data)) == (b"error", {"type": "error", "error": error})
    [message] = event_stream.Messages().feed(CHUNKS.writer().feed(sse.event(event.data, event.type)))
    assert (message.headers, json.loads(message.payload)) == (headers, {"message": "too many"})


@each_case("payload", [b"[]", b"{", b'{"bytes": "%%%"}', b'{"bytes": "eA=="}'])
def test_what_is_no_event_cannot_be_judged(payload: bytes) -> None:
    """It is an error of the upstream's."""
    with pytest.raises(BackendError):
        [*CHUNKS.reader().feed(event_stream.dump({":message-type": "event"}, payload))]
