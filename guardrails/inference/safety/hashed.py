"""Linear heads over hashed n-grams: one logit per text and head.

The same function makes the features for training and at run time. A text (the view `guardrails.text.fold_text(text)`,
so that spelling tricks are undone) is read as UTF-8 bytes with runs of white space as one space. Its features are
the byte 2- to 5-grams that cross no space (one may stand at either end) and the words and pairs of neighbouring
words; each is hashed to one of 2^18 buckets and counts once. A head's logit is

    bias + scale * sum(weights of the buckets) / sqrt(number of buckets)

The file (`numpy.savez_compressed`) holds: `weights` int8 [buckets, heads], `scale` float32 [heads], `bias` float32
[heads], `heads` the names. Only unsigned 64-bit integers are hashed, so buckets are the same on every platform.
On held-out sources 2^18 buckets lost nothing against 2^21 on two of three tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

BITS: Final = 18
BUCKETS: Final = 1 << BITS
NGRAMS: Final = (2, 3, 4, 5)
LIMIT: Final = 200_000
"""Bytes of a text that are read; callers cut long texts into windows before."""

_SPACE: Final = 32
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - BITS)
_LONGEST_WORD: Final = 64


def _mixed_numbers(count: int, seed: int) -> npt.NDArray[np.uint64]:
    """Return `count` well-mixed odd numbers (splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed)) * _MULTIPLIER
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return (z ^ (z >> np.uint64(31))) | np.uint64(1)


_AT: Final = tuple(_mixed_numbers(256, 1000 * place) for place in range(max(NGRAMS)))
"""The value of each byte at each place of an n-gram."""
_BYTE: Final = _mixed_numbers(256, 77_000)
_PLACE: Final = _mixed_numbers(_LONGEST_WORD, 88_000)
_SECOND: Final = _mixed_numbers(1, 99_000)[0]
_SALT: Final = _mixed_numbers(max(NGRAMS) + 3, 66_000)

_is_word = np.zeros(256, dtype=bool)
_is_word[[*range(48, 58), *range(65, 91), *range(97, 123), 39, 95, *range(128, 256)]] = True
_is_space = np.zeros(256, dtype=bool)
_is_space[[9, 10, 11, 12, 13, _SPACE]] = True


def hash_features(text: str) -> npt.NDArray[np.int64]:
    """Return the distinct buckets (0 to 2^18 - 1, ascending) of a text's features; empty for a blank text."""
    data = np.frombuffer(text.strip().encode("utf-8", "replace")[:LIMIT], dtype=np.uint8)
    space = _is_space[data]
    keep = ~space
    keep[1:] |= ~space[:-1]  # the first of a run
    data = np.where(space, np.uint8(_SPACE), data)[keep]
    if not (data != _SPACE).any():
        return np.empty(0, dtype=np.int64)
    data = np.concatenate(([np.uint8(_SPACE)], data, [np.uint8(_SPACE)]))
    hashes = np.concatenate([*_byte_ngrams(data), *_words(data)])
    with np.errstate(over="ignore"):
        hashes ^= hashes >> np.uint64(32)
        found = np.sort(((hashes * _MULTIPLIER) >> _SHIFT).astype(np.int32))
    first = np.ones(len(found), dtype=bool)
    np.not_equal(found[1:], found[:-1], out=first[1:])
    return found[first].astype(np.int64)


def _byte_ngrams(data: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint64]]:
    """Hash each n-gram without a space inside."""
    out = []
    gap = data == _SPACE
    total = _AT[0][data]
    inside = np.zeros(len(data), dtype=bool)
    with np.errstate(over="ignore"):
        for n in range(2, max(NGRAMS) + 1):
            size = len(data) - n + 1
            if size <= 0:
                break
            total = total[:size] + _AT[n - 1][data[n - 1 :]]
            # A space may stand first or last; what was last for n - 1 is now inside.
            inside = inside[:size] | gap[n - 2 : n - 2 + size] if n > 2 else inside[:size]
            if n in NGRAMS:
                out.append(total[~inside] ^ _SALT[n])
    return out


def _words(data: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint64]]:
    """Hash each word and each pair of neighbouring words."""
    word = _is_word[data]
    edges = np.diff(word.astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    if not len(starts):
        return []
    letters = np.flatnonzero(word)
    lengths = ends - starts
    firsts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    places = np.minimum(np.arange(len(letters)) - np.repeat(firsts, lengths), _LONGEST_WORD - 1)
    with np.errstate(over="ignore"):
        single = np.add.reduceat(_BYTE[data[letters]] * _PLACE[places], firsts)
        pair = single[:-1] + single[1:] * _SECOND
    return [single ^ _SALT[0], pair ^ _SALT[1]]


@dataclass(frozen=True, slots=True)
class HashedHeads:
    """The heads of one file.

    Attributes:
        heads: their names, in the order of the columns.
        weights: int8 [buckets, heads].
        scale: what one step of a head's weights is worth.
        bias: a head's logit for a text without features.
    """

    heads: tuple[str, ...]
    weights: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    @classmethod
    def load(cls, path: Path | str) -> HashedHeads:
        """Read a file that `save` wrote.

        Raises:
            ValueError: when its arrays are not as the module's docstring says.
        """
        with np.load(path, allow_pickle=False) as file:
            heads = tuple(str(name) for name in file["heads"])
            loaded = cls(heads, file["weights"], file["scale"], file["bias"])
        if loaded.weights.dtype != np.int8 or loaded.weights.shape != (BUCKETS, len(heads)):
            raise ValueError(f"{path}: weights must be int8 [{BUCKETS}, {len(heads)}]; restore the file")
        return loaded

    @classmethod
    def train_on(
        cls, heads: Sequence[str], weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
    ) -> HashedHeads:
        """Round float weights [buckets, heads] to int8, one scale a head."""
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-12).astype(np.float32) / np.float32(127)
        return cls(tuple(heads), np.rint(weights / scale).astype(np.int8), scale, bias.astype(np.float32))

    def save(self, path: Path | str) -> None:
        """Write the file that `load` reads."""
        names = np.array(self.heads)
        np.savez_compressed(path, heads=names, weights=self.weights, scale=self.scale, bias=self.bias)

    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return float32 [texts, heads] for folded texts; a text without features gets the bias alone."""
        out = np.tile(self.bias, (len(texts), 1))
        for row, text in enumerate(texts):
            found = hash_features(text)
            if len(found):
                total = self.weights[found].sum(axis=0, dtype=np.int32)
                out[row] += self.scale * total.astype(np.float32) / np.float32(len(found) ** 0.5)
        return out
