"""How Gemini's API writes a stream: server-sent events in; events without comments, or one array of JSON, out.

Google's clients read every line: those of Python stop at a comment. So a sign of life is an empty line, and what the proxy says
of its checks stands in the chunk behind it, in fields of their own, which these clients skip. In an error they stand behind it:
the client of Python takes a chunk for an error only where it begins with `error`.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.protocols.protocol import EventStream
from guardrails.wire import sse, strict_json

DATA = b"data: "
NOTED = b": x-guardrails-"
"""What a comment begins with that tells of the checks."""


class ChunkWriter:
    """Writes events that have only data."""

    headers: Mapping[str, str] = EventStream.headers

    def __init__(self) -> None:
        self._noted: dict[str, str] = {}

    def feed(self, raw: bytes) -> bytes:
        """Take whole events and comments; return how they are sent."""
        return b"".join(map(self._block, filter(None, raw.split(b"\n\n"))))

    def _block(self, block: bytes) -> bytes:
        if block.startswith(NOTED):
            told = (each.partition(": ") for each in block[2:].decode().split("; "))
            self._noted = {name: value for name, _, value in told}
            return b""
        if block.startswith(b":"):
            return self.sign()
        data = b"".join(line.removeprefix(DATA) for line in block.split(b"\n") if line.startswith(DATA))
        if self._noted:
            body = strict_json.parse(data, halves=True)
            own = {name: body[name] for name in body if name not in self._noted}
            data = strict_json.dump(own | self._noted if "error" in own else self._noted | own)
            self._noted = {}
        return self.chunk(data)

    def sign(self) -> bytes:
        """Return a sign of life."""
        return b"\n"

    def chunk(self, data: bytes) -> bytes:
        """Return how a chunk is sent."""
        return sse.event(data)

    def flush(self) -> bytes:
        """Nothing follows."""
        return b""


class ArrayWriter(ChunkWriter):
    """Writes an array, an entry for each event."""

    headers: Mapping[str, str] = {**EventStream.headers, "content-type": "application/json; charset=utf-8"}

    def __init__(self) -> None:
        super().__init__()
        self._before = b"["

    def sign(self) -> bytes:
        """Return a sign of life."""
        if self._before != b"[":
            return b"\n"
        self._before = b""
        return b"[\n"

    def chunk(self, data: bytes) -> bytes:
        """Return an entry."""
        before, self._before = self._before, b",\r\n"
        return before + data

    def flush(self) -> bytes:
        """Return the end of the array."""
        return b"[]" if self._before == b"[" else b"]"
