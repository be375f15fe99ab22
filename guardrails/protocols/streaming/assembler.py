"""The events of a stream in, the whole answer that they make up out: what was streamed is judged as if it had not been."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from guardrails.errors import GuardrailsError
from guardrails.protocols.streaming.codec import malformed_event
from guardrails.wire.lossless_json import write

HALF_PAIR: Final = re.compile("[\ud800-\udfff]")

ReceivedEvent = tuple[dict[str, Any], str, bytes]
"""An event as it came: what it says, its type ("" where it has none beside what it says), and its bytes."""


class Assembler(Protocol):
    """Puts together what the events of one stream make up."""

    @property
    def finished(self) -> bool:
        """Whether what was taken is a whole answer, also without a last event that says so."""
        ...

    def take(self, data: Mapping[str, Any]) -> bool:
        """Take the next event; returns True where it is known to be the last.

        Raises:
            BackendError: it is malformed, unknown, or out of order.
        """
        ...

    def answer(self) -> dict[str, Any]:
        """Return the whole answer, with everything in it that the events held; raises `BackendError` where some are missing."""
        ...


def take_events(
    events: Iterable[ReceivedEvent], assembler: Assembler
) -> tuple[list[ReceivedEvent], bool, GuardrailsError | None]:
    """Have an assembler take events that came together; return those that it took, whether it knows the last of them to be the
    last of all, and what is wrong with the one behind them.
    """
    came: list[ReceivedEvent] = []
    try:
        for data, kind, raw in events:
            if kind not in ("", data.get("type", kind)):
                raise malformed_event("event: it has two types")
            ended = assembler.take(data)
            came.append((data, kind, raw))
            if ended:
                return came, True, None
    except GuardrailsError as error:
        return came, False, error
    return came, False, None


def has_half_pair(value: Any) -> bool:
    """Tell whether a JSON value holds half of a surrogate pair."""
    return HALF_PAIR.search(write(value)) is not None


def join_surrogates(text: str) -> str:
    """Return a text with the surrogate pairs joined that events had cut in two.

    Raises:
        BackendError: one half is missing.
    """
    if HALF_PAIR.search(text) is None:
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise malformed_event("text, which holds half a surrogate pair") from None
