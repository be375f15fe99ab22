"""The bytes of a stream of server-sent events in, its events out, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from guardrails.backends.answers import broken, parsed
from guardrails.engine.exact import write

LINE_END = re.compile(r"\r\n|\r|\n")
NAME = re.compile(r"[A-Za-z0-9_.-]{0,64}")
DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name ("" where it has none), its data parsed, and the data as it was written."""

    name: str
    data: dict[str, Any]
    written: str = field(default="", compare=False)

    def dump(self) -> str:
        """Return the event as it is sent."""
        head = f"event: {self.name}\n" if self.name else ""
        lines = (self.written or write(self.data, ascii_only=True)).split("\n")
        return head + "".join(f"data: {line}\n" for line in lines) + "\n"


def read(raw: bytes) -> tuple[list[Event], bool]:
    """Return the events of a stream and whether it said `[DONE]`; comments, ids and what follows the end are left out.

    Raises:
        BackendError: an event is none that can be judged.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise broken("its stream is not UTF-8") from None
    events: list[Event] = []
    for name, written in _fields(text):
        if written.startswith(DONE):
            return events, True
        if NAME.fullmatch(name) is None:
            raise broken("an event of its stream has a name of no known form")
        if written:
            events.append(Event(name, parsed(written), written))
    return events, False


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and data of each event that an empty line ends; what ends without one is no event yet."""
    name = ""
    data: list[str] = []
    *lines, _ = LINE_END.split(text)
    for line in lines:
        if not line:
            if data:
                yield name, "\n".join(data)
            name, data = "", []
            continue
        label, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if label == "event":
            name = value
        elif label == "data":
            data.append(value)


def dump(events: Iterable[Event], *, done: bool) -> bytes:
    """Write events as the bytes of a stream."""
    end = f"data: {DONE}\n\n" if done else ""
    return ("".join(event.dump() for event in events) + end).encode("utf-8")
