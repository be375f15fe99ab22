"""Server-sent events: bytes in, the data of each event out; and data in, events out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = re.compile(rb"\r\n|\n|\r")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DONE = b"[DONE]"
KEEP_ALIVE = b": keep-alive\n\n"
NAME = re.compile(r"[A-Za-z0-9_.-]{0,64}")
"""The types of events of models' APIs."""

RESUMING = {b"id": re.compile(rb"[!-~]{1,512}"), b"retry": re.compile(rb"[0-9]{1,9}")}
"""What a client may come back by: one word, and a time. What says more is none, for nobody judges it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its type (`error`, mostly none), its data, and where it has them its id and the time to wait before one
    comes back.
    """

    type: bytes
    data: bytes
    id: bytes = b""
    retry: bytes = b""


class Events:
    """Reads a stream of events incrementally, however its bytes are cut."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        """What came of the line that has not ended; a long one, such as a picture's, is put together once."""
        self._first = True
        self._half_end = False
        """The last piece ended in what may be the first half of a line end."""
        self._type = b""
        self._data: list[bytes] = []
        self._resume: dict[bytes, bytes] = {}

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take bytes; yields the events that they complete."""
        if self._half_end and piece:
            piece = piece.removeprefix(b"\n")
            self._half_end = False
        if not piece:
            return
        self._half_end = piece.endswith(b"\r")
        *lines, rest = LINE_END.split(piece)
        for line in lines:
            yield from self._line(self._whole(line))
        self._parts.append(rest)

    def flush(self) -> Iterator[Event]:
        """Take the end of the stream; yields the event that it cut off, if there is one."""
        if any(self._parts):
            yield from self._line(self._whole(b""))
        yield from self._line(b"")

    def _whole(self, line: bytes) -> bytes:
        """Return a line that has ended, with what came of it before; the first one without a byte-order mark."""
        whole = b"".join((*self._parts, line))
        self._parts.clear()
        if self._first:
            self._first = False
            return whole.removeprefix(BYTE_ORDER_MARK)
        return whole

    def _line(self, line: bytes) -> Iterator[Event]:
        if not line:
            if self._data:
                resume = self._resume
                yield Event(
                    self._type, b"\n".join(self._data), resume.get(b"id", b""), resume.get(b"retry", b"")
                )
            self._type, self._data = b"", []
            if self._resume:
                self._resume = {}
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value
        elif name in RESUMING and RESUMING[name].fullmatch(value):
            self._resume[name] = value


def event(data: bytes, kind: bytes = b"", id: bytes = b"", retry: bytes = b"") -> bytes:
    """Write one event, with its type, id and time to wait where it has them."""
    head = ((b"event", kind), (b"id", id), (b"retry", retry))
    name = b"".join([field + b": " + value + b"\n" for field, value in head if value])
    return name + b"".join(b"data: " + line + b"\n" for line in data.split(b"\n")) + b"\n"


def comment(text: str) -> bytes:
    """Write a comment, which readers of the stream skip."""
    return b": " + text.encode("ascii", "replace").replace(b"\n", b" ") + b"\n\n"
