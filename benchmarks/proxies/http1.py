"""HTTP/1.1 messages: the bytes of one connection in, whole messages out. Standard library only, and quick."""

from __future__ import annotations

import re

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
END = b"\r\n\r\n"
HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "keep-alive"})
"""Headers that belong to one connection."""


class Messages:
    """Reads the requests, or the answers, that stand one after another on a connection.

    Bodies have a length or come in chunks; what says neither has none.
    """

    def __init__(self) -> None:
        self.rest = bytearray()
        self._head: bytes | None = None
        self._length: int | None = None
        self._searched = 0

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """Take bytes; returns the messages that they complete: head and body, chunks put together."""
        self.rest += data
        whole: list[tuple[bytes, bytes]] = []
        while self._began() and (body := self._body()) is not None:
            assert self._head is not None
            whole.append((self._head, body))
            self._head = None
        return whole

    def _began(self) -> bool:
        """Take the head off, if it is there."""
        if self._head is not None:
            return True
        end = self.rest.find(END)
        if end < 0:
            return False
        head = bytes(self.rest[: end + 2])
        found = LENGTH.search(head)
        self._length = None if found is None and CHUNKED.search(head) else int(found[1]) if found else 0
        self._head, self._searched = head, 0
        del self.rest[: end + len(END)]
        return True

    def _body(self) -> bytes | None:
        """Take the body off, if all of it is there."""
        if self._length is not None:
            if len(self.rest) < self._length:
                return None
            body = bytes(self.rest[: self._length])
            del self.rest[: self._length]
            return body
        return self._chunks()

    def _chunks(self) -> bytes | None:
        """Take a body of chunks off. Trailers are not understood: nobody here sends any."""
        rest = self.rest
        # Nothing is cut off before the end is there, which is looked for in what is new only.
        end = rest.find(b"0" + END, max(0, self._searched - 4))
        self._searched = len(rest)
        if end < 0:
            return None
        pieces, at = [], 0
        while True:
            line = rest.find(b"\r\n", at)
            if line < 0:
                return None
            size = int(rest[at:line].split(b";")[0], 16)
            if len(rest) < line + 4 + size:
                return None
            if not size:
                del rest[: line + 4]
                return b"".join(pieces)
            pieces.append(bytes(rest[line + 2 : line + 2 + size]))
            at = line + 4 + size
