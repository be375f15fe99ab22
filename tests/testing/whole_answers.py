"""Reads streams as the proxy does: the whole answer that the events of one make up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from guardrails.engine.values.writer import value_at
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.streaming.assembler import Assembler
from guardrails.testing.streams import begin_text


def read_whole(protocol: Protocol, pieces: Iterable[bytes]) -> tuple[Any, int]:
    """Return the answer that a stream of bytes holds, and of how many events it is made."""
    assert protocol.stream is not None
    reader, codec, assembler = protocol.stream.framing.reader(), protocol.stream.codec(), Assembler()
    events = [event for piece in pieces for event in reader.feed(piece)]
    count = 0
    for event in [*events, *reader.flush()]:
        if event.data in (b"", b"[DONE]"):
            continue
        data = json.loads(event.data)
        item = codec.read(data, event.type.decode(), begin_text)
        for grown, path in item.grows:
            grown.whole(value_at(data, path))
        assembler.take(item)
        count += 1
    assembler.apply(codec.finish())
    return assembler.answer(), count
