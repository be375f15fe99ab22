"""Finds spans of personal data with a token-classification model: word pieces make words, and words make spans
(`span_builder.py`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.pii.names import LABELS, EntityHit, normalize_label
from guardrails.detectors.pii.ner_model import TokenModel
from guardrails.detectors.pii.span_builder import LabelledWord, LabelTable, SpanBuilder, split_label
from guardrails.detectors.terms.term_matcher import UNSPACED
from guardrails.text import is_word

_UNSPACED: Final = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED) + "]")


class NerSearcher:
    """The searcher over a model. `own` says what labels mean where `LABELS` does not or says something else; `wanted`
    are the names to look for, and `names` those of them that the model has labels for.

    Raises `ConfigProblems` for labels that the model does not have, and when it has none that is wanted.
    """

    def __init__(
        self, model: TokenModel, own: Mapping[str, str], wanted: frozenset[str], min_score: float
    ) -> None:
        self._model = model
        self._min_score = min_score
        bases = tuple(split_label(label)[1] for label in model.labels)
        self._table = LabelTable(model.labels, _meanings(bases, own), wanted)
        self.names = frozenset(self._table.names)
        if not self.names:
            seen = ", ".join(sorted({*bases} - {"O"}))
            message = f"the model has labels for nothing that is looked for: {seen}"
            hint = "say what they mean by 'labels:'"
            raise ConfigProblems([ConfigProblem("unavailable_entity", message, ("ner", "model"), hint=hint)])

    def search(self, text: str) -> list[EntityHit]:
        """Return what the model finds, in order."""
        pieces = self._model.pieces(text)
        if not pieces.spans:
            return []
        spans = SpanBuilder(self._table, self._min_score)
        found: list[EntityHit] = []
        summed = self._table.add_up(pieces.probabilities)
        before = 0
        for first, end, (start, stop) in merge_pieces(text, pieces.spans):
            near = not text[before:start].strip()
            means = summed[first:end].mean(axis=0)
            found += spans.add(LabelledWord(start, stop, near, means, pieces.probabilities[first]))
            before = stop
        return found + spans.close()


def _meanings(bases: tuple[str, ...], own: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that mean something, without prefix, and what."""
    by_key = {normalize_label(base): base for base in bases if base != "O"}
    problems = [
        ConfigProblem(
            "unknown_label",
            f"the model has no label {label!r}",
            ("ner", "labels", label),
            hint=f"did you mean {by_key[close[0]]!r}?"
            if close
            else f"it has {', '.join(sorted(by_key.values()))}",
        )
        for label in own
        if normalize_label(label) not in by_key
        for close in [difflib.get_close_matches(normalize_label(label), by_key, n=1)]
    ]
    if problems:
        raise ConfigProblems(problems)
    table = LABELS | {normalize_label(label): name for label, name in own.items()}
    return {
        base: table[normalize_label(base)] for base in bases if base != "O" and normalize_label(base) in table
    }


def merge_pieces(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Yield the words that pieces with these spans make up: the first piece, the one after the last, and the span without
    white space.

    Pieces belong together where they touch between two characters of a word, whatever the tokenizer calls a word;
    scripts that write no spaces stay in the pieces that they were cut into.
    """
    open_: tuple[int, int, tuple[int, int]] | None = None
    for at, (start, end) in enumerate(spans):
        while start < end and text[start].isspace():
            start += 1
        if start >= end:
            continue
        if open_ is not None:
            first, _, (begin, before) = open_
            if before == start and _within_word(text, start):
                open_ = (first, at + 1, (begin, end))
                continue
            yield open_
        open_ = (at, at + 1, (start, end))
    if open_ is not None:
        yield open_


def _within_word(text: str, at: int) -> bool:
    return (
        is_word(text[at - 1])
        and is_word(text[at])
        and not _UNSPACED.match(text[at])
        and not _UNSPACED.match(text[at - 1])
    )
