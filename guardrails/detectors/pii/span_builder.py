"""Makes spans of personal data of words that a model labelled, as the words come.

Labels may be plain or have a prefix (`B-`, `I-`, and `E-`, `L-`, `S-`, `U-`). The probabilities of all labels that mean the
same are added up, so that a given name and a surname are a person each and together; a word takes the mean of its pieces;
neighbouring words of one meaning make a span, which has the mean of its words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from guardrails.detectors.pii.names import EntityHit
from guardrails.inference.safety.scores import Scores

_PREFIX: Final = re.compile(r"([BIELSU])[-_](?=.)")
_BEGINS: Final = frozenset("BSU")


def split_label(label: str) -> tuple[str, str]:
    """Return the prefix of a label, empty where it has none, and the rest."""
    match = _PREFIX.match(label)
    return (match[1], label[match.end() :]) if match else ("", label)


class LabelTable:
    """What a model's labels mean.

    Args:
        labels: of its columns.
        meanings: label without prefix → the name of what it labels.
        wanted: the names to look for.

    Attributes:
        names: those of them that there are labels for, sorted.
        outside: the column of what is nothing at all; None where there is no label for it.
    """

    def __init__(self, labels: Sequence[str], meanings: Mapping[str, str], wanted: frozenset[str]) -> None:
        self._begins = tuple(split_label(label)[0] in _BEGINS for label in labels)
        self._bases = tuple(split_label(label)[1] for label in labels)
        self.names = sorted({meanings[base] for base in self._bases if base in meanings} & wanted)
        # One column for each name, then one for each label that means nothing here: those compete one by one.
        means = [meanings[base] if meanings.get(base) in self.names else f"\0{base}" for base in self._bases]
        columns = [*self.names, *sorted({*means} - {*self.names})]
        self.outside = columns.index("\0O") if "\0O" in columns else None
        self._column = [columns.index(each) for each in means]
        self._sums = np.zeros((len(means), len(columns)), dtype=np.float32)
        self._sums[range(len(means)), self._column] = 1.0

    def add_up(self, probabilities: Scores) -> Scores:
        """Return the probabilities of what pieces mean: those of the names come first."""
        return probabilities @ self._sums

    def label(self, row: Scores, column: int) -> tuple[bool, str]:
        """Return whether the likeliest label of a column begins a span, and its name without prefix."""
        own = [at for at, where in enumerate(self._column) if where == column]
        best = max(own, key=lambda at: float(row[at]))
        return self._begins[best], self._bases[best]


class LabelledWord(NamedTuple):
    """A word: where it stands, whether it is next to the word before, how likely each meaning of it is, and each label of its
    first piece, and whether it has letters.
    """

    start: int
    end: int
    near: bool
    means: Scores
    first: Scores
    has_letters: bool = True


class SpanBuilder:
    """The spans of words that come in order.

    Args:
        table: what labels mean.
        min_score: the score from which on a span counts.

    Attributes:
        start: of the span that the next word may go on with; None where there is none.
    """

    def __init__(self, table: LabelTable, min_score: float) -> None:
        self._table = table
        self._min_score = min_score
        self._open: EntityHit | None = None
        self._base = ""
        self._scores: list[float] = []

    @property
    def start(self) -> int | None:
        return None if self._open is None else self._open.start

    def add(self, word: LabelledWord) -> list[EntityHit]:
        """Take the next word; return the span that ends before it, if that counts."""
        column = int(word.means.argmax())
        if column >= len(self._table.names):
            return self.close()
        name, (begins, base) = self._table.names[column], self._table.label(word.first, column)
        score = float(word.means[column])
        hit = self._open
        if hit is not None and hit.name == name and word.near and not (begins and base == self._base):
            self._open = hit._replace(end=word.end)
            self._scores.append(score)
            found = []
        else:
            found = self.close()
            self._open, self._scores = EntityHit(name, 0.0, word.start, word.end), [score]
        self._base = base
        return found

    def close(self) -> list[EntityHit]:
        """End the open span; return it, if it counts."""
        hit, self._open = self._open, None
        if hit is None:
            return []
        score = min(sum(self._scores) / len(self._scores), 1.0)
        return [hit._replace(score=score)] if score >= self._min_score else []
