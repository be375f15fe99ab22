"""Tracks the stretches of a streamed text in which rows that need context words may match.

A row with context is searched within 40 characters behind one of its words, in a part of at most 160 characters more. It is
open only there, so that numbers of any kind hold nothing where no word is near.
"""

from __future__ import annotations

from typing import Any

from guardrails.detectors.patterns.streaming.stream_rows import ContextWords, StreamRow, StreamRows
from guardrails.detectors.patterns.table import NEAR, REACH

Hit = tuple[int, int, int]
_Match = tuple[StreamRow, int, int, list[Hit]]


class ContextWindows:
    """For each set of words where it goes on to be looked for, and the stretches in which its rows may begin."""

    def __init__(self, rows: StreamRows) -> None:
        self._rows = rows
        self._next: dict[int, int] = {}
        self._open: dict[int, list[tuple[int, int]]] = {}
        self._passed: dict[int, tuple[int, int]] = {}

    def copy(self) -> ContextWindows:
        """Return the same, to go on by itself."""
        other = ContextWindows(self._rows)
        other._next = {**self._next}
        other._open = {words: [*windows] for words, windows in self._open.items()}
        other._passed = {**self._passed}
        return other

    def same(self, other: ContextWindows, shift: int) -> bool:
        """Say whether another one, of a text shorter by `shift`, is in the same state."""
        moved = {
            words: [(first + shift, last + shift) for first, last in windows]
            for words, windows in other._open.items()
        }
        passed = {row: (start + shift, end + shift) for row, (start, end) in other._passed.items()}
        after = {words: at + shift for words, at in other._next.items()}
        return self._open == moved and self._passed == passed and self._next == after

    def settle(self, text: str, base: int, begun: int, limit: int, *, last: bool) -> tuple[int, list[Hit]]:
        """Return the limit, lowered to where a row of these may be open, and what they find before it.

        Args:
            text: with enough to the left of `begun` for words and their edges.
            base: offset of the text in the whole.
            begun: from where on to look; earlier places are done.
            limit: where other rows are open.
            last: whether the text ends here.
        """
        found: list[_Match] = []
        for number in sorted({*self._rows.words_in(text), *self._open}):
            words = self._rows.words[number]
            limit = min(limit, self._extend(number, words, text, base, begun, last=last))
            for first, end in self._open.get(number, ()):
                for row in words.rows:
                    limit = min(
                        limit,
                        self._search(row, (first - base, end - base), text, base, begun, found, last=last),
                    )
        at = base + limit
        self._passed = {row: span for row, span in self._passed.items() if span[1] > at}
        hits: list[Hit] = []
        for row, start, stop, some in found:
            if start < limit:
                hits += some
                if stop > limit:
                    self._passed[row.place] = (base + start, base + stop)
        self._forget(at)
        return limit, hits

    def _forget(self, at: int) -> None:
        oldest = at - self._rows.context
        self._open = {
            words: kept
            for words, windows in self._open.items()
            if (kept := [window for window in windows if window[1] >= oldest])
        }
        self._next = {words: place for words, place in self._next.items() if place > oldest}

    def _extend(
        self, number: int, words: ContextWords, text: str, base: int, begun: int, *, last: bool
    ) -> int:
        """Take in the words that are there for certain; return where to hold for the sake of others."""
        # The character in front is no beginning.
        at = max(self._next.get(number, 0) - base, min(1, base))
        matches = [match.span() for match in words.finder.finditer(text, at)]
        if not matches:
            return len(text)
        unsure = len(text) if last else words.open_from(text, at)
        windows = self._open.setdefault(number, [])
        for start, end in matches:
            if start >= unsure:
                # It may be another word, or none; what it or the other one allows is held.
                return min(self._earliest(row, text, max(unsure + 1, begun)) for row in words.rows)
            first, final = end + base, max(end, start + NEAR) + base
            if windows and first <= windows[-1][1]:
                first = windows.pop()[0]
            windows.append((first, final))
            self._next[number] = end + base
        return len(text)

    @staticmethod
    def _earliest(row: StreamRow, text: str, at: int) -> int:
        match: Any = next(row.matches(text, at), None)
        return min(row.open_from(text, at), len(text) if match is None else int(match.start()))

    def _search(
        self,
        row: StreamRow,
        window: tuple[int, int],
        text: str,
        base: int,
        begun: int,
        found: list[_Match],
        *,
        last: bool,
    ) -> int:
        """Search a row in a window, add what it matches; return where it may be open."""
        first, final = window
        start, stop = self._passed.get(row.place, (-1, -1))
        at = max(first, begun, stop - base if start - base >= first else 0)
        if at > final:
            return len(text)
        end = min(len(text), final + REACH)
        grows = not last and len(text) < final + REACH
        limit = row.open_from(text, at) if grows else len(text)
        part = text[:end]
        for match in row.matches(part, at):
            begin, behind = int(match.start()), int(match.end())
            if begin > final or begin >= limit:
                break
            cut = (
                behind == end == final + REACH
            )  # a match that ends with the part is none, if the text goes on
            if cut and len(text) == end and not last:
                return min(limit, begin)
            counts = not cut or len(text) == end
            found.append((row, begin, behind, self._hits(row, match, text, base) if counts else []))
            if grows and behind > limit:
                limit = row.open_from(text, behind)  # inside of its own match it is not
        return limit if limit <= final else len(text)

    @staticmethod
    def _hits(row: StreamRow, match: Any, text: str, base: int) -> list[Hit]:
        start, end = match.span(row.entry.group)
        good = start < end and row.row.accepts(text, start, end)
        return [(row.place, start + base, end + base)] if good else []
