"""What a relay needs to know of an API: how its events are read, and how what is left of an answer is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from guardrails.errors import BackendError
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.wire import sse
from guardrails.wire.lossless_json import write
from guardrails.wire.pointers import Path

ReceivedEvent = tuple[dict[str, Any], str, bytes]
"""An event as it came: what it says, its type ("" where it has none beside what it says), and its bytes."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One change of the whole answer that the events of a stream make up.

    Attributes:
        operation: `set` puts a value in the place of what stands there. `append` has that go on: texts by more of them, lists by
            more entries, objects by their fields. `merge` does so too, but entries of lists go on with those of the same
            `index`, else of the same `id` or `type`. Where nothing stands, each begins it.
        path: where in the whole answer; an index is a place among the entries of a list, which may come in any order.
        value: the value.
    """

    operation: Literal["append", "merge", "set"]
    path: Path
    value: Any


@dataclass(slots=True)
class EventReading:
    """An event, as a codec reads it.

    Attributes:
        data: what it says.
        patches: what else of the whole answer it changes than texts that grow.
        grows: the growing texts, and where in the event a piece of each stands. That is appended at the text's path in the whole
            answer, behind the patches, which may begin what stands around it.
        bare: whether it holds nothing but one such piece, so that it can go on in several.
        copies: texts that it tells once more as a whole, and where.
        closes: texts that end with it.
        ends: names of texts made of several (`Relay.begin`) that no other goes on behind it.
        spelled: places that spell or sign texts, and what stands there where one of these was changed: of those that it holds or
            closes, or of `spells`.
        spells: texts of other events that are spelled in it.
        rest: what else it holds, as an answer of the API, to be judged before it goes on; None: nothing.
        alone: where a picture stands in it that the whole answer does not hold; what the policy changes of it is changed there,
            and where it is blocked so is the answer.
        choices: the choices that it tells of, in protocols in which an answer has several.
        waits: whether it must wait for the verdict on the whole answer.
        passes: whether it may go on before those that came before it.
        anew: whether the answer does not hold it as it is, so that what waits is written anew from the answer.
        is_last: whether no other may follow.
    """

    data: dict[str, Any]
    patches: list[Patch] = field(default_factory=list)
    grows: tuple[tuple[StreamedText, Path], ...] = ()
    bare: bool = False
    copies: tuple[tuple[StreamedText, Path], ...] = ()
    closes: tuple[StreamedText, ...] = ()
    ends: tuple[str, ...] = ()
    spelled: tuple[tuple[Path, Any], ...] = ()
    spells: tuple[StreamedText, ...] = ()
    rest: Any = None
    alone: Path = ()
    choices: tuple[int, ...] = ()
    waits: bool = False
    passes: bool = False
    anew: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """An event to be sent: its type, in protocols that have them, what it says, and its bytes where it goes on as it came."""

    kind: str
    data: dict[str, Any]
    raw: bytes = b""


class StreamCodec(Protocol):
    """Reads and writes the events of one answer of one API."""

    @property
    def is_finished(self) -> bool:
        """Whether what was read is a whole answer, also without a last event that says so."""
        ...

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event; `begin` is `Relay.begin`.

        Raises:
            BackendError: it is malformed, unknown, or comes out of order.
        """
        ...

    def finish(self) -> Iterable[Patch]:
        """Take the end of the stream; return the patches of what no event says of a whole answer.

        Raises:
            BackendError: some of it is missing.
        """
        ...

    def record_sent(self, event: Event) -> Event | None:
        """Take note of an event that is sent; return it as it is to be sent, None where it is left out."""
        ...

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the events that make what was told the whole of an answer as a policy leaves it; None where something else
        was told of it. What `StreamedText.rest` says is what is left of a text that grew.
        """
        ...

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the events that end what was told with a refusal in these words; `answer` is the whole answer with what is
        withheld of it, None where it was stopped on its way.
        """
        ...


PADDING: Final = "obfuscation"
"""The field with random characters that hide the length of what an event says."""

_DRAWN: Final = re.compile(r"[A-Za-z0-9]{0,32}")
_SAYING: Final = re.compile(r"[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,})*|[A-Z]{3,}|[A-Z0-9]{9,}")
"""Words, whose letters are not of either case at random, and numbers."""


def is_padding(value: Any) -> bool:
    """Tell whether a value is padding: letters and digits drawn at random. What could be a word is judged as one."""
    return isinstance(value, str) and _DRAWN.fullmatch(value) is not None and not _SAYING.fullmatch(value)


def build_event(data: dict[str, Any]) -> Event:
    """Return an event that says this, of the type that it says itself; of none where that is no name."""
    kind = data.get("type")
    return Event(kind if isinstance(kind, str) and sse.NAME.fullmatch(kind) else "", data)


def dump_events(events: Iterable[Event]) -> bytes:
    """Write events as server-sent events; those that did not change as they came."""
    # Some clients take characters beyond ASCII for ends of lines.
    return b"".join(
        event.raw or sse.event(write(event.data, ascii_only=True).encode(), event.kind.encode())
        for event in events
    )


def malformed_event(what: str) -> BackendError:
    """Return the exception for an event that cannot be read."""
    return BackendError(f"the upstream sent a malformed {what}", 502, "upstream_invalid")
