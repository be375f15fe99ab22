"""How Bedrock writes a stream of its Converse API: each event in a message of AWS's event stream, which has its name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from guardrails.errors import BackendError
from guardrails.protocols.protocol import Framing
from guardrails.wire import event_stream, sse


class ConverseReader:
    """Reads the events of a stream, each as the mapping that botocore makes of it."""

    def __init__(self) -> None:
        self._messages = event_stream.Messages()

    def feed(self, piece: bytes) -> Iterator[sse.Event]:
        """Take bytes; yield the events that they complete.

        Raises:
            BackendError: they are no such stream.
        """
        try:
            for message in self._messages.feed(piece):
                told = json.loads(message.payload or b"{}")
                is_event = message.headers.get(":message-type") == "event"
                name = message.headers.get(":event-type", "") if is_event else "error"
                yield sse.Event(b"", json.dumps({name: told}).encode())
        except ValueError as error:
            raise BackendError(
                f"the model's answer cannot be judged: {error}", 502, "upstream_invalid"
            ) from None

    def flush(self) -> Iterator[sse.Event]:
        """Nothing of a message that was cut off is an event."""
        return iter(())


class ConverseWriter:
    """Writes server-sent events as messages."""

    headers: Mapping[str, str] = {"content-type": event_stream.TYPE}

    def __init__(self) -> None:
        self._events = sse.Events()

    def feed(self, raw: bytes) -> bytes:
        """Take whole events; return the messages that they are."""
        return b"".join(map(_write, self._events.feed(raw)))

    def flush(self) -> bytes:
        """Nothing follows."""
        return b""


def _write(event: sse.Event) -> bytes:
    [(name, told)] = json.loads(event.data).items()
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    if name == "error":
        headers = {":exception-type": "internalServerException", ":message-type": "exception"}
    return event_stream.dump(headers, json.dumps(told).encode())


MESSAGES: Final = Framing(
    media_type=event_stream.TYPE, reader=ConverseReader, writer=ConverseWriter, keep_alive=b""
)
