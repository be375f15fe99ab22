"""Joins transcripts into one text with a map from its characters to times.

It is judged by all rules on texts where the sound or the film stands, with `speech` as its origin; what is found in it is found
in the sound, with a clip.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from guardrails.detectors.encodings.extractors import Span
from guardrails.detectors.images.text_layout import Box, Clip, PlacedText


@dataclass(frozen=True, slots=True)
class TimedWord:
    """Characters of a text, from `start` to `end`, and when they are said."""

    start: int
    end: int
    clip: Clip


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in a stretch, when that is, and its words in order: those whose time is known. `doubt` says why that is not to
    be relied on, as what follows "speech that …"; None where nobody says so.
    """

    text: str
    clip: Clip
    words: tuple[TimedWord, ...] = ()
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class SpokenText(PlacedText):
    """All that is said in a sound, which stands nowhere; `words` are in order, with the times of the film."""

    words: tuple[TimedWord, ...] = ()

    def box(self, span: Span) -> Box | None:
        """Return nothing: it is heard."""
        return None

    def clip(self, span: Span) -> Clip | None:
        """Return when a span of this text is said: with the words that it touches, or that stand around it."""
        first = bisect_right(self.words, span[0], key=attrgetter("end"))
        last = bisect_left(self.words, span[1], key=attrgetter("start"))
        if first >= last:
            first, last = max(0, min(first, last) - 1), max(first, last) + 1
        touched = [word.clip for word in self.words[first:last]]
        return min(start for start, _ in touched), max(end for _, end in touched)


def join_transcripts(transcripts: Iterable[Transcript], origin: str = "speech") -> SpokenText | None:
    """Return transcripts as one text, in order; None where nothing is said.

    They are joined by a space: who pauses in the middle of a number or a name has said it all the same.
    """
    texts: list[str] = []
    words: list[TimedWord] = []
    at = 0
    for each in transcripts:
        text = each.text.strip()
        if not text:
            continue
        lead = len(each.text) - len(each.text.lstrip())
        known = [
            TimedWord(at + start, at + end, word.clip)
            for word in each.words
            for start, end in [(max(0, word.start - lead), min(len(text), word.end - lead))]
            if start < end
        ]
        words += known or [TimedWord(at, at + len(text), each.clip)]
        texts.append(text)
        at += len(text) + 1
    text = " ".join(texts)
    return SpokenText(text, origin, (), words=tuple(words)) if text else None
