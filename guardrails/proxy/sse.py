"""Server-sent events: bytes in, the data of each event out; and data in, events out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LINE_END = re.compile(rb"\r\n|\n|\r")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DONE = b"[DONE]"
KEEP_ALIVE = b": keep-alive\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its type (`error`, mostly none) and its data."""

    type: bytes
    data: bytes


class Events:
    """Reads a stream of events incrementally, however its bytes are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._first = True
        self._type = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take bytes; yields the events that they complete."""
        text = self._rest + piece
        if self._first and len(text) >= len(BYTE_ORDER_MARK):
            text = text.removeprefix(BYTE_ORDER_MARK)
            self._first = False
        held = text.endswith(b"\r")  # half of a line end, perhaps
        *lines, rest = LINE_END.split(text[:-1] if held else text)
        self._rest = rest + b"\r" if held else rest
        for line in lines:
            yield from self._line(line)

    def flush(self) -> Iterator[Event]:
        """Take the end of the stream; yields the event that it cut off, if there is one."""
        if self._rest:
            yield from self._line(self._rest.removesuffix(b"\r"))
            self._rest = b""
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[Event]:
        if not line:
            if self._data:
                yield Event(self._type, b"\n".join(self._data))
            self._type, self._data = b"", []
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value


def event(data: bytes, kind: bytes = b"") -> bytes:
    """Write one event, with its type where it has one."""
    name = b"event: " + kind + b"\n" if kind else b""
    return name + b"".join(b"data: " + line + b"\n" for line in data.split(b"\n")) + b"\n"


def stream(frames: Iterable[bytes]) -> bytes:
    """Write events and the end of the stream."""
    return b"".join(map(event, (*frames, DONE)))


def comment(text: str) -> bytes:
    """Write a comment, which readers of the stream skip."""
    return b": " + text.encode("ascii", "replace").replace(b"\n", b" ") + b"\n\n"
