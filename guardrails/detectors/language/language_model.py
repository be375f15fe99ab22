"""Tells how likely a text is in each of 140 languages: the model of py3langid, in a table that is small and quick to load.

The model is naive Bayes over n-grams of up to six bytes. At each place of a text the longest n-gram of the table that ends there
counts; a language's score is its prior and, for each n-gram, what that says for it times log(1 + count). Probabilities are
tempered by the text's length, so that they can be compared with a threshold. Of most languages an n-gram says the least that the
model knows, so that the file holds what is more alone: 9 MB for the 67 MB that py3langid keeps, and the same numbers.

`_generate_language_model.py` makes the file; `guardrails/models/language_id/CARD.md` says where its numbers are from.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FILE: Final = Path(__file__).parents[2] / "models" / "language_id" / "model.npz"

LONGEST: Final = 6
"""Bytes of an n-gram."""

LENGTH_SHIFT: Final = 8 * LONGEST
"""An n-gram is one number: its bytes, and above them how many there are."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model that is loaded.

    Attributes:
        languages: their codes; one may stand there twice, for two scripts, and has the probability of both.
        prior: the score of each without a text.
        least: what an n-gram says for a language where nothing else is known.
        ngrams: the n-grams as numbers, ascending.
        starts: where what is known of each n-gram begins in the two columns below; one more than there are n-grams.
        columns: languages of which more is known.
        weights: what the n-gram says for them.
        beginnings: by size and by the first two bytes, whether there is an n-gram that begins so.
    """

    languages: tuple[str, ...]
    prior: NDArray[np.float32]
    least: NDArray[np.float32]
    ngrams: NDArray[np.uint64]
    starts: NDArray[np.uint32]
    columns: NDArray[np.uint8]
    weights: NDArray[np.float16]
    beginnings: NDArray[np.bool_] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        beginnings = np.zeros((LONGEST + 1, 1 << 16), dtype=np.bool_)
        sizes, values = (
            self.ngrams >> np.uint64(LENGTH_SHIFT),
            self.ngrams & np.uint64((1 << LENGTH_SHIFT) - 1),
        )
        for size in range(1, LONGEST + 1):
            beginnings[size, _first_bytes(values[sizes == size], size)] = True
        object.__setattr__(self, "beginnings", beginnings)

    @classmethod
    def load(cls, path: Path) -> LanguageModel:
        """Read a file that `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                tuple(map(str, file["languages"])),
                *(file[name] for name in ("prior", "least", "ngrams", "starts", "columns", "weights")),
            )

    def save(self, path: Path) -> None:
        """Write the file that `load` reads, not compressed: the package is, and a file that is loads five times slower."""
        arrays = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        np.savez(path, **arrays | {"languages": np.array(self.languages)})

    def probabilities(self, text: str) -> Mapping[str, float]:
        """Return the probability of each language; a text in which the model knows nothing has the same for all."""
        data = _encode(text)
        scores = self._scores(data) / math.sqrt(len(data) or 1)
        np.exp(scores - scores.max(), out=scores)
        scores /= scores.sum()
        found: dict[str, float] = {}
        for language, probability in zip(self.languages, scores.tolist(), strict=True):
            found[language] = found.get(language, 0.0) + probability
        return found

    def scores(self, text: str) -> NDArray[np.float64]:
        """Return the score of each language, in nats and in the order of `languages`: naive Bayes, not tempered."""
        return self._scores(_encode(text))

    def _scores(self, data: bytes) -> NDArray[np.float64]:
        """Return the score of each language for a text's bytes."""
        rows, counts = np.unique(self._find_ngrams(data), return_counts=True)
        if not len(rows):
            return np.zeros(len(self.languages))
        factors = np.log1p(counts)
        first = self.starts[rows].astype(np.intp)
        sizes = self.starts[rows + 1] - first
        known = np.arange(sizes.sum()) + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
        columns = self.columns[known]
        more = (self.weights[known] - self.least[columns]) * np.repeat(factors, sizes)
        said = np.bincount(columns, more, minlength=len(self.languages))
        return np.asarray(self.prior + factors.sum() * self.least + said, dtype=np.float64)

    def _find_ngrams(self, data: bytes) -> NDArray[np.intp]:
        """Return the number of the longest n-gram that ends at each place, where there is one."""
        values = np.frombuffer(data, dtype=np.uint8).astype(np.uint64)
        ends = [values]  # by length: the bytes up to each place as one number
        for size in range(2, min(LONGEST, len(data)) + 1):
            shorter = ends[-1][1:]
            ends.append(shorter | (values[: len(shorter)] << np.uint64(8 * (size - 1))))
        found: list[NDArray[np.intp]] = []
        open_ = np.arange(len(data))
        for size in range(len(ends), 0, -1):
            places = open_[open_ >= size - 1]
            values = ends[size - 1][places - (size - 1)]
            begun = self.beginnings[size, _first_bytes(values, size)]  # of noise few need a search
            keys = values[begun] | np.uint64(size << LENGTH_SHIFT)
            at = np.minimum(np.searchsorted(self.ngrams, keys), len(self.ngrams) - 1)
            hit = self.ngrams[at] == keys
            found.append(at[hit])
            begun[begun] = hit
            open_ = np.concatenate([open_[open_ < size - 1], places[~begun]])
        return np.concatenate(found) if found else np.empty(0, dtype=np.intp)


def _first_bytes(values: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """Return the first two bytes of n-grams of a size, given as numbers; the only one where they have one."""
    return values >> np.uint64(8 * max(size - 2, 0))


def _encode(text: str) -> bytes:
    """Return the bytes that the model reads of a text: one in capitals is read as in small letters."""
    written = unicodedata.normalize("NFC", text.lower() if text.isupper() else text)
    return written.encode("utf-8", "surrogatepass")


@cache
def load_language_model() -> LanguageModel:
    """Return the process's model: 9 MB, in some 10 ms."""
    return LanguageModel.load(FILE)
