"""What a plugin needs to describe an API of models of its own: a `Protocol`, which the proxy serves where the setting `protocols`
names it.

Provisional: these names may still change in a minor version, each time with an entry of the changelog that says how.
"""

from __future__ import annotations

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    Table,
    by_table,
    each,
    flag,
    identifier,
    keep,
    refuse,
    text,
)
from guardrails.engine.content.payload import apply_edits
from guardrails.engine.model import Outcome
from guardrails.protocols.protocol import Body, Protocol, StreamFormat
from guardrails.protocols.providers import Provider
from guardrails.protocols.streaming.codec import Event, EventReading, Patch, StreamCodec, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText

__all__ = [
    "Body",
    "ContentTree",
    "Event",
    "EventReading",
    "Outcome",
    "Patch",
    "Protocol",
    "Provider",
    "StreamCodec",
    "StreamFormat",
    "StreamedText",
    "Table",
    "apply_edits",
    "by_table",
    "each",
    "flag",
    "identifier",
    "keep",
    "malformed_event",
    "refuse",
    "text",
]
