"""Framing of streams in the messages of AWS's event stream: how the messages of one API are read as events, and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from guardrails.errors import BackendError
from guardrails.protocols.protocol import Framing
from guardrails.wire import event_stream, sse

ReadMessage = Callable[[event_stream.Message], sse.Event]
"""Returns the event that a message is; raises `ValueError` where it is none."""

WriteMessage = Callable[[sse.Event], bytes]
"""Returns the message that an event is."""


class MessageReader:
    """Reads the messages of a stream as events, by what an API says of one."""

    def __init__(self, read: ReadMessage) -> None:
        self._read = read
        self._messages = event_stream.Messages()

    def feed(self, piece: bytes) -> Iterator[sse.Event]:
        """Take bytes; yield the events that they complete.

        Raises:
            BackendError: they are no such stream.
        """
        try:
            yield from map(self._read, self._messages.feed(piece))
        except ValueError as error:
            raise BackendError(
                f"the model's answer cannot be judged: {error}", 502, "upstream_invalid"
            ) from None

    def flush(self) -> Iterator[sse.Event]:
        """Nothing of a message that was cut off is an event."""
        return iter(())


class MessageWriter:
    """Writes server-sent events as messages, by what an API says of one."""

    headers: Mapping[str, str] = {"content-type": event_stream.TYPE}

    def __init__(self, write: WriteMessage) -> None:
        self._write = write
        self._events = sse.Events()

    def feed(self, raw: bytes) -> bytes:
        """Take whole events; return the messages that they are."""
        return b"".join(map(self._write, self._events.feed(raw)))

    def flush(self) -> bytes:
        """Nothing follows."""
        return b""


def frame_messages(read: ReadMessage, write: WriteMessage) -> Framing:
    """Return the framing of an API, given how one message is read and how one event is written."""
    return Framing(
        media_type=event_stream.TYPE,
        reader=partial(MessageReader, read),
        writer=partial(MessageWriter, write),
        keep_alive=b"",
    )
