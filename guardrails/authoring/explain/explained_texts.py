"""Marks the texts of one check with what was found in them.

A stretch has the numbers of the findings that are about it. A finding that is about all of a text has none, unless it is known
which words raise its score: then those are its stretches. What was found in texts that were read together, or in one that stood
encoded, is marked where it stands in what was given. What was read in pictures, or heard, is a text of its own, also where
nothing was found in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from guardrails.authoring.explain.explained_findings import CheckFindings, NumberedFinding
from guardrails.authoring.explain.word_importance import ScoreImportance
from guardrails.detectors.encodings.extractors import Span
from guardrails.detectors.images.text_layout import PlacedText
from guardrails.engine.content.content_tree import Leaf, resolve_span
from guardrails.engine.core.observers import CheckRecord
from guardrails.types import Text

TEXTS: Final = 50
"""Texts that are shown, those first in which something was found."""

SHOWN: Final = 4_000
"""Characters of one text that are shown."""

LEAST: Final = 0.5
"""The part of a text from which what a detector judges as a passage is no stretch of it, but all."""


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text that was judged, or the beginning of it, with its stretches (start, end, numbers of findings), which do not overlap;
    `cut` characters are left out. `declared`: it was taken as the application's own.
    """

    leaf: int
    path: str
    stage: str
    role: str | None
    origin: str | None
    text: str
    cut: int
    marks: tuple[tuple[int, int, tuple[int, ...]], ...]
    declared: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return the text as plain JSON values."""
        marks = [{"span": [start, end], "findings": [*numbers]} for start, end, numbers in self.marks]
        return {
            "path": self.path,
            "stage": self.stage,
            "role": self.role,
            "origin": self.origin,
            "text": self.text,
            "cut": self.cut,
            "marks": marks,
            "declared": self.declared,
        }


def mark_texts(
    check: CheckRecord, findings: CheckFindings, raised: Sequence[ScoreImportance] = ()
) -> tuple[list[MarkedText], int]:
    """Return the texts that were judged as they were given, and how many of them are left out; `raised` are the words that raise
    the scores of findings.
    """
    leaves = check.tree.leaves
    stretched: dict[int, list[tuple[int, int, int]]] = {}
    touched: dict[int, None] = {}
    words = {each.finding: each.marked for each in raised}
    for found in findings.found:
        if found.finding.span is None:
            continue
        for index, start, end in _find_places(leaves, found.leaf, found.finding.span):
            content = leaves[index].content
            if not isinstance(content, Text):
                continue
            touched[index] = None
            if not (_is_passage(check, found) and end - start >= LEAST * len(content.text)):
                stretched.setdefault(index, []).append((start, end, found.number))
        for span in words.get(found.number, ()):
            for index, start, end in _find_places(leaves, found.leaf, span):
                stretched.setdefault(index, []).append((start, end, found.number))
    own = [
        index
        for index, leaf in enumerate(leaves)
        if isinstance(leaf.content, Text) and (not leaf.again or _is_read(leaf))
    ]
    order = sorted(own, key=lambda index: (index not in stretched, index not in touched))[:TEXTS]
    return [_mark_text(leaves[at], at, stretched.get(at, [])) for at in sorted(order)], len(own) - len(order)


def _is_read(leaf: Leaf) -> bool:
    """Tell whether a text was read in a picture, or heard."""
    return isinstance(leaf.derived, PlacedText)


def _find_places(leaves: Sequence[Leaf], leaf: int, span: Span) -> Sequence[tuple[int, int, int]]:
    """Return where a span of a text stands in what was given, or in what was read."""
    return [(leaf, *span)] if _is_read(leaves[leaf]) else [*resolve_span(leaves, leaf, span)]


def _is_passage(check: CheckRecord, found: NumberedFinding) -> bool:
    """Tell whether a detector judges whole passages."""
    bounds = (bound for evaluation in check.evaluations for bound in evaluation.policy.detectors)
    return any(bound.passages for bound in bounds if bound.name == found.finding.detector)


def _mark_text(leaf: Leaf, index: int, stretched: Sequence[tuple[int, int, int]]) -> MarkedText:
    assert isinstance(leaf.content, Text)
    text, place = leaf.content.text, leaf.content.place
    shown = text[:SHOWN]
    borders = sorted({min(at, len(shown)) for start, end, _ in stretched for at in (start, end)})
    marks = [
        (start, end, tuple(sorted({number for low, high, number in stretched if low < end and start < high})))
        for start, end in pairwise(borders)
    ]
    return MarkedText(
        index,
        place.path,
        place.stage.value,
        place.role,
        place.origin,
        shown,
        len(text) - len(shown),
        tuple(_merge_marks([mark for mark in marks if mark[2]])),
        place.declared,
    )


def _merge_marks(
    marks: Sequence[tuple[int, int, tuple[int, ...]]],
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield stretches, those that touch and are about the same as one."""
    last: tuple[int, int, tuple[int, ...]] | None = None
    for mark in marks:
        if last is not None and last[1] == mark[0] and last[2] == mark[2]:
            last = (last[0], mark[1], last[2])
            continue
        if last is not None:
            yield last
        last = mark
    if last is not None:
        yield last
