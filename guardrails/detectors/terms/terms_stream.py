"""Finds terms in a text that grows, and how far that is settled.

The part that is held, cut where no spelling trick goes on (`text.growing`), is searched as a whole text is; what a term may
still begin in is held until that is known. Left of the watermark no more is needed than the part that it cut into.
"""

from __future__ import annotations

from collections.abc import Callable

from guardrails.detectors.detection_stream import DetectionStream
from guardrails.detectors.patterns.streaming.watermarks import OFTEN
from guardrails.detectors.terms.term_matcher import TermMatcher, close_gaps, needs_boundary
from guardrails.text import TextView, fold_text, replace_surrogates
from guardrails.text.growing import find_cut, last_word_start, mark_part
from guardrails.types import Detection, Finding


class TermStream(DetectionStream):
    """The state of one stream."""

    def __init__(self, terms: TermMatcher, finding: Callable[[tuple[int, int]], Finding]) -> None:
        super().__init__()
        self._terms = terms
        self._finding = finding
        self._prefixes = terms.prefixes
        self._text = ""
        self._base = 0
        self._cuts = [0]
        self._looked = 0
        self._due = 0

    def _take(self, delta: str) -> Detection:
        self._text += replace_surrogates(delta)
        length = len(self._text)
        if length < self._due:
            return Detection((), self.settled)
        end = self._cut(length) if self._terms.fold else length
        found = self._settle(end, last=False) if end + self._base > self._cuts[-1] else ()
        self._pass_word(self._text[self._cuts[-1] - self._base :])
        # A word without end is looked through again, whether it is held or not.
        held = self._base + len(self._text) - min(self.settled, self._cuts[-1])
        self._due = len(self._text) + held // 16 if held > OFTEN else 0
        return Detection(found, self.settled)

    def _finish(self) -> Detection:
        return Detection(self._settle(len(self._text), last=True), self.settled)

    def _pass_word(self, word: str) -> None:
        """Let go of a word that has begun, if nothing that may become of it is or begins a term; the last letter is kept, as
        an accent may follow it.
        """
        terms, cut = self._terms, self._cuts[-1]
        begun = word[:-1]
        letters = len(begun) > 1 and begun.isascii() and begun.isalpha()
        if letters and terms.fold and terms.words and cut <= self.settled:
            held = self._prefixes.may_be_disguised(begun.lower())
            self.settled = max(self.settled, cut if held else cut + len(begun))

    def _cut(self, length: int) -> int:
        self.scanned += length - self._looked
        start = max(self._cuts[-1] - self._base, self._looked)
        end = find_cut(self._text, start)
        self._looked = end if end > start else max(start, last_word_start(self._text))
        return end if end > start else self._cuts[-1] - self._base

    def _settle(self, end: int, *, last: bool) -> tuple[Finding, ...]:
        part, begun = self._text[:end], self.settled - self._base
        self.scanned += len(part)
        limit = end if last else self._open_from(part, begun)
        spans = [span for span in self._terms.search(part) if span[0] >= begun]
        while over := [start for start, stop in spans if start < limit < stop]:
            limit = min(over)
        base = self._base
        final = tuple(self._finding((start + base, stop + base)) for start, stop in spans if start < limit)
        self._forget(limit, end)
        return final

    def _forget(self, limit: int, end: int) -> None:
        self.settled = self._base + limit
        self._cuts.append(self._base + end)
        if self._terms.fold:
            self._cuts = [cut for cut in self._cuts if cut <= self.settled][-1:] + [
                cut for cut in self._cuts if cut > self.settled
            ]
            gone = self._cuts[0] - self._base
        else:
            self._cuts = self._cuts[-1:]
            gone = max(0, limit - 1)
        self._text = self._text[gone:]
        self._base += gone
        self._looked = max(0, self._looked - gone)

    def _open_from(self, part: str, begun: int) -> int:
        """Return the place in a part from which on a term may have begun."""
        hay, view = self._hay(part)
        first = next((at for at in range(len(hay)) if view.original(at, at + 1)[0] >= begun), len(hay))
        at = self._prefixes.open_from(hay, first, lambda at: self._may_stand(hay, at))
        return len(part) if at == len(hay) else view.original(at, at + 1)[0]

    def _hay(self, part: str) -> tuple[str, TextView]:
        if not self._terms.fold:
            view = close_gaps(TextView(part))
            return view.text, view
        marks = mark_part(part)
        view = fold_text(part) if marks is None else fold_text(marks.text).over(marks)
        view = close_gaps(view)
        return view.text, view

    def _may_stand(self, hay: str, at: int) -> bool:
        """Say whether a term may begin at a place, as far as the character in front of it tells."""
        return not (self._terms.words and at > 0 and needs_boundary(hay[at - 1]) and needs_boundary(hay[at]))
