"""Searches rows of PDQ hashes for all within a distance of others, exactly.

Of two hashes that differ in at most 31 bits, some of their 16 words of 16 bits differs in at most one (31 bits over 16 words
leave one word with one or none). So there is a table for each word, of the rows in its order and where each value begins, and 17
values are looked up in each: the word and those one bit away. What is found is compared in full. Of a million rows that are
some 4,000 for each hash that is looked up, and 33,000 for the eight forms of a picture.

Measured on one core of a busy 2-core box: one hash in a million rows 0.15 ms, the eight forms of a picture 1 ms (50 ms a form
where all rows are compared). Where a hash is one of many guesses, only the word itself is looked up: a seventeenth of the rows,
among which are 90 % of those 31 bits away, 98 % of those 24 bits away if the bits are of chance, and more where they are, as in
pictures, in some of the words. The tables take 0.6 s to make. A list of at most `FEW` rows has none, as all rows are compared in
less time than it takes to look them up, and so are they for distances above 31, or where so many rows share words that the
tables help nothing. The arrays may be mapped from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.uint64]
    Found = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]

FEW: Final = 4_096
"""Rows that are compared one by one."""

REACH: Final = 31
"""The distance that the tables find all rows within."""

WORDS: Final = 16
FLIPS: Final = (0, *(1 << bit for bit in range(16)))
"""What a word may differ by."""

VALUES: Final = 1 << 16

AT_ONCE: Final = 1 << 18
"""Rows that are compared at a time."""


def build_tables(rows: Rows) -> dict[str, NDArray[np.uint32]]:
    """Return the tables of rows: `order`, a row for each word, and `starts`, where each value begins; none for a few rows."""
    import numpy as np

    if len(rows) <= FEW:
        return {}
    words = np.ascontiguousarray(rows).view(np.uint16).reshape(-1, WORDS)
    order = np.empty((WORDS, len(rows)), dtype=np.uint32)
    starts = np.zeros((WORDS, VALUES + 1), dtype=np.uint32)
    for at in range(WORDS):
        order[at] = np.argsort(words[:, at], kind="stable")
        starts[at, 1:] = np.cumsum(np.bincount(words[:, at], minlength=VALUES))
    return {"order": order, "starts": starts}


def search_tables(
    rows: Rows, of: Mapping[str, NDArray[np.uint32]], asked: Rows, reach: int, *, thorough: bool = True
) -> Found:
    """Return which of the `asked` hashes is within `reach` of which row, and how far: three arrays of one length. Unless it is
    `thorough`, only rows that have a word in common with it are told.
    """
    import numpy as np

    if of and reach <= REACH:
        which, at = _candidates(of, asked, FLIPS if thorough else FLIPS[:1])
        if len(at) <= len(asked) * len(rows) // 4:
            # `take` copies whole rows, ten times as fast as an index of two dimensions, and four columns beat a sum over them.
            differ = np.bitwise_count(rows.take(at, axis=0) ^ asked.take(which, axis=0)).T.astype(np.int64)
            far = differ[0] + differ[1] + differ[2] + differ[3]
            near = far <= reach
            return _distinct(which[near], at[near], far[near], len(rows))
    return _all(rows, asked, reach)


def _candidates(
    of: Mapping[str, NDArray[np.uint32]], asked: Rows, flips: Sequence[int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of asked hashes and rows that share a word, but for bits that are flipped."""
    import numpy as np

    words = np.ascontiguousarray(asked).view(np.uint16).reshape(-1, WORDS)
    probes = (words[:, :, None] ^ np.array(flips, dtype=np.uint16)).astype(np.intp)  # [asked, word, flip]
    base = np.arange(WORDS)[None, :, None]
    starts = of["starts"].reshape(-1)
    first = starts[base * (VALUES + 1) + probes].astype(np.intp)
    count = starts[base * (VALUES + 1) + probes + 1].astype(np.intp) - first
    first += base * of["order"].shape[1]
    which = np.repeat(np.arange(len(asked)), count.reshape(len(asked), -1).sum(axis=1))
    flat = count.ravel()
    # One running number for all stretches: where each begins, less how many there were before it.
    shift = np.repeat(first.ravel() - (np.cumsum(flat) - flat), flat)
    at = of["order"].reshape(-1)[shift + np.arange(len(shift))]
    return which, at.astype(np.intp)


def _distinct(which: NDArray[np.intp], at: NDArray[np.intp], far: NDArray[np.int64], rows: int) -> Found:
    """Return each pair once, in order."""
    import numpy as np

    _, kept = np.unique(which * rows + at, return_index=True)
    return which[kept], at[kept], far[kept]


def _all(rows: Rows, asked: Rows, reach: int) -> Found:
    """Compare all rows."""
    import numpy as np

    which, ats, fars = [], [], []
    for number, one in enumerate(asked):
        for start in range(0, len(rows), AT_ONCE):
            far = np.bitwise_count(rows[start : start + AT_ONCE] ^ one).sum(axis=1, dtype=np.int64)
            near = np.nonzero(far <= reach)[0]
            which.append(np.full(len(near), number, dtype=np.intp))
            ats.append(near + start)
            fars.append(far[near])
    empty = np.zeros(0, dtype=np.intp)
    return (
        np.concatenate([empty, *which]),
        np.concatenate([empty, *ats]),
        np.concatenate([empty.astype(np.int64), *fars]),
    )
