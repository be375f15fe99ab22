"""How Bedrock writes a stream of Anthropic's: each event in Base64 in a message of AWS's event stream."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.errors import BackendError
from guardrails.protocols.protocol import Framing
from guardrails.wire import event_stream, sse

CHUNK: Final = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


class ChunkReader:
    """Reads the events of a stream, and its exceptions as Anthropic's own API tells an error."""

    def __init__(self) -> None:
        self._messages = event_stream.Messages()

    def feed(self, piece: bytes) -> Iterator[sse.Event]:
        """Take bytes; yield the events that they complete.

        Raises:
            BackendError: they are no such stream.
        """
        try:
            for message in self._messages.feed(piece):
                data = _read(message)
                yield sse.Event(_type_of(data), data)
        except ValueError as error:
            raise BackendError(
                f"the model's answer cannot be judged: {error}", 502, "upstream_invalid"
            ) from None

    def flush(self) -> Iterator[sse.Event]:
        """Nothing of a message that was cut off is an event."""
        return iter(())


def _read(message: event_stream.Message) -> bytes:
    """Return what a message says, as an event of Anthropic's; raises `ValueError` where it says nothing."""
    told: Any = json.loads(message.payload or b"{}")
    if not isinstance(told, dict):
        raise ValueError("a message of an event stream is no object")
    if message.headers.get(":message-type") == "event":
        return base64.b64decode(str(told.get("bytes", "")), validate=True)
    kind = message.headers.get(":exception-type") or message.headers.get(":error-code") or "api_error"
    words = told.get("message") or message.headers.get(":error-message") or ""
    return json.dumps({"type": "error", "error": {"type": kind, "message": str(words)}}).encode()


def _type_of(data: bytes) -> bytes:
    told: Any = json.loads(data)
    kind = told.get("type") if isinstance(told, dict) else None
    return kind.encode() if isinstance(kind, str) else b""


class ChunkWriter:
    """Writes server-sent events as messages."""

    headers: Mapping[str, str] = {"content-type": event_stream.TYPE}

    def __init__(self) -> None:
        self._events = sse.Events()

    def feed(self, raw: bytes) -> bytes:
        """Take whole events; return the messages that they are."""
        return b"".join(map(write_message, self._events.feed(raw)))

    def flush(self) -> bytes:
        """Nothing follows."""
        return b""


def write_message(event: sse.Event) -> bytes:
    """Return the message of an event."""
    if event.type == b"error":
        error = json.loads(event.data).get("error", {})
        headers = {":exception-type": str(error.get("type", "")), ":message-type": "exception"}
        return event_stream.dump(headers, json.dumps({"message": str(error.get("message", ""))}).encode())
    return event_stream.dump(CHUNK, json.dumps({"bytes": base64.b64encode(event.data).decode()}).encode())


CHUNKS: Final = Framing(media_type=event_stream.TYPE, reader=ChunkReader, writer=ChunkWriter, keep_alive=b"")
