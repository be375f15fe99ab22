"""Lines of JSON: the bytes of a stream in, the data of each line out; and server-sent events in, lines out.

A line has no comments: what the proxy says of its checks stands in the line behind it, in fields of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guardrails.wire import sse, strict_json

TYPE = "application/x-ndjson"
DATA = b"data: "

NOTED = b": x-guardrails-"
"""What a comment begins with that tells of the checks behind a stream's headers."""


class Lines:
    """Reads a stream of lines incrementally, however its bytes are cut; empty ones are skipped."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[sse.Event]:
        """Take bytes; yields the lines that they complete."""
        *lines, rest = piece.split(b"\n")
        for line in lines:
            whole = b"".join((*self._rest, line))
            self._rest.clear()
            yield from _event(whole)
        self._rest.append(rest)

    def flush(self) -> Iterator[sse.Event]:
        """Take the end of the stream; yields the line that it cut off, if there is one."""
        whole = b"".join(self._rest)
        self._rest.clear()
        yield from _event(whole)


def _event(line: bytes) -> Iterator[sse.Event]:
    data = line.strip()
    if data:
        yield sse.Event(b"", data)


class Recast:
    """Writes server-sent events as lines. What a comment tells stands in the line behind it, in fields of their own.

    Args:
        silent: a line that says nothing of the answer, as a sign of life.
    """

    headers: Mapping[str, str] = {
        "content-type": TYPE,
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
    }

    def __init__(self, silent: bytes) -> None:
        self._silent = silent
        self._noted = b""

    def feed(self, raw: bytes) -> bytes:
        """Take whole events and comments; return the lines that they are."""
        return b"".join(map(self._line, filter(None, raw.split(b"\n\n"))))

    def _line(self, event: bytes) -> bytes:
        """Return the line of an event, b"" where there is none."""
        if event.startswith(NOTED):
            told = (each.partition(": ") for each in event[2:].decode().split("; "))
            self._noted = strict_json.dump({name: value for name, _, value in told})
            return b""
        if event.startswith(b":"):
            return self._with_noted(self._silent)
        lines = event.split(b"\n")
        return self._with_noted(b"".join(line.removeprefix(DATA) for line in lines if line.startswith(DATA)))

    def _with_noted(self, line: bytes) -> bytes:
        """Return a line that begins with what was noted."""
        noted, self._noted = self._noted, b""
        return (noted.removesuffix(b"}") + b"," + line.removeprefix(b"{") if noted else line) + b"\n"

    def flush(self) -> bytes:
        """Return what was noted behind the last line."""
        return self._with_noted(self._silent) if self._noted else b""
