"""Texts that stand in pictures, films and sound, with a map from their characters to boxes and clips.

Kinds that read such texts have `extracts`: pictures in, for each what is written in it out (`PlacedText`). Each is judged by all
rules on texts where the picture stands; what is found in it is found in the picture, with a box, and in a film with a clip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guardrails.detectors.encodings.extractors import DerivedText, Span

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the upright picture."""

Clip = tuple[int, int]
"""From when until when, in milliseconds."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a text, where it stands and when; what is heard stands nowhere, and what a file says of itself is for no time of
    its own. With `whole` a part of it stands nowhere in particular, as in a QR code.
    """

    text: str
    box: Box | None
    whole: bool = False
    clip: Clip | None = None


@dataclass(frozen=True, slots=True)
class PlacedText(DerivedText):
    """A text in a picture. `begin` is where it begins in all that is written there, one after the other; `lines` are its lines,
    each with where it begins.
    """

    begin: int = 0
    lines: tuple[tuple[int, TextLine], ...] = ()

    def hides(self, span: Span) -> bool:
        """All of it stands in the picture alone."""
        return True

    def originals(self, span: Span) -> list[Span]:
        """Return the stretch of all that is written in the picture."""
        return [(span[0] + self.begin, span[1] + self.begin)]

    def box(self, span: Span) -> Box | None:
        """Return what holds a span of this text; None where some of it stands nowhere."""
        boxes = [
            _part(line.box, line, max(0, span[0] - start), min(len(line.text), span[1] - start))
            for start, line in self._lines(span)
            if line.box is not None
        ]
        if not boxes or len(boxes) < len(self._lines(span)):
            return None
        return bounding_box(boxes)

    def clip(self, span: Span) -> Clip | None:
        """Return when a span of this text is shown or said; None where some of it is for no time of its own."""
        clips = [line.clip for _, line in self._lines(span)]
        known = [clip for clip in clips if clip is not None]
        if not known or len(known) < len(clips):
            return None
        return min(start for start, _ in known), max(end for _, end in known)

    def _lines(self, span: Span) -> list[tuple[int, TextLine]]:
        return [each for each in self.lines if span[0] < each[0] + len(each[1].text) and each[0] < span[1]]


def place_lines(lines: Iterable[TextLine], origin: str) -> PlacedText | None:
    """Return lines as one text; None where there are none."""
    placed: list[tuple[int, TextLine]] = []
    at = 0
    for line in lines:
        placed.append((at, line))
        at += len(line.text) + 1
    text = "\n".join(line.text for _, line in placed)
    return PlacedText(text, origin, (), lines=tuple(placed)) if text else None


def bounding_box(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds some."""
    left, top, right, bottom = zip(*((x, y, x + w, y + h) for x, y, w, h in boxes), strict=True)
    return min(left), min(top), max(right) - min(left), max(bottom) - min(top)


def locate_span(texts: Sequence[PlacedText], span: Span) -> tuple[Box | None, Clip | None]:
    """Return what holds a stretch of all that is written in a picture, as `originals` gives it, and when that is shown."""
    for each in texts:
        own = (span[0] - each.begin, span[1] - each.begin)
        if own[0] >= 0 and own[1] <= len(each.text):
            return each.box(own), each.clip(own)
    return None, None


def _part(box: Box, line: TextLine, start: int, end: int) -> Box:
    """Return where characters of a line stand, and one more on each side, as letters are not all as wide."""
    x, y, width, height = box
    count = len(line.text)
    if line.whole or height > width:
        return box
    left = x + width * max(0, start - 1) // count
    right = x + -(-width * min(count, end + 1) // count)
    return left, y, max(1, right - left), height
