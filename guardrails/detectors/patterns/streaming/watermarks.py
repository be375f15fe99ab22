"""Tracks how far the findings of a pattern table are settled in one growing text.

At each place before the watermark every row has done what it will ever do, whatever follows: the theorem of `open_prefixes.py`,
and `incremental_match.py` where a match already stands. What rows found there is exactly what the buffered search finds;
matches that reach over the watermark leave where the row goes on. Work: one search from the end for each part while little is
held, else one for each sixteenth that comes in addition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.detectors.patterns.streaming.context_windows import ContextWindows
from guardrails.detectors.patterns.streaming.incremental_match import OPEN, find_match_end
from guardrails.detectors.patterns.streaming.stream_rows import StreamRow, StreamRows
from guardrails.detectors.patterns.table import _inside

OFTEN = 512
"""Characters held up to which each part is looked at as it comes."""

STARTS = 64
"""Places of one part at which matches are followed; further ones are held."""

Hit = tuple[int, int, int]
"""Place of the row in the table, start and end of what it finds."""


class WatermarkTrack:
    """One growing text and how far a table has settled it. All offsets in and out are those of the whole text.

    Attributes:
        settled: the offset before which no row will find anything else.
        length: of all the text so far.
        scanned: characters handed to searches, all together.
    """

    def __init__(self, rows: StreamRows) -> None:
        self._rows = rows
        self._text = ""
        self._base = 0
        self._passed: dict[int, int] = {}
        self._windows = ContextWindows(rows)
        self._due = 0
        self.settled = 0
        self.scanned = 0

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._base + len(self._text)

    def copy(self) -> WatermarkTrack:
        """Return a track in the same state that goes on by itself."""
        other = WatermarkTrack(self._rows)
        other.__dict__.update(self.__dict__)
        other._passed = {**self._passed}
        other._windows = self._windows.copy()
        return other

    def same(self, other: WatermarkTrack) -> bool:
        """Say whether two tracks find the same from here on, their texts being the same from the watermark's context on."""
        return (
            self._text[-self.held - self._rows.context :] == other._text[-other.held - self._rows.context :]
            and self.held == other.held
            and self._ahead() == other._ahead()
            and self._windows.same(other._windows, self.settled - other.settled)
        )

    def _ahead(self) -> dict[int, int]:
        return {row: end - self.settled for row, end in self._passed.items()}

    @property
    def held(self) -> int:
        """Characters behind the watermark."""
        return self.length - self.settled

    def feed(self, delta: str, *, last: bool = False) -> list[Hit]:
        """Take a part; return what was found for certain. With `last` the text ends here.

        Raises:
            TimeoutError: when `regex` gives up on a pattern.
        """
        self._text += delta
        if self._rows.whole or (not last and len(self._text) < self._due):
            return self._all() if last else []
        found = self._settle(last=last)
        self._due = len(self._text) + self.held // 16 if self.held > OFTEN else 0
        return found

    def _all(self) -> list[Hit]:
        self.settled = self.length
        self.scanned += self.length
        return self._rows.search(self._text)

    def _settle(self, *, last: bool) -> list[Hit]:
        text, begun = self._text, self.settled - self._base
        self.scanned += len(text)
        limit = len(text) if last else self._rows.open_from(text, begun)
        due = self._rows.due(text[max(0, begun - self._rows.behind) :])
        if due and limit < len(text):
            limit = self._follow(limit)
        matches: list[tuple[StreamRow, int, int, list[Hit]]] = []
        for row in due:
            for start, end, hits in self._matches(row, begun, last=last):
                if start >= limit:
                    break
                if hits is None:
                    limit = start
                    break
                matches.append((row, start, end, hits))
        limit, near = self._windows.settle(text, self._base, begun, limit, last=last)
        self._passed = {row: end for row, end in self._passed.items() if end > limit + self._base}
        found: list[Hit] = []
        for row, start, end, hits in matches:
            if start < limit:
                found += hits
                if end > limit:
                    self._passed[row.place] = end + self._base
        found += near
        self._cut(limit)
        return found

    def _cut(self, limit: int) -> None:
        self.settled = self._base + limit
        gone = max(0, limit - self._rows.context)
        self._text = self._text[gone:]
        self._base += gone

    def _start(self, row: StreamRow, begun: int) -> int:
        return max(begun, self._passed.get(row.place, 0) - self._base)

    def _matches(
        self, row: StreamRow, begun: int, *, last: bool
    ) -> Iterator[tuple[int, int, list[Hit] | None]]:
        """Yield the row's matches from its place on, and what each finds: None if that depends on what follows."""
        text = self._text
        for match in row.matches(text, self._start(row, begun)):
            yield *match.span(), self._hits(row, match, last=last)

    def _hits(self, row: StreamRow, match: Any, *, last: bool) -> list[Hit] | None:
        start, end = match.span(row.entry.group)
        if start >= end:
            return []
        if row.row.accepts(self._text, start, end):
            return [(row.place, start + self._base, end + self._base)]
        if row.entry.group:
            return []
        # What a rejected match hides may reach as far behind it as it is long.
        if not last and len(self._text) <= 2 * end - start:
            return None
        inside = _inside(row.row, row.engine, self._text, start, end)
        return [(row.place, begin + self._base, stop + self._base) for begin, stop in inside]

    def _follow(self, limit: int) -> int:
        """Return the first place that is truly open, where matches stand that the table of open prefixes knows nothing of."""
        text, rows = self._text, self._rows
        cursors: dict[int, int] = {}
        begun = self.settled - self._base
        for _ in range(STARTS):
            if limit >= len(text):
                break
            for row in rows.open_at(text, limit):
                at = cursors[row.place] = self._cursor(
                    row, cursors.get(row.place, self._start(row, begun)), limit
                )
                if at > limit:
                    continue  # inside of its own last match
                end = find_match_end(row.tree, text, limit, begins=self._base == 0)
                if end == OPEN:
                    return limit
                if end >= 0:
                    cursors[row.place] = end
            limit = rows.open_from(text, limit + 1)
        return limit

    def _cursor(self, row: StreamRow, at: int, limit: int) -> int:
        """Return where the row goes on behind its matches that start before a place."""
        if at < limit:
            for match in row.matches(self._text, at):
                if match.start() >= limit:
                    break
                at = match.end()
        return at
