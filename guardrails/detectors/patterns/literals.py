r"""Works out which literals a text must hold for a pattern to match.

As in RE2's prefilter and Hyperscan: one pass of an automaton over a text tells which patterns may match at all. Literals
are of a folded text, so that there are few: each character becomes what a `Fold` makes of it, in the pattern and in the
text alike, and whatever matches in the text holds the folded literal in the folded text. `(?a)\b\d{3}-\d{4}\b` needs
an edge, three digits, something else, four digits, an edge. In doubt nothing is needed, and the pattern is always tried.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from guardrails.detectors.patterns.dialect import POSIX
from guardrails.detectors.patterns.folding import (
    BOUNDARY,
    BREAK,
    CONTEXT,
    DIGIT,
    DIGITS,
    EDGE,
    LETTER,
    LETTERS,
    PLAIN,
    RUNS,
    SHAPE,
    Fold,
    Literals,
)

MANY = 16
"""Characters of a class, folded, from which on it says nothing: a letter."""

LISTED = 6
"""Repetitions of one character that are listed by their length."""

LONG_SEQUENCE = 64
"""Parts of a repeated group up to which its end is joined to what follows; nested groups would double it each time."""

MOST = 500
"""Literals of a set that are compared with each other."""

RAREST = 0.015
"""Chance at a place of a text above which a set says nothing: it would be met in every text."""

RARE = 0.0025
"""The same for a second set, which only adds to the first."""

ENOUGH = 0.00005
"""Chance below which a set is rare enough to need no second one of many literals."""

PIECES = 2
"""Sets of literals that a row may need."""

_ASCII = range(0x80)


@dataclass(frozen=True, slots=True)
class LiteralNeeds:
    """What a row needs: of each set of `literals` one, of each of `RUNS` so many (0: none), a digit where `numeric`;
    with `others` that holds for texts without digits beyond ASCII.
    """

    literals: tuple[Literals, ...] = ()
    runs: tuple[int, ...] = (0,) * len(RUNS)
    numeric: bool = False
    others: bool = False

    def __bool__(self) -> bool:
        return bool(self.literals or any(self.runs) or self.numeric)


class _Unclear(Exception):
    """The pattern has something of which nothing is known here."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern: the folded texts that it matches if they are few (`exact`), and what else it needs."""

    exact: Literals | None
    needs: tuple[Literals, ...] = ()


_NOTHING = _Part(frozenset({b""}))
_ANY = _Part(None)


