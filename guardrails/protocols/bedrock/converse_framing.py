"""How Bedrock writes a stream of its Converse API: each event in a message of AWS's event stream, which has its name."""

from __future__ import annotations

import json
from typing import Final

from guardrails.protocols.streaming.event_messages import frame_messages
from guardrails.wire import event_stream, sse


def _read(message: event_stream.Message) -> sse.Event:
    """Return a message as the mapping that botocore makes of it."""
    told = json.loads(message.payload or b"{}")
    is_event = message.headers.get(":message-type") == "event"
    name = message.headers.get(":event-type", "") if is_event else "error"
    return sse.Event(b"", json.dumps({name: told}).encode())


def _write(event: sse.Event) -> bytes:
    [(name, told)] = json.loads(event.data).items()
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    if name == "error":
        headers = {":exception-type": "internalServerException", ":message-type": "exception"}
    return event_stream.dump(headers, json.dumps(told).encode())


MESSAGES: Final = frame_messages(_read, _write)
