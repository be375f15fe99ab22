"""Server-sent events of a model's API, as wrapped clients take them: bytes to events with their JSON, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from guardrails.protocols.protocol import StreamReader
from guardrails.wire import sse
from guardrails.wire.lossless_json import write
from guardrails.wrapping.sdk.body_formats import parse_answer, unreadable_answer

END = sse.event(sse.DONE)


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """One event: its name ("" where it has none), its data parsed, and the data as it was written."""

    name: str
    data: dict[str, Any]
    written: str = field(default="", compare=False)

    def dump(self) -> bytes:
        """Return the event as it is sent."""
        data = self.written or write(self.data, ascii_only=True)
        return sse.event(data.encode(), self.name.encode())


class ClientEventReader:
    """Reads a stream however its bytes are cut; comments, ids and what follows the end are left out. `done`: it said `[DONE]`."""

    def __init__(self, reader: StreamReader | None = None) -> None:
        self.done = False
        self._reader = reader or sse.Events()

    def feed(self, piece: bytes) -> Iterator[ClientEvent]:
        """Take bytes; yields each event that an empty line ends in them.

        Raises:
            BackendError: an event is none that can be judged.
        """
        yield from self._parse(self._reader.feed(piece))

    def flush(self) -> Iterator[ClientEvent]:
        """Take the end of the stream; yields the line that it cut off. Clients skip an event that no empty line ends."""
        if not isinstance(self._reader, sse.Events):
            yield from self._parse(self._reader.flush())

    def _parse(self, events: Iterable[sse.Event]) -> Iterator[ClientEvent]:
        for event in events:
            if event.data.startswith(sse.DONE):
                self.done = True
            if self.done:
                return
            if event.data:
                yield _parse_event(event)


def _parse_event(event: sse.Event) -> ClientEvent:
    try:
        name, written = event.type.decode("ascii"), event.data.decode("utf-8")
    except UnicodeDecodeError:
        raise unreadable_answer("its stream is not UTF-8, or an event has a name of no known form") from None
    if sse.NAME.fullmatch(name) is None:
        raise unreadable_answer("an event of its stream has a name of no known form")
    return ClientEvent(name, parse_answer(written, halves=True), written)