class _Reader:
    """Walks what `re` parsed; `wide` texts are those with characters beyond ASCII."""

    def __init__(self, fold: Fold, flags: int, group: int, *, wide: bool) -> None:
        self.fold = fold
        self.folds = bool(flags & re.IGNORECASE)
        self.open = wide and not flags & re.ASCII
        self.wide = wide
        self.group = group
        self.others = False

    def parts(self, items: Iterable[Any]) -> list[_Part]:
        """Return the parts of a sequence, those of groups and repetitions among them."""
        parts: list[_Part] = []
        for op, value in items:
            # `re` takes out what alternatives begin with.
            front = [*itertools.takewhile(lambda part: part.exact is not None, reversed(parts))][::-1]
            parts += [self.branch(value[1], front)] if str(op) == "BRANCH" else self.part(str(op), value)
        return parts

    def join(self, parts: Sequence[_Part]) -> _Part:
        """Put parts side by side: few texts multiply, and what breaks off is a piece of its own."""
        needs: list[Literals] = []
        sofar: Literals = frozenset({b""})
        whole = True
        for part in parts:
            needs += part.needs
            if part.exact is None:
                needs.append(self.piece(sofar))
                sofar, whole = frozenset({b""}), False
                continue
            if b"" in part.exact:
                needs.append(self.piece(sofar))  # what may follow makes it longer, not rarer
            longer = _product(sofar, part.exact, self.fold)
            if longer is None:
                needs.append(self.piece(sofar))
                sofar, whole = part.exact, False
            else:
                sofar = longer
        if whole:
            return _Part(sofar, tuple(needs))
        return _Part(None, tuple(dict.fromkeys(each for each in (*needs, self.piece(sofar)) if each)))

    def piece(self, exact: Literals) -> Literals:
        """Return the literals of a piece, none if it may be empty: edges in front and behind show, others do not."""
        found = frozenset(map(_mark_edges, exact)) if self.fold.edges else exact
        return frozenset() if b"" in found else found

    def part(self, op: str, value: Any) -> list[_Part]:
        match op:
            case "LITERAL" | "NOT_LITERAL" | "IN":
                return [self.characters(op, value)]
            case "ANY":
                return [_ANY]
            case "AT":
                edge = self.fold.edges and str(value) == "AT_BOUNDARY"
                return [_Part(frozenset({BOUNDARY}))] if edge else []
            case "SUBPATTERN":
                _, added, removed, items = value
                if (added | removed) & (re.IGNORECASE | re.ASCII | re.UNICODE):
                    raise _Unclear
                return self.parts(items)
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self.repeat(*value)
            case _:
                raise _Unclear

    def branch(self, ways: Sequence[Any], front: list[_Part]) -> _Part:
        """Only ways with the group give a finding, where there are any; `front` is what stands before."""
        ways = [way for way in ways if self.group and _holds(way, self.group)] or ways
        parts = [self.parts(way) for way in ways]
        joined = [self.join(each) for each in parts]
        exact = frozenset[bytes]().union(*(part.exact or () for part in joined))
        if all(part.exact is not None for part in joined) and len(exact) <= self.fold.most:
            return _Part(exact)
        best = [pick_rarest(self.sets(self.join([*front, *each])))[:1] for each in parts]
        return _Part(None, (frozenset().union(*(sets[0] for sets in best)),)) if all(best) else _ANY

    def sets(self, part: _Part) -> tuple[Literals, ...]:
        """Return all that a part needs."""
        return (*part.needs, self.piece(part.exact)) if part.exact is not None else part.needs

    def repeat(self, low: int, high: int, items: Any) -> list[_Part]:
        inner = self.parts(items)
        part = self.join(inner)
        if part.exact is None:
            inner = inner if len(inner) <= LONG_SEQUENCE else [part]
            return [*inner, _ANY, *inner] if low else [_ANY]
        if low < high <= (LISTED if len(part.exact) == 1 else 1):
            lengths = [self.join([part] * length).exact for length in range(low, high + 1)]
            if None not in lengths:
                return [_Part(frozenset().union(*(each or () for each in lengths)))]
        copies = [part] * min(low, self.fold.longest)
        return copies if low == high <= self.fold.longest else [*copies, _ANY, *copies]

    def characters(self, op: str, value: Any) -> _Part:
        """Return what a character or a class matches, if that is few."""
        if op == "NOT_LITERAL":
            op, value = "IN", [("NEGATE", None), ("LITERAL", value)]
        members = [("LITERAL", value)] if op == "LITERAL" else [(str(kind), each) for kind, each in value]
        negated = members[0][0] == "NEGATE"
        codes: set[int] = set()
        for kind, each in members[negated:]:
            codes |= self.codes(kind, each)
        if negated:
            if self.wide:
                return _ANY
            codes = {*_ASCII} - (codes | {*map(ord, _cases(codes))} if self.folds else codes)
        if not codes or -1 in codes or (self.folds and max(codes) > 0x7F):
            return _ANY
        if self.folds and self.wide and not self.fold.cases and _cases(codes).isalpha():
            return _ANY  # it may be one that is `ALIKE`
        exact = self.fold.all(frozenset(codes))
        return _Part(exact) if len(exact) <= MANY else _ANY

    def codes(self, kind: str, value: Any) -> set[int]:
        """Return the characters of a part of a class; -1 stands for what cannot be listed."""
        if kind == "LITERAL":
            return {value}
        if kind == "RANGE":
            low, high = value
            return {*range(low, high + 1)} if high - low <= 0x100 else {-1}
        if kind == "CATEGORY":
            letter = _CATEGORIES[str(value)]
            if self.open and letter == "d":
                self.others = True
            elif self.open or (self.wide and letter.isupper()):
                return {-1}
            return _MEMBERS[letter]
        raise _Unclear


