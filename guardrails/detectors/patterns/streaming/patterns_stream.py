"""The stream of the `patterns` detector: all its views, with findings and how far they are settled.

Each view is a text of its own that grows with the plain one, cut where no view goes on over it: between segments for the
normalized view, between words for those in which spelling tricks are undone (`text.growing`). While views read alike they
share one track; where one differs it goes on by itself until that lies behind, and the lowest watermark counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal

from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.detectors.patterns.streaming.watermarks import OFTEN, WatermarkTrack
from guardrails.text import TextView, normalize_text, replace_surrogates, settled_length
from guardrails.text.growing import LEAD, READINGS, find_cut, last_word_start, read_part
from guardrails.types import Detection, Finding

Views = Literal["all", "codes", "both", "plain", "normalized"]


class _Reading:
    """One view that grows: its track, and where its parts stand in the plain text."""

    def __init__(self, track: WatermarkTrack) -> None:
        self.track = track
        self.parts: list[tuple[int, int, TextView, int]] = []
        self.differs = 0
        """Where in the view the last part ends that reads otherwise than elsewhere."""

    def copy(self) -> _Reading:
        other = _Reading(self.track.copy())
        other.parts = [*self.parts]
        return other

    def grow(self, raw: int, view: TextView, lead: int, *, last: bool) -> list[tuple[int, int, int]]:
        """Take the view of a part that stands at `raw`, but for its first characters, which were taken before; return row,
        and start and end in the plain text, of what is found.
        """
        if len(view.text) > lead:
            self.parts.append((self.track.length, raw, view, lead))
        hits = self.track.feed(view.text[lead:], last=last)
        found = [(row, *self.original(start, end)) for row, start, end in hits]
        del self.parts[: max(0, self._part(self.track.settled))]
        return found

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the stretch of the plain text that a stretch of the view stands for."""
        return self._raw(start)[0], self._raw(end - 1)[1]

    def _part(self, at: int) -> int:
        return bisect_right(self.parts, at, key=lambda part: part[0]) - 1

    def _raw(self, at: int) -> tuple[int, int]:
        begin, raw, view, lead = self.parts[self._part(at)]
        start, end = view.original(at - begin + lead, at - begin + lead + 1)
        return raw + start, raw + end

    def settled_length(self, raw: int) -> int:
        """Return how far the plain text is settled, of which `raw` characters were taken."""
        track = self.track
        return raw if track.settled == track.length else self._raw(track.settled)[0]


