"""Which rows of a table a text can hold at all: one automaton over what the rows need (`literals.py`).

A text goes in, the numbers of the rows come out that have all they need in it. The cost is that of a few passes over the
bytes of the text, whatever it is: nothing is built while searching. Sets of rows are the bits of an integer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import ahocorasick_rs
import re2

from guardrails.detectors.patterns.folding import (
    ALIKE,
    CONTEXT,
    DIGIT,
    EDGE,
    LONG,
    PLAIN,
    RUNS,
    SHAPE,
    Fold,
    Literals,
)
from guardrails.detectors.patterns.literals import PIECES, LiteralNeeds

LARGEST = 20_000
"""Bytes of all literals up to which the automaton is a full table, some 300 bytes for each. Those of the built-in tables are twice
as many: 12 MB for each side of each table, in place of one or two, would read 1,000 characters in 12 instead of 16 microseconds.
"""

_OTHER_DIGIT = re2.compile(r"[^\P{Nd}0-9]|[\x{10000}-\x{1FFFF}]")
"""What `dialect.BEYOND` takes for a digit beyond ASCII."""

_HUMP = re.compile(rb"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word begins within a name in camel case."""

_CASES = bytes(97 if 97 <= code <= 122 else 65 if 65 <= code <= 90 else 32 for code in range(256))
"""A table for `bytes.translate`: small letters are a, large ones A, all else is a space."""


def _has_humps(data: bytes) -> bool:
    """Tell whether `_HUMP` is anywhere, in a tenth of its time."""
    cases = data.translate(_CASES)
    return b"aA" in cases or b"AAa" in cases


class _Automaton:
    """Words, each with the rows that want it, as one automaton."""

    def __init__(self, rows: Mapping[bytes, int]) -> None:
        kinds = ahocorasick_rs.Implementation
        kind = kinds.DFA if sum(map(len, rows)) <= LARGEST else kinds.ContiguousNFA
        self._automaton = ahocorasick_rs.BytesAhoCorasick([*rows], implementation=kind)
        self._rows = [*rows.values()]

    def rows(self, hay: bytes) -> int:
        """Return the rows of all the words in a text."""
        found = 0
        for word in {match[0] for match in self._automaton.find_matches_as_indexes(hay, overlapping=True)}:
            found |= self._rows[word]
        return found


class Prefilter:
    """What the rows of a table need: for each its needs and the words of its context, none if it has none."""

    def __init__(self, needs: Sequence[tuple[LiteralNeeds, Literals]], *, wide: bool) -> None:
        self._wide = wide
        self._count = len(needs)
        # A row has as many places as sets of literals, and what it does not need counts as found.
        self._found = (1 << self._count * PIECES) - 1
        words: defaultdict[bytes, int] = defaultdict(int)
        contexts: defaultdict[bytes, int] = defaultdict(int)
        runs: list[defaultdict[int, int]] = [defaultdict(int) for _ in RUNS]
        self._numeric = self._others = self._near = 0
        for at, (need, context) in enumerate(needs):
            row = 1 << at
            for piece, literals in enumerate(need.literals):
                place = row << piece * self._count
                self._found &= ~place
                for literal in literals:
                    words[literal] |= place
            for lengths, length in zip(runs, need.runs, strict=True):
                lengths[length] |= row if length else 0
            for word in context:
                contexts[word] |= row
            self._numeric |= row * need.numeric
            self._others |= row * need.others
            self._near |= row * bool(context)
        self._runs = [_Run(fold, lengths) for (fold, _), lengths in zip(RUNS, runs, strict=True)]
        self._words, self._contexts = _Automaton(words), _Automaton(contexts)
        self._shapes = any(DIGIT in word for word in words)

    def candidates(self, text: str) -> list[int]:
        """Return the rows, in order, that have all they need in a text without lone surrogates."""
        data = text.encode()
        hay = PLAIN.fold(text) if self._wide else data.translate(PLAIN.table)
        shape = data.translate(SHAPE.table)
        numeric = DIGIT in shape
        if numeric and self._shapes:
            hay += EDGE + shape + EDGE
        rows = self._whole(self._found | self._words.rows(hay))
        if not numeric:
            rows &= ~self._numeric
        for run in self._runs:
            if rows & run.every:
                rows &= run.rows(data)
        # What is like a letter of ASCII may be one of a word, or the edge of one.
        if rows & self._near and not (self._wide and any(letter in text for letter, _ in ALIKE)):
            hay = EDGE + data.translate(CONTEXT.table) + EDGE + (data if self._wide else b"")
            if _has_humps(data):
                hay += EDGE + _HUMP.sub(b" ", data).translate(CONTEXT.table) + EDGE
            rows &= ~self._near | self._contexts.rows(hay)
        if self._others and self._wide and _OTHER_DIGIT.search(data) is not None:
            rows |= self._others
        return _numbers(rows)

    def _whole(self, found: int) -> int:
        """Return the rows of which every place is found."""
        rows = (1 << self._count) - 1
        for piece in range(PIECES):
            rows &= found >> piece * self._count
        return rows


class _Run:
    """Rows that need so many characters of a kind side by side; `every` are all of them."""

    def __init__(self, fold: Fold, lengths: Mapping[int, int]) -> None:
        self._fold = fold
        self._lengths = sorted((length, rows) for length, rows in lengths.items() if length)
        self.every = 0
        for _, rows in self._lengths:
            self.every |= rows

    def rows(self, data: bytes) -> int:
        """Return the rows that have their run in a text, and those that need none."""
        hay = data.translate(self._fold.table, self._fold.delete)
        rows = ~self.every
        for length, those in self._lengths:
            if LONG * length not in hay:
                break
            rows |= those
        return rows


def _numbers(rows: int) -> list[int]:
    """Return the numbers of the bits that are set."""
    found = []
    while rows:
        low = rows & -rows
        found.append(low.bit_length() - 1)
        rows ^= low
    return found
