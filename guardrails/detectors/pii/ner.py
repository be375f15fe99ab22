"""Finds spans of personal data with a token-classification model.

Labels may be plain or have a prefix (`B-`, `I-`, and `E-`, `L-`, `S-`, `U-`). The probabilities of all labels that mean the
same are added up, so that a given name and a surname are a person each and together; word pieces make words, which take
the mean of their pieces; neighbouring words of one meaning make a span, which has the mean of its words.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.pii.names import LABELS, EntityHit, normalize_label
from guardrails.detectors.pii.ner_model import Scores, TokenModel, WordPieces
from guardrails.detectors.terms.term_matcher import UNSPACED
from guardrails.text import is_word

_PREFIX: Final = re.compile(r"([BIELSU])[-_](?=.)")
_BEGINS: Final = frozenset("BSU")
_UNSPACED: Final = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED) + "]")


def split_label(label: str) -> tuple[str, str]:
    """Return the prefix of a label, empty where it has none, and the rest."""
    match = _PREFIX.match(label)
    return (match[1], label[match.end() :]) if match else ("", label)


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
        self._begins = tuple(split_label(label)[0] in _BEGINS for label in model.labels)
        self._bases = tuple(split_label(label)[1] for label in model.labels)
        meanings = _meanings(self._bases, own)
        self._names = sorted({*meanings.values()} & wanted)
        self.names = frozenset(self._names)
        if not self._names:
            seen = ", ".join(sorted({*self._bases} - {"O"}))
            message = f"the model has labels for nothing that is looked for: {seen}"
            hint = "say what they mean by 'labels:'"
            raise ConfigProblems([ConfigProblem("unavailable_entity", message, ("ner", "model"), hint=hint)])
        # One column for each name, then one for each label that means nothing here: those compete one by one.
        means = [meanings[base] if meanings.get(base) in self.names else f"\0{base}" for base in self._bases]
        columns = [*self._names, *sorted({*means} - self.names)]
        self._column = [columns.index(each) for each in means]
        self._sums = np.zeros((len(means), len(columns)), dtype=np.float32)
        self._sums[range(len(means)), self._column] = 1.0

    def search(self, text: str) -> list[EntityHit]:
        """Return what the model finds, in order."""
        pieces = self._model.pieces(text)
        if not pieces.spans:
            return []
        found: list[tuple[EntityHit, list[float]]] = []
        last = ("", "")
        summed = pieces.probabilities @ self._sums
        for first, end, (start, stop) in merge_pieces(text, pieces):
            means = summed[first:end].mean(axis=0)
            column = int(means.argmax())
            if column >= len(self._names):
                last = ("", "")
                continue
            name, (begins, base) = self._names[column], self._label(pieces.probabilities[first], column)
            if (
                last[0] == name
                and not (begins and base == last[1])
                and _touches(text, found[-1][0].end, start)
            ):
                hit, scores = found[-1]
                found[-1] = (hit._replace(end=stop), [*scores, float(means[column])])
            else:
                found.append((EntityHit(name, 0.0, start, stop), [float(means[column])]))
            last = (name, base)
        scored = [hit._replace(score=min(sum(scores) / len(scores), 1.0)) for hit, scores in found]
        return [hit for hit in scored if hit.score >= self._min_score]

    def _label(self, row: Scores, column: int) -> tuple[bool, str]:
        """Return whether the likeliest label of a column begins a span, and its name without prefix."""
        own = [at for at, where in enumerate(self._column) if where == column]
        best = max(own, key=lambda at: float(row[at]))
        return self._begins[best], self._bases[best]


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


def merge_pieces(text: str, pieces: WordPieces) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Yield the words that pieces make up: the first piece, the one after the last, and the span without white space.

    Pieces belong together where they touch between two characters of a word, whatever the tokenizer calls a word;
    scripts that write no spaces stay in the pieces that they were cut into.
    """
    open_: tuple[int, int, tuple[int, int]] | None = None
    for at, (start, end) in enumerate(pieces.spans):
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


def _touches(text: str, end: int, start: int) -> bool:
    """Tell whether only white space lies between two words."""
    return not text[end:start].strip()
