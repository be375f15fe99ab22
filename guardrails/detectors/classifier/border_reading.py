"""Reads a text that is joined of several messages at the borders of these: what a classifier judges of it.

Each message is judged by itself as well, so that of the joined text what stands on both sides of a border is new, and nothing
else. As many short messages as a window holds are read together; of a long one its end, and its beginning, beside its neighbour.
A stretch that is full stays as it is whatever follows, so that a conversation with one turn more is read at its last border.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Final

from guardrails.detectors.classifier.passages import past_windows
from guardrails.types import CLEAN, Content, Detection, Finding, Text, Unchecked

BEFORE: Final = 100
"""Characters that are read before a border with which a stretch begins: a quarter of a window, as windows overlap elsewhere."""

AFTER: Final = 160
"""Characters of a long message that are read behind a border."""

LONG: Final = 200
"""Characters of a message past which it is a long one."""

TOGETHER: Final = 400
"""Characters of a stretch: those of a window."""

LONGEST_WORD: Final = 20
"""Characters by which a stretch is shorter so that it begins and ends with a word."""

_SPACE: Final = re.compile(r"\s")
_LAST_SPACE: Final = re.compile(r".*\s", re.DOTALL)

Span = tuple[int, int]


class StretchBatch:
    """Contents to judge, of those that are joined of messages the stretches at the borders.

    Args:
        batch: the contents.
        most: stretches up to which a text is judged.

    Attributes:
        contents: what is to be judged, each as a whole.
    """

    def __init__(self, batch: Sequence[Content], most: int) -> None:
        self.contents: list[Content] = []
        self._most = most
        self._places: list[list[Span] | None] = []
        for content in batch:
            context = content.context or {}
            borders = context.get("borders")
            if borders is None or not isinstance(content, Text):
                self.contents.append(content)
                self._places.append(None)
                continue
            spans = [*find_stretches(content.text, [*map(int, borders.split())])]
            prompt = context.get("prompt")
            own = None if prompt is None else {"prompt": prompt}
            self.contents += (Text(content.text[slice(*span)], content.place, own) for span in spans[:most])
            self._places.append(spans)

    def merge(self, found: Sequence[Detection]) -> list[Detection]:
        """Return what was found in `contents` as found in the batch; spans are those in its contents."""
        given = iter(found)
        return [
            next(given)
            if spans is None
            else _merge_detections([*islice(given, len(spans[: self._most]))], spans)
            for spans in self._places
        ]


def _merge_detections(found: Sequence[Detection], spans: Sequence[Span]) -> Detection:
    """Return what was found in stretches as found in the text; those for which there is no detection are past the limit."""
    findings: list[Finding] = []
    unchecked: list[Unchecked] = []
    for each, (start, _) in zip(found, spans, strict=False):
        findings += (replace(one, span=_shift(one.span, start)) for one in each.findings)
        unchecked += (replace(one, span=_shift(one.span, start)) for one in each.unchecked)
    if len(found) < len(spans):
        left = (spans[len(found)][0], spans[-1][1])
        unchecked.append(past_windows(len(found), left))
    return Detection((*findings,), unchecked=(*unchecked,)) if findings or unchecked else CLEAN


def _shift(span: Span | None, by: int) -> Span | None:
    return None if span is None else (span[0] + by, span[1] + by)


def find_stretches(text: str, borders: Sequence[int]) -> Iterator[Span]:
    """Yield the spans of a joined text that are judged, in order; each holds a border, and each border stands in one.

    Args:
        text: the joined text.
        borders: where in it each message but the first begins.
    """
    start = end = 0
    for border, until in pairwise((*borders, len(text))):
        last = until if until - border <= LONG else _end_behind_word(text, border + AFTER)
        if end != border or last - start > TOGETHER:
            if end:
                yield start, end
            start = _begin_with_word(text, max(0, border - BEFORE), border)
        end = last
    if end:
        yield start, end


def _begin_with_word(text: str, start: int, border: int) -> int:
    """Return where the word after that which stands at a place begins, if that is near."""
    if not start or text[start - 1].isspace():
        return start
    space = _SPACE.search(text, start, min(start + LONGEST_WORD, border))
    return start if space is None else space.end()


def _end_behind_word(text: str, end: int) -> int:
    """Return where the word before that which stands at a place ends, if that is near."""
    space = _LAST_SPACE.match(text, end - LONGEST_WORD, end + 1)
    return end if space is None else space.end() - 1
