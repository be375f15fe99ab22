"""Event streams of AWS (`application/vnd.amazon.eventstream`): the bytes of a stream in, the messages of it out, and back.

A message is its length, that of its headers and a checksum of both; the headers; the payload; and a checksum of all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

TYPE: Final = "application/vnd.amazon.eventstream"
PRELUDE: Final = 12
LARGEST: Final = 24 * 1024 * 1024
STRING: Final = 7
SIZES: Final[Mapping[int, int]] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Types of values of headers that are no texts → how many bytes they have."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: those of its headers that are texts, and its payload."""

    headers: Mapping[str, str]
    payload: bytes


class Messages:
    """Reads a stream incrementally, however its bytes are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Message]:
        """Take bytes; yield the messages that they complete.

        Raises:
            ValueError: they are no such stream.
        """
        self._rest += piece
        while len(self._rest) >= PRELUDE:
            total, size, check = struct.unpack_from(">III", self._rest)
            if crc32(self._rest[:8]) != check or not PRELUDE + size + 4 <= total <= LARGEST:
                raise ValueError("a message of an event stream has a wrong length")
            if len(self._rest) < total:
                return
            raw, self._rest = self._rest[:total], self._rest[total:]
            if crc32(raw[:-4]) != struct.unpack(">I", raw[-4:])[0]:
                raise ValueError("a message of an event stream has a wrong checksum")
            yield Message(_headers(raw[PRELUDE : PRELUDE + size]), raw[PRELUDE + size : -4])


def _headers(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(raw):
            name = raw[at + 1 : at + 1 + raw[at]].decode()
            at += 1 + raw[at]
            kind, at = raw[at], at + 1
            if kind in SIZES:
                at += SIZES[kind]
                continue
            [size] = struct.unpack_from(">H", raw, at)
            if kind == STRING:
                found[name] = raw[at + 2 : at + 2 + size].decode()
            at += 2 + size
    except (IndexError, struct.error, UnicodeDecodeError):
        raise ValueError("a message of an event stream has malformed headers") from None
    return found


def dump(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Write a message."""
    written = b"".join(
        struct.pack(">B", len(name.encode()))
        + name.encode()
        + struct.pack(">BH", STRING, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", PRELUDE + len(written) + len(payload) + 4, len(written))
    head = prelude + struct.pack(">I", crc32(prelude)) + written + payload
    return head + struct.pack(">I", crc32(head))
