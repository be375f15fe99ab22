"""Streams in the messages of AWS's event stream, whatever an API puts in one."""

from __future__ import annotations

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.streaming.event_messages import frame_messages
from guardrails.wire import event_stream, sse
from tests.cases import each_case


def read(message: event_stream.Message) -> sse.Event:
    """Return the event of a message; one without words is none."""
    if not message.payload:
        raise ValueError("it is empty")
    return sse.Event(b"", message.payload)


FRAMING = frame_messages(read, lambda event: event_stream.dump({}, event.data))


def test_what_is_written_is_read_again() -> None:
    """Also in pieces; what is cut off is no event."""
    writer, reader = FRAMING.writer(), FRAMING.reader()
    raw = writer.feed(b"data: one\n\ndata: two\n\n") + writer.flush()
    pieces = [raw[:9], raw[9:], raw[:5]]
    assert [event.data for piece in pieces for event in reader.feed(piece)] == [b"one", b"two"]
    assert [*reader.flush()] == []


@each_case("raw", [b"\xff" * 40, event_stream.dump({}, b"")])
def test_what_is_no_such_stream_is_an_error_of_the_upstream(raw: bytes) -> None:
    """Bytes that are no messages, and messages of which the API makes nothing."""
    with pytest.raises(BackendError, match="the model's answer cannot be judged"):
        list(FRAMING.reader().feed(raw))