class PatternStream:
    """The state of one stream.

    Args:
        name: of the detector, or of that of each row.
        rows: of its table.
        view: which views it searches (`patterns_detector.PatternsDetector`).

    Attributes:
        settled: the offset before which nothing more will be found.
    """

    def __init__(self, name: str | tuple[str, ...], rows: StreamRows, view: Views) -> None:
        self._names = (name,) * len(rows.rows) if isinstance(name, str) else name
        self._rows = rows
        self._view = view
        self._rest = ""
        self._taken = 0
        self._lead = 0
        self._looked = 0
        self._due = 0
        # The first is always there; the others stand for what they share until they differ.
        count = {"all": 2 + READINGS, "codes": 3, "both": 2}.get(view, 1)
        self._own: list[_Reading | None] = [_Reading(WatermarkTrack(rows)), *[None] * (count - 1)]
        self._known: dict[tuple[str, str, int, int], tuple[int, int]] = {}
        self._ended: str | None = None
        self.settled = 0

    @property
    def scanned(self) -> int:
        """Characters handed to searches so far, by the tracks that there are."""
        return sum(own.track.scanned for own in self._own if own is not None)

    def feed(self, delta: str) -> Detection:
        """Take a part; return what it settles. An error of the detector stands in the detection, and in all after it.

        Raises:
            ValueError: after `flush`.
        """
        if self._ended is not None:
            return self._after()
        self._rest += replace_surrogates(delta)
        if len(self._rest) < self._due:
            return Detection((), self.settled)
        cut = self._cut()
        self._due = len(self._rest) + len(self._rest) // 16 if len(self._rest) - cut > OFTEN else 0
        return self._take(cut, last=False) if cut else Detection((), self.settled)

    def flush(self) -> Detection:
        """Return the rest: the text ends here."""
        if self._ended is not None:
            return self._after()
        detection = self._take(len(self._rest), last=True)
        self._ended = self._ended or ""
        return detection

    def _after(self) -> Detection:
        if not self._ended:
            raise ValueError("the stream has ended")
        return Detection((), self.settled, error=self._ended)

    def _cut(self) -> int:
        if self._view == "plain":
            return len(self._rest)
        if self._view in ("both", "normalized"):
            return settled_length(self._rest)
        cut = find_cut(self._rest, self._looked, inside=self._view == "codes")
        if cut > max(self._looked, self._lead):
            return cut
        self._looked = max(self._looked, last_word_start(self._rest))
        return 0

    def _take(self, cut: int, *, last: bool) -> Detection:
        part = self._rest[:cut]
        try:
            self._grow(self._texts(part), last=last)
        except TimeoutError as error:
            self._ended = str(error)
            return self._after()
        self._taken += cut - self._lead
        # Behind a cut in a word its last letters are kept, to be read with what follows.
        self._lead = LEAD if self._view == "codes" and part[-LEAD:].isalpha() else 0
        self._rest = self._rest[cut - self._lead :]
        self._looked = 0
        self._join()
        return Detection(self._final(last=last), self.settled)

    def _texts(self, part: str) -> list[TextView]:
        """Return the views of a part, in the order of `_own`."""
        if self._view == "plain":
            return [TextView(part)]
        view = normalize_text(part)
        if self._view == "normalized":
            return [view]
        if self._view == "both":
            return [TextView(part), view]
        others = read_part(part, letters=self._view == "all")
        return [TextView(part), view, *(others or [view] * (len(self._own) - 2))]

    def _grow(self, views: Sequence[TextView], *, last: bool) -> None:
        # First part those that will differ, from the last on: each goes on from what it shares.
        for place in range(len(self._own) - 1, 0, -1):
            below = self._below(place)
            if self._own[place] is None and views[place].text != views[below].text:
                self._own[place] = self._shared(place).copy()
        for place, own in enumerate(self._own):
            if own is None:
                continue
            for row, start, end in own.grow(self._taken - self._lead, views[place], self._lead, last=last):
                category = self._rows.rows[row].row.category
                key = (self._names[row], category, start, end)
                self._known[key] = max(self._known.get(key, (0, 0)), (place, row))
            if place and views[place].text != views[self._below(place)].text:
                own.differs = own.track.length
                shared = self._shared(self._below(place))
                shared.differs = max(shared.differs, shared.track.length)

    @staticmethod
    def _below(place: int) -> int:
        """Return the view that another one is compared with: all readings go back to the normalized view, that to the plain."""
        return min(1, place - 1) if place else 0

    def _shared(self, place: int) -> _Reading:
        own = self._own[place]
        return own if own is not None else self._shared(self._below(place))

    def _join(self) -> None:
        """Give up tracks that read and find the same again from here on."""
        for place in range(len(self._own) - 1, 0, -1):
            own, shared = self._own[place], self._shared(self._below(place))
            if own is None or not (self._is_past(own) and self._is_past(shared)):
                continue
            if own.track.same(shared.track):
                self._own[place] = None

    def _is_past(self, reading: _Reading) -> bool:
        return reading.differs <= reading.track.settled - self._rows.context

    def _final(self, *, last: bool) -> tuple[Finding, ...]:
        marks = [own.settled_length(self._taken) for own in self._own if own is not None]
        limit = self._taken if last else max(self.settled, min(marks))
        while over := [start for *_, start, end in self._known if start < limit < end]:
            limit = min(over)
        final = [(key, found) for key, found in self._known.items() if key[2] < limit]
        for key, _ in final:
            del self._known[key]
        self.settled = limit
        return tuple(
            Finding(category, self._rows.rows[row].row.score, name, (start, end))
            for (name, category, start, end), (_, row) in sorted(final, key=lambda item: item[0][2:])
        )
