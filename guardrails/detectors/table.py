"""Tables of regular expressions: rows in, one searcher out that costs the same for ten rows or a thousand.

One `re2.Set` per kind of text (ASCII or not) tells in one pass which of all the patterns occur at all. Only those
that occur are searched for their spans: by RE2 where it gives the spans that `regex` would, else by `regex` under a
time-out. Patterns that RE2 cannot run are searched by `regex` alone; a time-out is an error, never "nothing found".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import re2
import regex

from guardrails.detectors.dialect import translate

TIMEOUT = 0.25
"""Seconds of CPU time that one `regex` search may take; at 200,000 characters a sane pattern needs a few ms."""

LONGEST = 20_000
"""Characters of a pattern. Whoever has more alternatives has a list of terms."""

PROBES = ("", "a", "1", " ", "-", "a1 -b")
"""Short texts on which a pattern that can match nothing at all usually does."""

MEMORY = 256 << 20
"""Upper bound in bytes for the states of one `re2.Set`; taken only as texts ask for them."""

PATTERN_MEMORY = 16 << 20
"""The same for one pattern: past it (`\\pL{1000}` alone takes seconds to build) `regex` runs the pattern."""

CANARY = "\x00canary\x00"
"""A text that every set must find at load: RE2 reports a set that ran out of memory as nothing found."""


_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern of a table: what it finds (`category`, `score`), which group is the span, and an extra check."""

    pattern: str
    category: str
    score: float = 1.0
    group: int | str = 0
    validate: Callable[[str], bool] | None = None


class PatternError(ValueError):
    """A pattern that cannot be used; `offset` is where in it, if known, and `field` what of the row is wrong."""

    def __init__(self, message: str, offset: int | None = None, field: str = "pattern") -> None:
        super().__init__(message)
        self.offset = offset
        self.field = field


@dataclass(frozen=True, slots=True)
class Entry:
    """A compiled row. `fast` (RE2) gives the spans on ASCII text, `wide` on any; None: `regex` must.
    `group` is a number: RE2 knows spans by no other; `exact` and `superset` are what the sets look for, None where RE2 cannot.
    """

    row: Pattern
    group: int
    slow: Any
    fast: Any = None
    wide: Any = None
    exact: str | None = None
    superset: str | None = None


