"""Who looks on while films are judged goes in; told how far each is, and what was seen and heard of it, they show it to people.

A verdict says what was found. A person who is to trust it wants to see the rest, too: what was looked at without a finding, and
what was read and heard. That is told here, in the context in which somebody `observed` checks, and kept by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from guardrails.detectors.shown import Clip


@dataclass(frozen=True, slots=True)
class Told:
    """What was seen and heard of one film: by category the score of each frame that was looked at, with when that is shown; and
    the lines that were read or heard, each with its origin (`ocr`, `speech`, `subtitle`, …) and when, where it has a time.
    """

    path: str
    scores: Mapping[str, Sequence[tuple[Clip, float]]]
    lines: Sequence[tuple[str, str, Clip | None]]


class Onlooker:
    """Looks on while films are judged; does nothing about it but what a class of its own adds."""

    def went(self, seconds: float, of: float | None, listening: bool) -> None:
        """Take note that so many seconds of a film were watched, of how many (None: nobody knows), and whether its sound is
        listened to by now.
        """

    def told(self, film: Told) -> None:
        """Take note of what was seen and heard of a film; one that was redacted is told once more as what it became."""


LOOKING: Final[ContextVar[Onlooker | None]] = ContextVar("LOOKING", default=None)


@contextmanager
def observed(onlooker: Onlooker) -> Iterator[None]:
    """Have somebody told of each film that is judged in this context."""
    token = LOOKING.set(onlooker)
    try:
        yield
    finally:
        LOOKING.reset(token)
