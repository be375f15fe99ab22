"""Finds leaks of the system prompt in a streamed reply as soon as no later text can change them.

The text is cut where no spelling trick goes on (`text.growing`), and each of its readings is a row of words. Held is the last
part, still without a cut, and words that the prompt may go on from: the beginning of one of its runs of words, or a stretch that
may become longer. Ordinary prose holds the current word, and now and then a few more.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from guardrails.detectors.patterns.streaming.watermarks import OFTEN
from guardrails.detectors.terms.term_matcher import UNSPACED
from guardrails.text import TextView, fold_text, replace_surrogates
from guardrails.text.growing import READINGS, find_cut, last_word_start, read_part
from guardrails.types import Detection, Finding, Stream

_UNSPACED: Final = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
WORD: Final = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")
"""A word; a letter, of scripts that put no spaces between words."""

Gram = tuple[str, ...]
Place = tuple[int, int]


class PromptNgrams:
    """The runs of words of a system prompt.

    Attributes:
        known: all of them.
        size: words of each.
        canary: what must stand nowhere, "" for nothing.
    """

    def __init__(self, known: frozenset[Gram], size: int, canary: str) -> None:
        self.known = known
        self.size = size
        self.canary = canary
        self._order = sorted(known)

    def has_prefix(self, words: Gram) -> bool:
        """Say whether one of them begins with some words."""
        at = bisect_left(self._order, words)
        return at < len(self._order) and self._order[at][: len(words)] == words


class NgramTracker:
    """The words of one reading so far, and what they repeat. Places are those of the whole text."""

    def __init__(self, grams: PromptNgrams) -> None:
        self._grams = grams
        self._words: list[str] = []
        self._places: list[Place] = []
        self._gone = 0
        self._alive: list[int] = []
        """Numbers of the words from which on a run of the prompt may have begun, the first one first."""
        self._stretch: tuple[int, int, Place] | None = None
        """Where what is repeated begins, the number of the word behind it, and the place of its last word."""
        self.common: set[Gram] = set()

    def copy(self) -> NgramTracker:
        """Return the same, to go on by itself."""
        other = NgramTracker(self._grams)
        other.__dict__.update(self.__dict__)
        other._words, other._places, other._alive = [*self._words], [*self._places], [*self._alive]
        other.common = {*self.common}
        return other

    def add(self, word: str, place: Place) -> Place | None:
        """Take a word; return the stretch that ends for certain, if one does."""
        size, grams = self._grams.size, self._grams
        self._words.append(word)
        self._places.append(place)
        count = self._gone + len(self._words)
        alive = []
        closed = None
        for first in (*self._alive, count - 1):
            run = tuple(self._words[first - self._gone :])
            if not grams.has_prefix(run):
                continue
            if len(run) < size:
                alive.append(first)
            else:
                closed = self._repeat(run, first)
        self._alive = alive
        if self._stretch is not None and min([count, *alive[:1]]) > self._stretch[1]:
            closed = self.close()
        if len(self._words) > 8 * size:
            gone = len(self._words) - size
            del self._words[:gone], self._places[:gone]
            self._gone += gone
        return closed

    def _repeat(self, run: Gram, first: int) -> Place | None:
        self.common.add(run)
        begin, last = self._places[first - self._gone][0], self._places[-1]
        closed = None
        if self._stretch is not None and first <= self._stretch[1]:
            begin = self._stretch[0]
        elif self._stretch is not None:
            closed = self.close()
        self._stretch = (begin, first + len(run), last)
        return closed

    def close(self) -> Place | None:
        """End the stretch; return it."""
        stretch, self._stretch = self._stretch, None
        return None if stretch is None else (stretch[0], stretch[2][1])

    @property
    def score(self) -> float:
        """The score of what was repeated so far."""
        return 0.5 + len(self.common) / len(self._grams.known) / 2

    def open_from(self, taken: int) -> int:
        """Return the place from which on something may begin, of a text of which so much was taken."""
        if self._stretch is not None:
            return self._stretch[0]
        return self._places[self._alive[0] - self._gone][0] if self._alive else taken


class PromptOverlaps:
    """What a text that grows repeats of a system prompt, in all its readings.

    Readings are one until they differ; each is then counted by itself to the end.

    Attributes:
        settled: the offset before which nothing more will be found.
        scanned: characters looked at, all together.
    """

    def __init__(self, grams: PromptNgrams) -> None:
        self._grams = grams
        self._text = ""
        self._base = 0
        self._looked = 0
        self._due = 0
        self._own = [NgramTracker(grams)] * (1 + READINGS)
        self._known: dict[Place, float] = {}
        self.settled = 0
        self.scanned = 0

    def feed(self, delta: str, *, last: bool = False) -> list[tuple[Place, float]]:
        """Take a part; return what it settles, with scores. With `last` the text ends here."""
        self._text += replace_surrogates(delta)
        length = len(self._text)
        if not last and length < self._due:
            return []
        self.scanned += length - self._looked
        end = length if last else self._cut()
        if end or last:
            self._take(end, last=last)
        self._due = len(self._text) + len(self._text) // 16 if len(self._text) > OFTEN else 0
        return self._final(last=last)

    def _cut(self) -> int:
        """Return the last place at which no word, no trick and so no canary goes on; 0 for none."""
        end = find_cut(self._text, self._looked)
        # Behind an underscore the word goes on.
        if end > self._looked and self._text[end - 1] != "_":
            return end
        self._looked = max(self._looked, end, last_word_start(self._text))
        return 0

    def _take(self, end: int, *, last: bool) -> None:
        part = self._text[:end]
        self.scanned += len(part)
        plain = TextView(part)
        others = read_part(part, letters=True)
        views = [plain, *(others or [plain] * READINGS)]
        if others is not None:
            self._part(views)
        for reading, view in dict(zip(self._own, views, strict=True)).items():
            self._read(reading, view)
        if last:
            for reading in self._own:
                self._add(reading, reading.close())
        self._text = self._text[end:]
        self._base += end
        self._looked = 0

    def _part(self, views: Sequence[TextView]) -> None:
        """Give each reading that differs from here on words of its own."""
        own: dict[tuple[NgramTracker, str], NgramTracker] = {}
        for place, view in enumerate(views):
            reading = self._own[place]
            key = reading, view.text
            if key not in own:
                own[key] = reading.copy() if any(other is reading for other, _ in own) else reading
            self._own[place] = own[key]

    def _read(self, reading: NgramTracker, outer: TextView) -> None:
        """Take the words of a part, as one of its readings has them, and look for the canary in it."""
        view, base = fold_text(outer.text), self._base
        for match in WORD.finditer(view.text):
            start, end = outer.original(*view.original(*match.span()))
            self._add(reading, reading.add(match[0], (start + base, end + base)))
        canary = self._grams.canary
        at = view.text.find(canary) if canary else -1
        while at >= 0:
            start, end = outer.original(*view.original(at, at + len(canary)))
            self._known[start + base, end + base] = 1.0
            at = view.text.find(canary, at + len(canary))

    def _add(self, reading: NgramTracker, stretch: Place | None) -> None:
        if stretch is not None:
            # Of readings that find the same stretch the one that has most of the prompt counts.
            self._known[stretch] = max(reading.score, self._known.get(stretch, 0.0))

    def _final(self, *, last: bool) -> list[tuple[Place, float]]:
        limit = self._base if last else min(reading.open_from(self._base) for reading in {*self._own})
        while over := [start for start, end in self._known if start < limit < end]:
            limit = min(over)
        self.settled = max(self.settled, limit)
        found = sorted(item for item in self._known.items() if item[0][0] < limit)
        for span, _ in found:
            del self._known[span]
        return found


class PromptLeakStream:
    """The state of one stream: what is repeated, and the canaries of the policy.

    Attributes:
        settled: the offset before which nothing more will be found.
    """

    def __init__(self, name: str, category: str, canaries: Stream | None, grams: PromptNgrams | None) -> None:
        self._name = name
        self._category = category
        self._canaries = canaries
        self._overlaps = None if grams is None else PromptOverlaps(grams)
        self._waiting: list[Finding] = []
        self._length = 0
        self._ended = False
        self.settled = 0

    @property
    def scanned(self) -> int:
        """Characters looked at for what is repeated, all together."""
        return 0 if self._overlaps is None else self._overlaps.scanned

    def feed(self, delta: str) -> Detection:
        """Take a part; return what it settles.

        Raises:
            ValueError: after `flush`.
        """
        return self._take(delta, last=False)

    def flush(self) -> Detection:
        """Return the rest: the text ends here."""
        return self._take("", last=True)

    def _take(self, delta: str, *, last: bool) -> Detection:
        if self._ended:
            raise ValueError("the stream has ended")
        self._ended = last
        self._length += len(delta)
        limit = self._length
        if self._canaries is not None:
            planted = self._canaries.flush() if last else self._canaries.feed(delta)
            self._waiting += planted.findings
            limit = min(limit, self._canaries.settled)
        if self._overlaps is not None:
            found = self._overlaps.feed(delta, last=last)
            self._waiting += [Finding(self._category, score, self._name, span) for span, score in found]
            limit = min(limit, self._overlaps.settled)
        return self._final(limit)

    def _final(self, limit: int) -> Detection:
        while over := [start for start, end in map(_span, self._waiting) if start < limit < end]:
            limit = min(over)
        self.settled = limit
        found = tuple(finding for finding in self._waiting if _span(finding)[0] < limit)
        self._waiting = [finding for finding in self._waiting if _span(finding)[0] >= limit]
        return Detection(found, limit)


def _span(finding: Finding) -> Place:
    assert finding.span is not None
    return finding.span