def _options(memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    return options


def _compile_re2(text: str) -> Any:
    try:
        return re2.compile(text, _options(PATTERN_MEMORY))
    except re2.error:
        return None


def _compile_regex(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise PatternError(f"longer than {LONGEST:,} characters; use a list of terms")
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise PatternError(str(error.msg), error.pos) from error
    except RecursionError:
        raise PatternError("nests too deep") from None
    except Exception as error:  # such as OverflowError and KeyError, on odd texts
        raise PatternError(f"cannot be read ({type(error).__name__})") from error


def compile_row(row: Pattern) -> Entry:
    """Compile one row; raise `PatternError` for what is wrong, can match nothing, or lacks the group."""
    slow = _compile_regex(row.pattern)
    if row.group not in {*range(slow.groups + 1), *slow.groupindex}:
        groups = ", ".join(map(str, [*slow.groupindex, *range(1, slow.groups + 1)])) or "none"
        raise PatternError(f"the pattern has no group {row.group!r} (it has: {groups})", field="group")
    if any(
        match.start() == match.end() for probe in PROBES for match in slow.finditer(probe, timeout=TIMEOUT)
    ):
        raise PatternError("can match the empty text, so it would be found everywhere")
    group = slow.groupindex[row.group] if isinstance(row.group, str) else row.group
    forms = translate(row.pattern)
    if forms is None:
        return Entry(row, group, slow)
    fast = _compile_re2(forms.exact)
    wide = fast if forms.superset == forms.exact else _compile_re2(forms.superset)
    if fast is None or wide is None:
        return Entry(row, group, slow)
    return Entry(
        row,
        group,
        slow,
        fast if forms.ascii_spans else None,
        wide if forms.wide_spans else None,
        forms.exact,
        forms.superset,
    )


class PatternTable:
    """Compiled rows as one; `search` gives `(row, start, end)` of everything found in a text.

    Raises `PatternError` for a row that is wrong, and when all together are too large.
    """

    def __init__(self, rows: Iterable[Pattern | Entry]) -> None:
        entries = [row if isinstance(row, Entry) else compile_row(row) for row in rows]
        self._filtered = [entry for entry in entries if entry.exact is not None]
        self._unfiltered = [entry for entry in entries if entry.exact is None]
        self._ascii_set = self._set([entry.exact for entry in self._filtered])
        self._any_set = self._set([entry.superset for entry in self._filtered])
        # The first search builds the automaton's first states: do it at load, not in a request.
        self.search("warm up 1234 a@b.c")
        self.search("warm up 1234 a@b.c \u00e9")

    @staticmethod
    def _set(forms: Iterable[str | None]) -> Any:
        found = re2.Set.SearchSet(_options(MEMORY))
        try:
            last = [found.Add(form) for form in (*forms, re2.escape(CANARY))][-1]
            found.Compile()
        except re2.error:
            last = -1
        if last not in (found.Match(CANARY) if last >= 0 else ()):
            raise PatternError("the patterns are too large together; spread them over several detectors")
        return found

    @property
    def linear(self) -> bool:
        """Whether clean text is searched in linear time, for certain."""
        return not self._unfiltered

    def search(self, text: str) -> list[tuple[Pattern, int, int]]:
        """Return what is found, by pattern and then by position; raise `TimeoutError` where `regex` gives up.

        The text must hold no lone surrogates.
        """
        found: list[tuple[Pattern, int, int]] = []
        ascii_only = text.isascii()
        hits = (self._ascii_set if ascii_only else self._any_set).Match(text)
        for index in hits or ():
            if index < len(self._filtered):  # not the canary
                entry = self._filtered[index]
                self._spans(entry, entry.fast if ascii_only else entry.wide, text, found)
        for entry in self._unfiltered:
            self._spans(entry, None, text, found)
        return found

    @staticmethod
    def _spans(entry: Entry, engine: Any, text: str, found: list[tuple[Pattern, int, int]]) -> None:
        row = entry.row
        matches = entry.slow.finditer(text, timeout=TIMEOUT) if engine is None else engine.finditer(text)
        try:
            for match in matches:
                start, end = match.span(entry.group)
                if start < end and (row.validate is None or row.validate(text[start:end])):
                    found.append((row, start, end))
                elif start < end and entry.group == 0:
                    found.extend(
                        (row, *span) for span in _inside(row, engine or entry.slow, text, start, end)
                    )
        except TimeoutError:
            reason = f"pattern {shown(row.pattern)} took longer than {TIMEOUT} s; simplify it, or avoid look-around"
            raise TimeoutError(reason) from None


def _inside(row: Pattern, engine: Any, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield valid matches that an invalid one hides: `2024 4111 1111 1111 1111` matches as a whole, not as a card.

    They begin and end where words do; the longest from each place is taken, and may reach past the invalid one.
    """
    assert row.validate is not None
    limit = min(len(text), 2 * end - start)
    words = [match.span() for match in _WORD.finditer(text, start, limit)]
    stops = [stop for _, stop in reversed(words) if stop < limit or limit == len(text)]
    taken = start
    for begin, _ in words:
        if begin >= end:
            break
        if begin < taken:
            continue
        for stop in stops:
            if stop <= begin:
                break
            if row.validate(text[begin:stop]) and engine.fullmatch(text, begin, stop):
                yield begin, stop
                taken = stop
                break


def shown(pattern: str) -> str:
    """Return a pattern as messages show it."""
    return repr(pattern if len(pattern) <= 60 else pattern[:59] + "…")
