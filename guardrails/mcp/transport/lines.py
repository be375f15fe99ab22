"""Splits bytes into lines, however they are cut; a line that is too long is told as None."""

from __future__ import annotations

from collections.abc import Iterator


class LineSplitter:
    """Splits a stream into lines of at most `limit` bytes, without their ends. Each byte is looked at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Take bytes; yields the lines that they complete."""
        *whole, rest = piece.split(b"\n")
        for line in whole:
            self._take_line(line)
            yield from self._line()
        self._take_line(rest)

    def flush(self) -> Iterator[bytes | None]:
        """Take the end; yields a last line that nothing ends."""
        yield from self._line()

    def _take_line(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            self._pieces = []
        elif piece:
            self._pieces.append(piece)

    def _line(self) -> Iterator[bytes | None]:
        line, size = b"".join(self._pieces), self._size
        self._pieces, self._size = [], 0
        if size > self._limit:
            yield None
        elif line.strip():
            yield line
