"""Finds invisible characters in a text that grows: runs of them that no later text can change.

Each hidden character is decided once: when the neighbours are there that may make it harmless, which for a direction mark are
64 characters. A run is held from its start while it may go on; with `min`, all is held from the first run on until so many
were seen. Text without hidden characters is never held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guardrails.detectors.detection_stream import DetectionStream
from guardrails.detectors.encodings.hidden_characters import (
    FLAG,
    NEAR,
    PRIVATE,
    PRIVATE_RUN,
    HiddenCharacters,
    is_harmless,
    matches_at,
)
from guardrails.types import Detection, Finding

AHEAD: Final = {
    "\u200d": 1,
    "\u115f": 1,
    "\u1160": 1,
    **dict.fromkeys("\u200e\u200f\u061c", NEAR - 1),
}
"""Characters behind a hidden one that may make it harmless."""

FLAG_LENGTH: Final = 6
"""Characters of the longest flag of a region, behind the black flag that it begins with."""


class InvisibleStream(DetectionStream):
    """The state of one stream."""

    def __init__(
        self, characters: HiddenCharacters, finding: Callable[[tuple[int, int]], Finding], least: int
    ) -> None:
        super().__init__()
        self._characters = characters
        self._finding = finding
        self._least = least
        self._text = ""
        self._base = 0
        self._at = 0
        """Where in the text the first character stands that is not decided."""
        self._begun: int | None = None
        """Where in the whole text the finding begins that goes on up to there."""
        self._seen = 0
        self._waiting: list[tuple[int, int]] = []

    def _take(self, delta: str) -> Detection:
        clean = (
            self._at == len(self._text) and self._begun is None and not self._characters.contains_any(delta)
        )
        self._text += delta
        self.scanned += len(delta)
        if clean:
            self._at = len(self._text)
        else:
            self._decide(last=False)
        return self._final(last=False)

    def _finish(self) -> Detection:
        self._decide(last=True)
        self._close(self._at)
        return self._final(last=True)

    def _decide(self, *, last: bool) -> None:
        """Go on to the first hidden character that what follows may make harmless, or to the end."""
        text, length = self._text, len(self._text)
        while self._at < length:
            run = self._characters.run.search(text, self._at)
            start = length if run is None else run.start()
            if start > self._at:
                self._close(self._at)
            self.scanned += start - self._at
            self._at = start
            if run is not None and not self._pass_run(run.end(), last=last):
                return

    def _pass_run(self, end: int, *, last: bool) -> bool:
        """Decide what is left of a run of hidden characters; say whether all of it is."""
        text, length = self._text, len(self._text)
        if text[self._at - 1 : self._at] == "\U0001f3f4":
            if flag := FLAG.match(text, self._at):
                self._at = flag.end()
            elif not last and end == length < self._at + FLAG_LENGTH:
                return False
        while self._at < end:
            at = self._at
            width, fine = 1, False
            if private := PRIVATE.match(text, at, end):
                width = private.end() - at
                # Those in front of it in the same run were two at least.
                fine = width < PRIVATE_RUN and not matches_at(PRIVATE, text, at - 1)
            else:
                fine = is_harmless(text, at)
            if not last and self._is_open(at, width, fine, private=private is not None):
                return False
            if fine:
                self._close(at)
            else:
                self._begun = self._base + at if self._begun is None else self._begun
                self._seen += width
            self._at = at + width
            self.scanned += width
        return True

    def _is_open(self, at: int, width: int, fine: bool, *, private: bool) -> bool:
        length = len(self._text)
        if private:
            return fine and at + width == length
        return not fine and at + AHEAD.get(self._text[at], 0) >= length

    def _close(self, at: int) -> None:
        if self._begun is not None:
            self._waiting.append((self._begun, self._base + at))
            self._begun = None

    def _final(self, *, last: bool) -> Detection:
        limit = self._base + self._at if self._begun is None else self._begun
        found = self._waiting
        if found and self._seen < self._least:
            found = []
            if not last:
                limit = self._waiting[0][0]
        else:
            self._waiting = []
        self.settled = limit
        gone = max(0, self._at - NEAR)
        if gone > NEAR:
            self._text = self._text[gone:]
            self._base += gone
            self._at -= gone
        if not found:
            return Detection((), limit)
        return Detection(tuple(map(self._finding, found)), limit)