_CATEGORIES = {
    f"CATEGORY_{negation}{name}": letter.upper() if negation else letter
    for name, letter in (("DIGIT", "d"), ("SPACE", "s"), ("WORD", "w"))
    for negation in ("", "NOT_")
}


_MEMBERS = {
    letter: {code for code in _ASCII if re.match(rf"(?a)\{letter}", chr(code))} for letter in "dDsSwW"
}


def _cases(codes: Iterable[int]) -> str:
    """Return the letters of ASCII among some characters, in both cases."""
    text = "".join(chr(code) for code in codes if code < 0x80 and chr(code).isalpha())
    return text.lower() + text.upper()


def _product(left: Literals, right: Literals, fold: Fold) -> Literals | None:
    if len(left) * len(right) > fold.most:
        return None
    made = frozenset([one + other for one in left for other in right])
    return made if max(map(len, made), default=0) <= fold.longest else None


def _mark_edges(literal: bytes) -> bytes:
    """Turn the boundaries in front and behind into edges where a word begins or ends; others say nothing."""
    if BOUNDARY not in literal:
        return literal
    inner = literal.strip(BOUNDARY)
    front = literal.startswith(BOUNDARY) and inner[:1] in (LETTER, DIGIT)
    behind = literal.endswith(BOUNDARY) and inner[-1:] in (LETTER, DIGIT)
    return EDGE * front + inner.replace(BOUNDARY, b"") + EDGE * behind


def _holds(items: Any, group: int) -> bool:
    """Tell whether a part of a parsed pattern holds the group."""
    for op, value in items:
        match str(op):
            case "SUBPATTERN":
                inner = [value[3]]
                if value[0] == group:
                    return True
            case "BRANCH":
                inner = value[1]
            case "MAX_REPEAT" | "MIN_REPEAT":
                inner = [value[2]]
            case _:
                inner = []
        if any(_holds(each, group) for each in inner):
            return True
    return False


@functools.lru_cache(maxsize=100_000)
def literal_chance(literal: bytes) -> float:
    """Return about how often a literal stands at a place of everyday text."""
    result, digit = 1.0, False
    for code in literal:
        number = code in DIGITS or code == DIGIT[0]
        result *= _CHANCES.get(bytes([code]), 0.01) * (10 if digit and number else 1)
        digit = number
    return result


_CHANCES = (
    {EDGE: 0.25, LETTER: 0.7, DIGIT: 0.05, b" ": 0.2, b".": 0.02, b"@": 0.001}
    | {bytes([code]): 0.06 for code in LETTERS.lower()}
    | {bytes([code]): 0.005 for code in DIGITS}
    | {bytes([code]): 0.003 for code in b"+=$%|&~^#!?*<>{}\\"}
)


def _chance(literals: Literals) -> float:
    return math.fsum(map(literal_chance, literals))  # the same in any order


def pick_rarest(sets: Iterable[Literals]) -> tuple[Literals, ...]:
    """Return the set that is met least, if any says something, and a second one that is small, or if that is not rare."""
    scored = sorted((_chance(each), sorted(each)) for each in {*sets} if each)
    if not scored or scored[0][0] > RAREST:
        return ()
    (first, best), *rest = scored
    more = (
        each
        for score, each in rest
        if score <= RARE and (first > ENOUGH or len(each) <= MANY) and not _drop_implied_by(each, best)
    )
    return tuple(map(frozenset, [best, *itertools.islice(more, PIECES - 1)]))


