r"""Finds names, places and street addresses in one text by the shipped model, as the text grows or all at once.

What is found of a text is the same however it is cut into parts: passages and what is read together with them depend on the text
alone (`name_passages.py`), each row is judged by itself, and words make spans in the order in which they stand. The readings of a
passage in which codes are undone (`M\u00fcller`, `Ann&nbsp;Lee`) are read beside it, each by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from guardrails.cancellation import check
from guardrails.detectors.classifier.classifier_windows import FOREIGN_REASON, merge_spans
from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.shipped_names.known_names import drop_known, drop_within
from guardrails.detectors.pii.shipped_names.name_passages import (
    MOST,
    Passage,
    ReadWords,
    Stretch,
    read_passage,
    read_words,
)
from guardrails.detectors.pii.shipped_names.name_spans import NameSpans
from guardrails.detectors.pii.span_builder import LabelledWord, LabelTable
from guardrails.inference.entities.entity_model import EntityModel
from guardrails.inference.safety.passages import split_passages
from guardrails.inference.safety.scores import Scores
from guardrails.text import deobfuscate_text, is_clean, replace_surrogates
from guardrails.types import Unchecked


@dataclass(frozen=True, slots=True)
class NamesFound:
    """What is found in a part of a text, in its order, and what of it the model does not read."""

    hits: tuple[EntityHit, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()


class NameReader:
    """The state of one text.

    Args:
        model: the shipped one.
        table: what its labels mean.
        wanted: the names to look for.
        min_score: the score from which on a span counts.

    Attributes:
        settled: the place before which nothing more will be found.
    """

    def __init__(
        self, model: EntityModel, table: LabelTable, wanted: frozenset[str], min_score: float
    ) -> None:
        self._model, self._table, self._wanted, self._min_score = model, table, wanted, min_score
        self._spans = NameSpans(table, min_score)
        self._known: list[EntityHit] = []
        """What is known and lies, or may come to lie, beside a span that is not closed yet."""
        self._rest = ""
        self._taken = 0
        self._stretch: Stretch | None = None
        self._is_near = True
        self.settled = 0

    def add(self, text: str) -> NamesFound:
        """Take the next part of the text; return what is found in as much of it as nothing that follows can change.

        Raises:
            Cancelled: nobody waits for it any more.
        """
        self._rest += replace_surrogates(text)
        return self._take([*split_passages(self._rest)][:-1], last=False)

    def close(self) -> NamesFound:
        """Take the end of the text; return what is found in the rest."""
        return self._take([*split_passages(self._rest)], last=True)

    def _take(self, spans: Sequence[tuple[int, int]], *, last: bool) -> NamesFound:
        """Read passages of what was not taken yet, and judge the stretches that are complete."""
        hits: list[EntityHit] = []
        passages: list[Passage] = []
        ready: list[Stretch] = []
        for start, end in spans:
            check()
            raw, begin = self._rest[start:end], self._taken + start
            passages.append(read_passage(self._model, raw, begin))
            hits += self._read_codes(raw, begin)
            if self._stretch is None or not self._stretch.takes(passages[-1]):
                ready += [] if self._stretch is None else [self._stretch]
                self._stretch = Stretch(passages[-1], self._stretch)
            if self._stretch.is_complete:
                ready.append(self._stretch)
                self._stretch = None
        if spans:
            self._rest, self._taken = self._rest[spans[-1][1] :], self._taken + spans[-1][1]
        if last and self._stretch is not None:
            ready.append(self._stretch)
            self._stretch = None
        hits += self._settle(self._judge(ready, last=last), ready, last=last)
        foreign = merge_spans([(each.start, each.end) for each in passages if each.is_foreign])
        return NamesFound(
            tuple(sorted(hits, key=lambda hit: (hit.start, hit.end))),
            tuple(Unchecked("language", FOREIGN_REASON, span=span) for span in foreign),
        )

    def _settle(
        self, closed: Iterable[EntityHit], ready: Sequence[Stretch], *, last: bool
    ) -> Iterator[EntityHit]:
        """Yield what is left of spans that were closed in stretches and of what is known in them, as far as both are settled."""
        for stretch in ready:
            self._known += (hit for passage in stretch.passages for hit in passage.read.known)
        left = [*drop_known(closed, self._known)]
        yield from left
        self._known = drop_within(self._known, left)
        if not last and not ready:
            return
        limit = self._taken if last else ready[-1].passages[-1].end
        if self._spans.start is not None:
            limit = self._spans.start
        while over := [hit.start for hit in self._known if hit.start < limit < hit.end]:
            limit = min(over)
        yield from (hit for hit in self._known if hit.start < limit and hit.name in self._wanted)
        self._known = [hit for hit in self._known if hit.start >= limit]
        self.settled = limit

    def _judge(self, ready: Sequence[Stretch], *, last: bool) -> list[EntityHit]:
        """Return the spans that end in stretches, or with the text where they are the last."""
        rows = [stretch.rows for stretch in ready]
        found = iter(self._model.probabilities([row for own in rows for row in own]))
        closed: list[EntityHit] = []
        for stretch, own in zip(ready, rows, strict=True):
            if not own:  # nothing but numbers and signs
                closed += self._spans.close()
                continue
            scores = stretch.own([next(found) for _ in own])
            begin = 0
            for passage in stretch.passages:
                end = begin + len(passage.read.ids)
                closed += self._add(self._spans, passage.read, scores[begin:end], near=self._is_near)
                if passage.read.words:
                    self._is_near = passage.read.ends_near
                else:
                    self._is_near &= passage.read.ends_near
                begin = end
        return closed + self._spans.close() if last else closed

    def _add(self, spans: NameSpans, read: ReadWords, scores: Scores, *, near: bool) -> Iterator[EntityHit]:
        """Give words to what makes spans of them; yield those that end.

        Args:
            spans: makes the spans.
            read: the words.
            scores: of their word pieces.
            near: whether the first may be next to what was before it.
        """
        summed = self._table.add_up(scores)
        for word in read.words:
            means = summed[word.first : word.last].mean(axis=0)
            spans.decide(means, is_code=word.is_code)
            first = scores[word.first]
            yield from spans.add(
                LabelledWord(word.start, word.end, word.near and near, means, first, word.has_letters)
            )
            near = True

    def _read_codes(self, raw: str, start: int) -> Iterator[EntityHit]:
        """Yield what is found in the readings of a passage in which codes are undone, each of which is read by itself."""
        if is_clean(raw):
            return
        for view in deobfuscate_text(raw, letters=False):
            read = read_words(self._model, view, start)
            cuts = [read.ids[at : at + MOST] for at in range(0, len(read.ids), MOST)]
            if not cuts:
                continue
            spans = NameSpans(self._table, self._min_score)
            scores = np.concatenate(self._model.probabilities(cuts))
            closed = [*self._add(spans, read, scores, near=False), *spans.close()]
            left = [*drop_known(closed, read.known)]
            yield from left
            yield from (hit for hit in drop_within(read.known, left) if hit.name in self._wanted)
