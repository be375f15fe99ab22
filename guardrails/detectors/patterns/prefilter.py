"""Which rows of a table a text can hold at all: automata over what the rows need (`literals.py`), few of which most texts ask.

A text goes in, the numbers of the rows come out that have all they need in it. The cost is that of a few passes over the
bytes of the text, whatever it is: but for the automata, once, nothing is built while searching. Sets of rows are the bits of an
integer.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import ahocorasick_rs

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
from guardrails.text.matching import linear_patterns as re2

LARGEST = 5_000
"""Bytes of all literals up to which an automaton is a full table, some 300 bytes for each: it reads in a third of the time. What
most texts are searched for is below it; of all the built-in tables such tables would take 12 MB for each side.
"""

_NUMBERS = 3
"""The place in `RUNS` of digits, of which a row that needs any needs one."""
_KINDS = (0, _NUMBERS, 1, 2)
"""The places in `RUNS`, what most rows need first."""

_OTHER_DIGIT = re2.compile(r"[^\P{Nd}0-9]|[\x{10000}-\x{1FFFF}]")
"""What `dialect.BEYOND` takes for a digit beyond ASCII."""

_HUMP = re.compile(rb"[A-Z](?:(?<=[a-z][A-Z])|(?<=[A-Z]{2})(?=[a-z]))")
"""What a word begins with within a name in camel case: a capital first, which `re` finds quickly."""

_CASES = bytes(97 if 97 <= code <= 122 else 65 if 65 <= code <= 90 else 32 for code in range(256))
"""A table for `bytes.translate`: small letters are a, large ones A, all else is a space."""


def _has_humps(data: bytes) -> bool:
    """Tell whether `_HUMP` is anywhere, in a tenth of its time."""
    cases = data.translate(_CASES)
    return b"aA" in cases or b"AAa" in cases


class _Automaton:
    """Words, each with the rows that want it, as one automaton, which is built when the first text asks for it."""

    def __init__(self, rows: Mapping[bytes, int]) -> None:
        self._words = [*rows]
        self._rows = [*rows.values()]

    @functools.cached_property
    def _automaton(self) -> ahocorasick_rs.BytesAhoCorasick:
        kinds = ahocorasick_rs.Implementation
        kind = kinds.DFA if sum(map(len, self._words)) <= LARGEST else kinds.ContiguousNFA
        return ahocorasick_rs.BytesAhoCorasick(self._words, implementation=kind)

    def rows(self, hay: bytes) -> int:
        """Return the rows of all the words in a text."""
        found = 0
        matches = self._automaton.find_matches_as_indexes(hay, overlapping=True)
        for word in {match[0] for match in matches} if matches else ():
            found |= self._rows[word]
        return found


class Prefilter:
    """What the rows of a table need: for each its needs and the words of its context, none if it has none.

    Rows that need a run of the same kind are a group, which is only looked for in texts with such a run: most texts have
    neither digits nor keys, and are searched for the few literals of the rows that need none.
    """

    def __init__(self, needs: Sequence[tuple[LiteralNeeds, Literals]], *, wide: bool) -> None:
        self._wide = wide
        self._others = [at for at, (need, _) in enumerate(needs) if need.others] if wide else []
        runs: defaultdict[tuple[int, bool, bool], list[int]] = defaultdict(list)
        free: list[int] = []
        for at, (need, context) in enumerate(needs):
            kind = next((kind for kind in _KINDS if need.runs[kind]), None)
            if kind is not None:
                runs[kind, True, False].append(at)
            elif need.numeric:
                worded = bool(context) or not all(map(_is_shape, need.literals))
                runs[_NUMBERS, False, worded].append(at)
            else:
                free.append(at)
        self._near = {at: context for at, (_, context) in enumerate(needs) if context}
        self._free = _RowGroup(needs, free)
        groups: defaultdict[int, list[tuple[bytes, _RowGroup]]] = defaultdict(list)
        for (kind, long, _), rows in runs.items():
            least = min(needs[at][0].runs[kind] for at in rows) if long else 1
            groups[kind].append((LONG * least, _RowGroup(needs, rows)))
        self._groups = [(RUNS[kind][0], several) for kind, several in groups.items()]

    def candidates(self, text: str) -> list[int]:
        """Return the rows, in order, that have all they need in a text without lone surrogates."""
        data = text.encode()
        hay = PLAIN.fold(text) if self._wide else data.translate(PLAIN.table)
        found = self._free.candidates(data, hay)
        for fold, groups in self._groups:
            folded = data.translate(fold.table, fold.delete)
            for run, group in groups:
                if run in folded:
                    found += group.candidates(data, hay)
        if found and not self._near.keys().isdisjoint(found):
            found = self._drop_without_context(found, text, data)
        if self._others and _OTHER_DIGIT.search(data) is not None:
            found = [*{*found, *self._others}]
        found.sort()
        return found

    def _drop_without_context(self, found: list[int], text: str, data: bytes) -> list[int]:
        """Return those of some rows that need no word of context, or have one in a text."""
        # What is like a letter of ASCII may be one of a word, or the edge of one.
        if self._wide and any(letter in text for letter, _ in ALIKE):
            return found
        hay = EDGE + data.translate(CONTEXT.table) + EDGE + (data if self._wide else b"")
        if _has_humps(data):
            hay += EDGE + _HUMP.sub(rb" \g<0>", data).translate(CONTEXT.table) + EDGE
        return [at for at in found if at not in self._near or _find_words(self._near[at]).rows(hay)]


class _RowGroup:
    """Some rows of those of a filter, by their `numbers`: what they need but for their context, of which one word is looked for
    where nothing rarer is. Shapes of digits are looked for where all else is found.
    """

    def __init__(self, needs: Sequence[tuple[LiteralNeeds, Literals]], numbers: Sequence[int]) -> None:
        self._numbers = numbers
        self._count = len(numbers)
        # A row has as many places as sets of literals, and what it does not need counts as found.
        self._found = (1 << self._count * PIECES) - 1
        self._shaped = 0
        words: defaultdict[bytes, int] = defaultdict(int)
        shapes: defaultdict[bytes, int] = defaultdict(int)
        runs: list[defaultdict[int, int]] = [defaultdict(int) for _ in RUNS]
        self._numeric = 0
        for at, (need, context) in enumerate(needs[number] for number in numbers):
            row = 1 << at
            pieces = (*need.literals, frozenset(map(_longest_word, context))) if context else need.literals
            for piece, literals in enumerate(pieces[:PIECES]):
                place = row << piece * self._count
                self._found &= ~place
                shaped = _is_shape(literals)
                self._shaped |= place * shaped
                for literal in literals:
                    (shapes if shaped else words)[literal] |= place
            for lengths, length in zip(runs, need.runs, strict=True):
                lengths[length] |= row if length else 0
            self._numeric |= row * need.numeric
        self._runs = [_Run(fold, lengths) for (fold, _), lengths in zip(RUNS, runs, strict=True)]
        self._words, self._shapes = _Automaton(words), _Automaton(shapes)
        self._unasked = self._whole(self._found | self._shaped)

    def candidates(self, data: bytes, hay: bytes) -> list[int]:
        """Return the numbers of the rows that have what they need in a text.

        Args:
            data: the text as UTF-8.
            hay: the text folded as `PLAIN`.
        """
        words = self._words.rows(hay)
        rows = self._whole(self._found | self._shaped | words) if words else self._unasked
        if rows & self._numeric:
            shape = EDGE + data.translate(SHAPE.table) + EDGE
            if DIGIT in shape:
                rows = self._whole(self._found | words | self._shapes.rows(shape))
            else:
                rows &= ~self._numeric
        if not rows:
            return []
        for run in self._runs:
            if rows & run.every:
                rows &= run.rows(data)
        return [self._numbers[at] for at in _numbers(rows)]

    def _whole(self, found: int) -> int:
        """Return the rows of which every place is found."""
        rows = (1 << self._count) - 1
        for piece in range(PIECES):
            rows &= found >> piece * self._count
        return rows


@functools.lru_cache(maxsize=256)
def _find_words(words: Literals) -> _Automaton:
    """Return the automaton of the words of a context, which few texts ask for."""
    return _Automaton(dict.fromkeys(words, 1))


def _is_shape(literals: Literals) -> bool:
    """Tell whether literals are of a text folded as `SHAPE`: others hold no such digit."""
    return any(DIGIT in literal for literal in literals)


def _longest_word(literal: bytes) -> bytes:
    """Return what of a literal of a context is one word, which is in the text folded as `PLAIN` too."""
    return max(literal.split(EDGE), key=len)


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