def _drop_implied_by(literals: Iterable[bytes], by: Iterable[bytes]) -> bool:
    return all(any(each in other for each in literals) for other in by)


def drop_implied(literals: Literals) -> Literals:
    """Leave out literals that hold another one, if they are not too many to compare."""
    if len(literals) > MOST:
        return literals
    kept: list[bytes] = []
    for each in sorted(literals, key=len):
        if not any(other in each for other in kept):
            kept.append(each)
    return frozenset(kept)


def find_needs(pattern: str, group: int, *, wide: bool) -> LiteralNeeds:
    """Return what a text needs for the group of a pattern that RE2 can run to be found, if that can be told.

    Args:
        pattern: in the dialect of `regex`.
        group: number of the group that is the span of findings.
        wide: whether the texts hold characters beyond ASCII.
    """
    return _needs(pattern, group, wide or pattern.startswith("(?a"))


@functools.lru_cache(maxsize=5_000)
def _needs(pattern: str, group: int, wide: bool) -> LiteralNeeds:
    try:
        parsed = _parse(pattern)
        folds = (PLAIN, *(fold for fold, _ in RUNS))
        readers = [_Reader(fold, parsed.state.flags, group, wide=wide) for fold in folds]
        plain, *runs = (reader.sets(reader.join(reader.parts(parsed))) for reader in readers)
        best = pick_rarest(plain)
        shapes: list[Literals] = []
        if not best or _chance(best[0]) > ENOUGH or not all(map(_LETTERS.search, best[0])):
            reader = _Reader(SHAPE, parsed.state.flags, group, wide=wide)
            # Shapes are only looked at in texts with digits.
            shapes = [
                each
                for each in reader.sets(reader.join(reader.parts(parsed)))
                if each and all(DIGIT in literal for literal in each)
            ]
            best = pick_rarest((*plain, *shapes))
    except _Unclear:
        return LiteralNeeds()
    longest = [max((min(map(_run, each)) for each in sets if each), default=0) for sets in runs]
    return LiteralNeeds(
        tuple(map(drop_implied, best)),
        tuple(run if run >= few else 0 for run, (_, few) in zip(longest, RUNS, strict=True)),
        bool(shapes),
        any(reader.others for reader in readers),
    )


_LETTERS = re.compile(rb"[a-z]")


def _run(literal: bytes) -> int:
    return max(map(len, literal.split(BREAK)))


def _parse(pattern: str) -> Any:
    """Parse by Python's own `re`, where it surely reads the pattern as `regex` does."""
    # POSIX classes are read otherwise, and what warns is read otherwise by one of them, or will be.
    if POSIX.search(pattern):
        raise _Unclear
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return importlib.import_module("re._parser").parse(pattern)
    except (re.error, Warning, RecursionError, OverflowError) as error:
        raise _Unclear from error


@functools.lru_cache(maxsize=1_000)
def find_word_needs(words: tuple[str, ...], *, wide: bool) -> Literals:
    """Return the literals for one of some words in any case; none if a word cannot be told by a literal.

    They are of texts folded as `CONTEXT`, with an edge in front and behind, and of plain UTF-8 for what has no case.
    """
    literals: set[bytes] = set()
    for word in words:
        if not wide and not word.isascii():
            continue
        # Beyond ASCII a letter with case may be written by another one.
        parts = [part for part in _ALPHABETS.findall(word) if part.isascii() or part.upper() == part.lower()]
        if not parts:
            return frozenset()
        part = max(parts, key=len)
        at = word.index(part)
        if not part.isascii():
            literals.add(part.encode())
            continue
        front = at or part[0].isalnum()
        behind = at + len(part) < len(word) or part[-1].isalnum()
        literals.add(EDGE * bool(front) + CONTEXT.fold(part) + EDGE * bool(behind))
    return drop_implied(frozenset(literals))


_ALPHABETS = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
