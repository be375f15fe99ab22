"""How Bedrock writes a stream of Anthropic's: each event in Base64 in a message of AWS's event stream."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from guardrails.protocols.streaming.event_messages import frame_messages
from guardrails.wire import event_stream, sse

CHUNK: Final = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


def _read_event(message: event_stream.Message) -> sse.Event:
    """Return the event of a message, an exception as Anthropic's own API tells an error."""
    data = _read(message)
    return sse.Event(_type_of(data), data)


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


def write_message(event: sse.Event) -> bytes:
    """Return the message of an event."""
    if event.type == b"error":
        error = json.loads(event.data).get("error", {})
        headers = {":exception-type": str(error.get("type", "")), ":message-type": "exception"}
        return event_stream.dump(headers, json.dumps({"message": str(error.get("message", ""))}).encode())
    return event_stream.dump(CHUNK, json.dumps({"bytes": base64.b64encode(event.data).decode()}).encode())


CHUNKS: Final = frame_messages(_read_event, write_message)
