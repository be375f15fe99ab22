"""Rows of a pattern table, compiled once for all streams: where a match may still be open.

A table with one row that cannot be bounded is held to the end of the text; `whole` says which rows those are and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from guardrails.detectors.patterns.context_words import context_pattern
from guardrails.detectors.patterns.precomputed_rows import look_up_prefixes
from guardrails.detectors.patterns.streaming.open_prefixes import (
    OpenPrefixes,
    compile_re2,
    find_open_prefixes,
)
from guardrails.detectors.patterns.syntax_tree import PatternTree, parse_tree
from guardrails.detectors.patterns.table import (
    BEFORE,
    CANARY,
    NEAR,
    TIMEOUT,
    CompiledRow,
    PatternRow,
    PatternTable,
    display_pattern,
    slow_row_message,
)
from guardrails.text.matching import linear_patterns as re2

MEMORY = 256 << 20
"""Upper bound in bytes for the states of the joined patterns; taken only as texts ask for them."""

JOINED = 64
"""Exact forms of open prefixes that are compiled as one: all three hundred of the built-in tables together take RE2 ten times as
long as each alone, and a search by a few engines is some microseconds dearer than by one.
"""

NEAR_END = 40
"""Characters up to which the loose form of open prefixes is taken at its word."""


class StreamRow:
    """A row of the table: its entry, its place in the table, its open prefixes."""

    def __init__(self, place: int, entry: CompiledRow) -> None:
        self.place = place
        self.entry = entry
        self.prefixes = _bound_row(entry.row)

    @property
    def row(self) -> PatternRow:
        """The row as it was written."""
        return self.entry.row

    @cached_property
    def tree(self) -> PatternTree:
        """The pattern's tree; raises `UnsupportedPattern` where its open prefixes are `whole`."""
        return parse_tree(self.row.pattern)

    @cached_property
    def _open(self) -> Any:
        return compile_re2(f"(?:{self.prefixes.exact})\\z", MEMORY)

    def open_from(self, text: str, at: int) -> int:
        """Return the first place from `at` on at which the row may be open."""
        return _first(self._open, text, at)

    def matches(self, text: str, at: int) -> Iterator[Any]:
        """Yield the matches in a text from a place on."""
        form = self.entry.ascii if text.isascii() else self.entry.wide
        if form is not None and form.spans:
            yield from form.engine.finditer(text, at)
            return
        try:
            yield from self.entry.slow.finditer(text, at, timeout=TIMEOUT)
        except TimeoutError:
            raise TimeoutError(slow_row_message(self.row)) from None

    @property
    def engine(self) -> Any:
        """What decides whether a part of a text matches whole; all engines agree on that."""
        form = self.entry.wide
        return form.engine if form is not None and form.spans else self.entry.slow


def _bound_row(row: PatternRow) -> OpenPrefixes:
    found = look_up_prefixes(row.key) or find_open_prefixes(row.pattern)
    if row.context and found.behind > 1:
        return OpenPrefixes("whole", "looks behind further than a row with words of context sees")
    return found


def _first(engine: Any, text: str, at: int) -> int:
    """Return where the first open prefix begins that ends with the text; only its tail is handed to RE2, which copies it."""
    cut = max(0, at - 1)
    match = engine.search(text[cut:], at - cut)
    return len(text) if match is None else cut + int(match.start())


class ContextWords:
    """Words of context, and the rows that need one of them."""

    def __init__(self, words: tuple[str, ...], rows: list[StreamRow]) -> None:
        self.rows = rows
        self._form = context_pattern(words)

    @cached_property
    def finder(self) -> Any:
        """What finds one of the words."""
        return compile_re2(self._form)

    @cached_property
    def _open(self) -> Any:
        # RE2's words are those of ASCII.
        return compile_re2(f"(?:{find_open_prefixes(f'(?a){self._form}').exact})\\z")

    def open_from(self, text: str, at: int) -> int:
        """Return the first place from `at` on at which a word may be open."""
        return _first(self._open, text, at)


