"""Makes spans of words as the shipped model labels them, but for where it is known to be wrong.

* A word may be the name of somebody although it is likelier that it is none, and is not where it stands as names in programs do.
* What stands between a house number and the rest of a street, or right in front of that, belongs to the street.
* A number alone is an address only where the model is sure: most are numbers of something else. Signs and numbers alone
  are neither people nor places.
* Two or three words on a line of their own in front of one that begins with a house number are who lives there, and no street.
* Several words together are a person more often than the model says, and a word alone is one less often: their scores are that
  much nearer to 1, and squared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.shipped_names.known_names import LOCATION, PERSON, STREET
from guardrails.detectors.pii.span_builder import LabelledWord, LabelTable, SpanBuilder
from guardrails.inference.safety.scores import Scores

DOUBT: Final = 0.35
"""A word is the name of somebody where that is so much as likely as that it is none."""

SURE: Final = 0.9
"""The score from which on a number alone is that of a house."""

OF_NAMES: Final = range(2, 4)
"""Words of a name on a line of its own."""


class NameSpans(SpanBuilder):
    """The spans of a text's words.

    Args:
        table: what labels mean.
        min_score: the score from which on a span counts.
    """

    def __init__(self, table: LabelTable, min_score: float) -> None:
        super().__init__(table, 0.0)
        self._person = table.names.index(PERSON) if PERSON in table.names else None
        self._outside = table.outside
        self._least = min_score
        self._words = 0
        """How many words with spaces between them the open span has."""
        self._has_letters = self._has_numbers = False
        """Of the open span."""

    def decide(self, means: Scores, *, is_code: bool) -> None:
        """Change how likely each meaning of a word is to what is made of it.

        Args:
            means: as the model says; they are changed.
            is_code: whether the word stands as names in programs do.
        """
        if self._person is None or self._outside is None:
            return
        person, outside = means[self._person], means[self._outside]
        if is_code:
            means[self._person] = 0.0
        elif person >= DOUBT * outside and person == np.delete(means, self._outside).max():
            means[self._outside] = 0.0

    def add(self, word: LabelledWord) -> list[EntityHit]:
        before, scores, words = self._open, self._scores, self._words
        had_letters, had_numbers = self._has_letters, self._has_numbers
        found = super().add(word)
        opened = self._open
        if opened is None:
            return found
        if before is not None and opened.start == before.start:
            self._words += word.start > before.end
        else:
            self._words, self._has_letters, self._has_numbers = 1, False, False
        self._has_letters |= word.has_letters
        self._has_numbers |= not word.has_letters
        if before is None or opened.start == before.start:
            return found
        kinds = (before.name, opened.name)
        if kinds == (PERSON, STREET) and word.near and word.has_letters:
            self._open = opened._replace(start=before.start)
            return []
        if kinds == (STREET, PERSON) and word.near and not had_letters:
            self._open, self._scores, self._base = before._replace(end=opened.end), scores, ""
            return []
        # With nothing between the two but the end of a line.
        if (
            kinds == (STREET, STREET)
            and not word.near
            and not word.has_letters
            and not had_numbers
            and words in OF_NAMES
        ):
            return [hit._replace(name=PERSON) for hit in found]
        return found

    def close(self) -> list[EntityHit]:
        return [hit for each in super().close() for hit in self._weigh(each)]

    def _weigh(self, hit: EntityHit) -> Iterator[EntityHit]:
        """Yield a span with the score that it has, if it counts."""
        score = hit.score
        if hit.name in (PERSON, LOCATION) and not self._has_letters:
            return
        if hit.name == PERSON:
            score = score**2 if self._words == 1 else 1 - (1 - score) ** 2
        elif hit.name == STREET and not self._has_letters and score < SURE:
            return
        if score >= self._least:
            yield hit._replace(score=score)
