"""Payloads: what is decoded, with its place in the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Original = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Payload:
    """A decoded text and where its encoded form stands; `starts` has the place of each of its characters and of the end,
    None where only the whole can be pointed at.
    """

    text: str
    begin: int
    end: int
    starts: Sequence[int] | None = None

    def shift(self, original: Original) -> Payload:
        """Return the same payload of a view in the coordinates of the raw text."""
        begin, end = original(self.begin, self.end)
        starts = None
        if self.starts is not None:
            last = len(self.starts) - 1
            starts = [original(at, at + 1)[0] for at in self.starts[:last]] + [end]
        return Payload(self.text, begin, end, starts)
