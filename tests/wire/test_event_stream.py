"""Event streams of AWS: read however they are cut, written as botocore reads them, and nothing read that is none."""

from __future__ import annotations

import struct

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire.event_stream import Message, Messages, dump
from tests.cases import each_case

HEADERS = {":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"}


@given(st.lists(st.binary(max_size=64), max_size=4), st.integers(1, 50))
def test_what_is_written_is_read_however_it_is_cut(payloads: list[bytes], size: int) -> None:
    """By this reader and by botocore's."""
    raw = b"".join(dump(HEADERS, payload) for payload in payloads)
    reader, buffer = Messages(), EventStreamBuffer()
    found = [each for start in range(0, len(raw), size) for each in reader.feed(raw[start : start + size])]
    assert found == [Message(HEADERS, payload) for payload in payloads]
    buffer.add_data(raw)
    assert [(each.headers, each.payload) for each in buffer] == [(HEADERS, payload) for payload in payloads]


def test_headers_that_are_no_texts_are_skipped() -> None:
    """Numbers, bytes and truths."""
    others = b"".join(
        bytes([1]) + name + value
        for name, value in (
            (b"t", b"\x00"),
            (b"i", b"\x04\x00\x00\x00\x01"),
            (b"b", b"\x06\x00\x02ab"),
            (b"s", b"\x07\x00\x02hi"),
        )
    )
    from zlib import crc32

    prelude = struct.pack(">II", 12 + len(others) + 4, len(others))
    head = prelude + struct.pack(">I", crc32(prelude)) + others
    [message] = Messages().feed(head + struct.pack(">I", crc32(head)))
    assert message == Message({"s": "hi"}, b"")


@each_case("at", [0, 5, 9, 20, -1], ids=str)
def test_bytes_that_were_changed_are_refused(at: int) -> None:
    """By the checksums of the lengths and of the whole."""
    raw = bytearray(dump(HEADERS, b"payload"))
    raw[at] ^= 0xFF
    with pytest.raises(ValueError, match="event stream"):
        [*Messages().feed(bytes(raw))]