class StreamRows:
    """The rows of a table: those without context together, the others by their words.

    Attributes:
        whole: for each row that cannot be bounded its pattern and the reason.
        endless: the patterns whose open matches may hold any length of text.
        context: characters that must be kept to the left of what is searched.
    """

    def __init__(self, table: PatternTable) -> None:
        self._table = table
        entries = table.entries
        self.rows = [StreamRow(place, entry) for place, entry in enumerate(entries)]
        self._by_entry = {id(row.entry): row for row in self.rows}
        self._by_row = {id(row.row): row.place for row in self.rows}
        self.whole = {
            row.row.pattern: row.prefixes.reason for row in self.rows if row.prefixes.kind == "whole"
        }
        self.endless = [row.row.pattern for row in self.rows if row.prefixes.endless]
        self.free = [row for row in self.rows if not row.row.context]
        by_words: dict[tuple[str, ...], list[StreamRow]] = {}
        for row in self.rows:
            if row.row.context:
                by_words.setdefault(row.row.context, []).append(row)
        self.words = [ContextWords(*item) for item in by_words.items()]
        self.longest_word = max((len(word) for words in by_words for word in words), default=0)
        behind = max((row.prefixes.behind for row in self.rows), default=0)
        before = BEFORE if any(row.row.before for row in self.rows) else 0
        self.context = max(1, behind, before, max(NEAR, self.longest_word) + 3 if self.words else 0)
        self.behind = max(1, behind)
        self._bounded = [row.prefixes for row in ([] if self.whole else self.free)]
        self._loose = _join_prefixes(each.loose for each in self._bounded)
        self._word_set = _set(re2.Set.SearchSet, [*map(context_pattern, by_words), re2.escape(CANARY)])
        if not self._word_set.Match(CANARY):
            self._word_set = None  # RE2 has no room for it: look for each

    @cached_property
    def _exact(self) -> list[Any]:
        forms = [each.exact for each in self._bounded]
        engines = [_join_prefixes(forms[at : at + JOINED]) for at in range(0, len(forms), JOINED)]
        return [self._loose] if None in engines else engines

    @cached_property
    def _here(self) -> Any:
        return _set(re2.Set.FullMatchSet, [f"(?s:.)(?:{each.loose})" for each in self._bounded])

    @cached_property
    def _at_start(self) -> Any:
        return _set(re2.Set.FullMatchSet, [each.loose for each in self._bounded])

    def open_from(self, text: str, at: int) -> int:
        """Return the first place from `at` on at which a row without context may be open; the end if none is."""
        if self.whole:
            return at
        found = _first(self._loose, text, at)
        if len(text) - found <= NEAR_END:
            return found
        return min(_first(engine, text, found) for engine in self._exact)

    def open_at(self, text: str, at: int) -> list[StreamRow]:
        """Return the rows without context that may be open at a place."""
        found = self._here.Match(text[at - 1 :]) if at else self._at_start.Match(text)
        # Where some row is open, none at all means that RE2 had no room.
        return [self.free[place] for place in found or range(len(self.free))]

    def due(self, text: str) -> list[StreamRow]:
        """Return the rows that match somewhere in a text; more may be among them."""
        return [self._by_entry[id(entry)] for entry in self._table.candidates(text) if not entry.row.context]

    def search(self, text: str) -> list[tuple[int, int, int]]:
        """Return what the buffered search finds: place of the row, start and end."""
        return [(self._by_row[id(row)], start, end) for row, start, end in self._table.search(text)]

    def words_in(self, text: str) -> list[int]:
        """Return the numbers of the words of context that occur in a text."""
        if self._word_set is None:
            return [*range(len(self.words))]
        return [number for number in self._word_set.Match(text) or () if number < len(self.words)]

    def explain(self) -> list[str]:
        """Return a line for each pattern that holds a stream to its end, or may hold any length of it."""
        held = [
            f"{display_pattern(pattern)}: held to the end: {reason}" for pattern, reason in self.whole.items()
        ]
        return held + [
            f"{display_pattern(pattern)}: an open match may be of any length" for pattern in self.endless
        ]


def _join_prefixes(forms: Iterable[str]) -> Any:
    """Compile the open prefixes of several patterns as one; None if that is too large."""
    return compile_re2(f"(?:{'|'.join(dict.fromkeys(f'(?:{form})' for form in forms)) or ''})\\z", MEMORY)


def _set(kind: Any, forms: list[str]) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    found = kind(options)
    for form in forms:
        found.Add(form)
    found.Compile()
    return found
