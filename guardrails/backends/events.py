"""The bytes of a stream of server-sent events in, its events out, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from guardrails.backends.answers import broken, parsed
from guardrails.engine.exact import write

LINE_END = re.compile(rb"\r\n|\r|\n")
NAME = re.compile(r"[A-Za-z0-9_.-]{0,64}")
DONE = "[DONE]"
END = f"data: {DONE}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name ("" where it has none), its data parsed, and the data as it was written."""

    name: str
    data: dict[str, Any]
    written: str = field(default="", compare=False)

    def dump(self) -> bytes:
        """Return the event as it is sent."""
        head = f"event: {self.name}\n" if self.name else ""
        lines = (self.written or write(self.data, ascii_only=True)).split("\n")
        return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode("utf-8")


class Events:
    """Reads a stream however its bytes are cut; comments, ids and what follows the end are left out. `done`: it said `[DONE]`."""

    def __init__(self) -> None:
        self.done = False
        self._line: list[bytes] = []
        self._half = False
        """The last line ended in what may be half of a line end."""
        self._name = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take bytes; yields each event that an empty line ends in them.

        Raises:
            BackendError: an event is none that can be judged.
        """
        if not piece:
            return
        if self._half:
            piece = piece.removeprefix(b"\n")
        *lines, rest = LINE_END.split(piece)
        self._half = piece.endswith(b"\r")
        for line in lines:
            self._line.append(line)
            whole = b"".join(self._line)
            self._line = []
            event = None if self.done else self._take(whole)
            if event is not None:
                yield event
        self._line.append(rest)

    def _take(self, line: bytes) -> Event | None:
        """Take a line; return the event that it ends."""
        if line:
            try:
                label, _, value = line.decode("utf-8").partition(":")
            except UnicodeDecodeError:
                raise broken("its stream is not UTF-8") from None
            if label == "event":
                self._name = value.removeprefix(" ")
            elif label == "data":
                self._data.append(value.removeprefix(" "))
            return None
        name, written = self._name, "\n".join(self._data)
        self._name, self._data = "", []
        if written.startswith(DONE):
            self.done = True
            return None
        if not written:
            return None
        if NAME.fullmatch(name) is None:
            raise broken("an event of its stream has a name of no known form")
        return Event(name, parsed(written), written)
