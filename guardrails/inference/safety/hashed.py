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
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from guardrails.cancellation import check

BITS: Final = 18
BUCKETS: Final = 1 << BITS
NGRAMS: Final = (2, 3, 4, 5)
LIMIT: Final = 200_000
"""Bytes of a text that are read; callers cut long texts into windows before."""

_TOGETHER: Final = 64
"""Texts that are hashed in one pass, so that what is looked up stays near; their numbers fit above a bucket in 32 bits."""

_AT_ONCE: Final = 50_000
"""Characters of texts that are judged between two looks at the time."""

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


_AT: Final = np.stack([_mixed_numbers(256, 1000 * place) for place in range(max(NGRAMS))])
"""The value of each byte at each place of an n-gram."""
_PLACE: Final = _mixed_numbers(_LONGEST_WORD, 88_000)
_SECOND: Final = _mixed_numbers(1, 99_000)[0]
_SALT: Final = _mixed_numbers(max(NGRAMS) + 3, 66_000)
_NONE: Final = np.empty(0, dtype=np.uint64)

_is_word = np.zeros(256, dtype=bool)
_is_word[[*range(48, 58), *range(65, 91), *range(97, 123), 39, 95, *range(128, 256)]] = True
_BYTE: Final = np.where(_is_word, _mixed_numbers(256, 77_000), np.uint64(0))
"""The value of each byte of a word; 0 of what stands between words."""


class TextFeatures(NamedTuple):
    """The features of some texts: `buckets` (0 to 2^18 - 1, ascending and distinct in each text), and how many each text has."""

    buckets: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def _split_texts(texts: Sequence[str]) -> list[Sequence[str]]:
    """Return texts in parts of about `_AT_ONCE` characters; of none one part."""
    if sum(map(len, texts)) <= _AT_ONCE:
        return [texts]
    parts: list[Sequence[str]] = []
    begin = size = 0
    for at, text in enumerate(texts):
        size += len(text)
        if size >= _AT_ONCE:
            parts.append(texts[begin : at + 1])
            begin, size = at + 1, 0
    return parts if begin == len(texts) else [*parts, texts[begin:]]


def hash_texts(texts: Sequence[str]) -> TextFeatures:
    """Return the features of texts, of a blank one none.

    All texts are hashed in one pass over their bytes, with a space between two of them that begins the later one: what is hashed
    costs little beside the calls that hash it.
    """
    found = [_hash_together(texts[at : at + _TOGETHER]) for at in range(0, len(texts), _TOGETHER)]
    if len(found) == 1:
        return found[0]
    if not found:
        return TextFeatures(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return TextFeatures(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _hash_together(texts: Sequence[str]) -> TextFeatures:
    """Return the features of at most `_TOGETHER` texts."""
    encoded = (b" ".join(text.strip().encode("utf-8", "replace")[:LIMIT].split()) for text in texts)
    read = {at: data for at, data in enumerate(encoded) if data}
    if not read:
        return TextFeatures(np.empty(0, dtype=np.int64), np.zeros(len(texts), dtype=np.int64))
    data = b" ".join([b"", *read.values(), b""])
    ngrams = _hash_ngrams(data)
    words, pairs, starts = _hash_words(data)
    if len(texts) == 1:
        keys = _distinct(_mix(np.concatenate([*(hashes for hashes, _ in ngrams), words, pairs])))
        return TextFeatures(keys.astype(np.int64), np.array([len(keys)]))
    lengths = [len(each) + 1 for each in read.values()]
    lengths[-1] += 1  # the last space is of the last text
    of_text = np.repeat(np.array([*read], dtype=np.uint32) << np.uint32(BITS), lengths)
    own = of_text[starts]
    together = own[1:] == own[:-1]
    keys = _mix(np.concatenate([*(hashes for hashes, _ in ngrams), words, pairs[together]]))
    keys |= np.concatenate([*(of_text.compress(whole) for _, whole in ngrams), own, own[1:][together]])
    keys = _distinct(keys)
    counts = np.bincount(keys >> np.uint32(BITS), minlength=len(texts))
    return TextFeatures((keys & np.uint32(BUCKETS - 1)).astype(np.int64), counts)


Hashes = npt.NDArray[np.uint64]


def _hash_ngrams(data: bytes) -> list[tuple[Hashes, npt.NDArray[np.bool_]]]:
    """Hash each n-gram without a space inside, of bytes between two spaces.

    `take` and `compress` touch less of numpy than indexing and cumulative sums: behind a run of an encoder that costs the most.

    Returns:
        for each size the hashes, and at which of the first places of the bytes such an n-gram begins.
    """
    read: npt.NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
    letter = read != _SPACE
    total = _AT[0].take(read)
    whole = np.ones(len(data), dtype=np.bool_)
    found = []
    for size in NGRAMS[: len(data) - 1]:
        total = total[:-1] + _AT[size - 1].take(read[size - 1 :])
        # A space may stand first or last; what was last in the shorter one is now inside.
        whole = whole[:-1] & letter[size - 2 : -1] if size > 2 else whole[:-1]
        found.append((total.compress(whole) ^ _SALT[size], whole))
    return found


def _hash_words(data: bytes) -> tuple[Hashes, Hashes, npt.NDArray[np.intp]]:
    """Hash each word, and each pair of neighbouring words, of bytes between two spaces.

    Returns:
        the hashes of words; those of pairs; where words start.
    """
    read: npt.NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
    word = _is_word.take(read)
    starts = (word[1:] != word[:-1]).nonzero()[0][::2] + 1
    if not len(starts):
        return _NONE, _NONE, starts
    begun = np.zeros(len(data), dtype=np.intp)
    begun.put(starts, starts)
    places = np.arange(len(data)) - np.maximum.accumulate(begun)
    single = np.add.reduceat(_BYTE.take(read) * _PLACE.take(places, mode="clip"), starts)
    pair = single[:-1] + single[1:] * _SECOND
    return single ^ _SALT[0], pair ^ _SALT[1], starts


def _mix(hashes: Hashes) -> npt.NDArray[np.uint32]:
    """Return the bucket of each hash; changes the hashes."""
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MULTIPLIER
    hashes >>= _SHIFT
    return hashes.astype(np.uint32)


def _distinct(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return keys in order, each once; sorts those that are given."""
    keys.sort()
    first = np.empty(len(keys), dtype=np.bool_)
    first[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys.compress(first)


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
        """Return float32 [texts, heads] for folded texts; a text without features gets the bias alone.

        Raises:
            Cancelled: the time is up, or nobody waits any more; that is looked at every `_AT_ONCE` characters.
        """
        parts = [self._judge(part) for part in _split_texts(texts)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _judge(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the logits of texts that are hashed together."""
        check()
        buckets, counts = hash_texts(texts)
        rows = counts.nonzero()[0]
        if 0 < len(rows) == len(texts):
            return self._sum(buckets, counts)
        out = np.repeat(self.bias[None], len(texts), axis=0)
        if len(rows):
            out[rows] = self._sum(buckets, counts[rows])
        return out

    def _sum(self, buckets: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the logits of texts that have features."""
        begins = counts.cumsum() - counts
        total = np.add.reduceat(self.weights.take(buckets, axis=0), begins, axis=0, dtype=np.int32)
        mean = self.scale * total.astype(np.float32) / np.sqrt(counts).astype(np.float32)[:, None]
        return np.asarray(self.bias + mean, dtype=np.float32)
