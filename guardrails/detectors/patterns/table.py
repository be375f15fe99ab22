"""Tables of regular expressions as one searcher, which costs the same for ten rows or a thousand.

One `re2.Set` per kind of text (ASCII or not) tells in one pass which of all the patterns occur at all. Its states are
built as texts ask for them, and those of large tables of numbers and keys are too many: there an automaton tells which
patterns have what they need in a text (`prefilter.py`). What is left is searched for its spans: by RE2 where it gives
those that `regex` would, else by `regex` under a time-out. Patterns that RE2 cannot run are searched by `regex` alone; a
time-out is an error, never "nothing found".
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import regex

from guardrails.cancellation import check
from guardrails.detectors.patterns.context_words import context_pattern
from guardrails.detectors.patterns.dialect import translate
from guardrails.detectors.patterns.literals import LiteralNeeds, find_needs, find_word_needs
from guardrails.detectors.patterns.precomputed_rows import PrecomputedRow, RowKey, look_up_row
from guardrails.detectors.patterns.prefilter import Prefilter
from guardrails.detectors.patterns.syntax_tree import UnsupportedPattern, parse_flat
from guardrails.detectors.shared_builds import SharedInstances
from guardrails.text.matching import linear_patterns as re2
from guardrails.text.matching.group_search import FEWEST, find_open_texts

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

FEW = 24
"""Rows up to which searching each is cheaper than the set of all, whose states on new text are many."""
LONG = 8_000
"""Bytes from which each row is searched, however many there are: nothing can stop the set, which takes 15 microseconds for each
random sign, and between rows it is seen whether anybody still waits.
"""

MANY = 40
"""Rows without a beginning of their own (digits, letters of keys) from which on the states of the set multiply: 50 to 500
microseconds for 1,000 characters of new text (benchmarks/tables.py); without them it costs less than the filter."""

CANARY = "\x00canary\x00"
"""A text that every set must find at load: RE2 reports a set that ran out of memory as nothing found."""

NEAR = 40
"""Characters before a match within which a word of its context must stand."""

BEFORE = 48
"""Characters in front of a match that a check of them sees."""
_WORD = re.compile(r"[^\W_]+")

REACH = 160
"""Characters that a match with context may take; a longer one is not looked for."""


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern of a table: what it finds (`category`, `score`), which group is the span, and extra checks of it and of the
    characters `before` it. One of the words of `context` must begin within 40 characters before, whole and in any case.
    """

    pattern: str
    category: str
    score: float = 1.0
    group: int | str = 0
    validate: Callable[[str], bool] | None = None
    context: tuple[str, ...] = ()
    before: Callable[[str], bool] | None = None

    def accepts(self, text: str, start: int, end: int) -> bool:
        """Tell whether the checks accept a stretch of a text."""
        good = self.validate is None or self.validate(text[start:end])
        return good and (self.before is None or self.before(text[max(0, start - BEFORE) : start]))

    @property
    def key(self) -> RowKey:
        """What tells whether something is known of the row beforehand."""
        return RowKey(self.pattern, self.group)


class PatternError(ValueError):
    """A pattern that cannot be used; `offset` is where in it, if known, and `field` what of the row is wrong."""

    def __init__(self, message: str, offset: int | None = None, field: str = "pattern") -> None:
        super().__init__(message)
        self.offset = offset
        self.field = field


@dataclass(frozen=True)
class Re2Form:
    """What RE2 makes of a row for texts of one kind: the pattern, whether its spans are those that `regex` would give,
    and how it is compiled and what texts need for it to match is worked out, each when it is first asked for.
    """

    pattern: str
    spans: bool
    compile: Callable[[], Any] = field(repr=False)
    find_needs: Callable[[], LiteralNeeds] = field(repr=False)

    @cached_property
    def engine(self) -> Any:
        """The pattern, compiled by RE2."""
        return self.compile()

    @cached_property
    def needs(self) -> LiteralNeeds:
        """What a text needs for the pattern to match."""
        return self.find_needs()


@dataclass(frozen=True)
class CompiledRow:
    """A row with the number of its group (RE2 knows spans by no other), `regex`, and RE2's forms for ASCII texts and for any,
    None where RE2 cannot run the pattern. A `known` row, of the built-in tables or a shipped policy, was tried beforehand: its
    engines are compiled when the first text asks for them, those of any other row at load.
    """

    row: PatternRow
    group: int
    compile: Callable[[], Any] = field(repr=False)
    ascii: Re2Form | None = None
    wide: Re2Form | None = None
    known: bool = False

    @cached_property
    def slow(self) -> Any:
        """The pattern, compiled by `regex`."""
        return self.compile()


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


def compile_row(row: PatternRow) -> CompiledRow:
    """Compile one row; raise `PatternError` for what is wrong, can match nothing, or lacks the group."""
    known = look_up_row(row.key)
    return compile_unknown_row(row) if known is None else _known_row(row, known)


def compile_unknown_row(row: PatternRow) -> CompiledRow:
    """Compile a row of which nothing is known beforehand; raises `PatternError`."""
    slow = _compile_regex(row.pattern)
    if row.group not in {*range(slow.groups + 1), *slow.groupindex}:
        groups = ", ".join(map(str, [*slow.groupindex, *range(1, slow.groups + 1)])) or "none"
        raise PatternError(f"the pattern has no group {row.group!r} (it has: {groups})", field="group")
    if any(
        match.start() == match.end() for probe in PROBES for match in slow.finditer(probe, timeout=TIMEOUT)
    ):
        raise PatternError("can match the empty text, so it would be found everywhere")
    group = slow.groupindex[row.group] if isinstance(row.group, str) else row.group
    return CompiledRow(row, group, lambda: slow, *_translate_row(row, group))


def _known_row(row: PatternRow, known: PrecomputedRow) -> CompiledRow:
    exact, superset = known.forms.exact, known.forms.superset
    return CompiledRow(
        row,
        known.group,
        lambda: _compile_regex(row.pattern),
        Re2Form(exact, known.forms.ascii_spans, lambda: _compile_known(exact), lambda: known.ascii),
        Re2Form(superset, known.forms.wide_spans, lambda: _compile_known(superset), lambda: known.wide),
        known=True,
    )


def _compile_known(text: str) -> Any:
    engine = _compile_re2(text)
    if engine is None:
        raise PatternError("this release of RE2 cannot run a pattern of the built-in tables")
    return engine


def _translate_row(row: PatternRow, group: int) -> tuple[Re2Form, Re2Form] | tuple[()]:
    """Return RE2's forms of a row, compiled; none where it has none for texts of one kind."""
    forms = translate(row.pattern)
    if forms is None:
        return ()
    exact = _compile_re2(forms.exact)
    superset = exact if forms.superset == forms.exact else _compile_re2(forms.superset)
    if exact is None or superset is None:
        return ()
    find = partial(find_needs, row.pattern, group)
    return (
        Re2Form(forms.exact, forms.ascii_spans, lambda: exact, partial(find, wide=False)),
        Re2Form(forms.superset, forms.wide_spans, lambda: superset, partial(find, wide=True)),
    )


class _Side:
    """The rows for texts of one kind, ASCII or any: which of them to search a text for."""

    def __init__(self, entries: Sequence[CompiledRow], *, wide: bool) -> None:
        forms = ((entry, entry.wide if wide else entry.ascii) for entry in entries)
        # In ASCII some rows are the same: letters and digits beyond it make their difference.
        rows: dict[Hashable, tuple[CompiledRow, Re2Form]] = {}
        for entry, form in forms:
            if form is not None:
                rows.setdefault(
                    (form.pattern, entry.group, replace(entry.row, pattern="", group=0)), (entry, form)
                )
        self._rows = [*rows.values()]
        # The set looks for words of context too: without one, its rows cost nothing.
        self._words = [*dict.fromkeys(entry.row.context for entry, _ in self._rows if entry.row.context)]
        place = {words: len(self._rows) + at for at, words in enumerate(self._words)}
        self._contexts = [place.get(entry.row.context) for entry, _ in self._rows]
        self._filter: Prefilter | None = None
        if len(self._rows) >= MANY:
            self._make_filter(wide=wide)

    def _make_filter(self, *, wide: bool) -> None:
        needed = [(form.needs, find_word_needs(entry.row.context, wide=wide)) for entry, form in self._rows]
        if sum(bool(need.numeric or any(need.runs) or context) for need, context in needed) < MANY:
            return
        # Rows that need nothing make a set of their own: what multiplies its states is not in it.
        self._needy = [at for at, (need, context) in enumerate(needed) if need or context]
        self._free = [at for at, (need, context) in enumerate(needed) if not need and not context]
        self._filter = Prefilter([needed[at] for at in self._needy], wide=wide)

    def build(self) -> None:
        """Compile now what a text would ask for; raises `PatternError` where the rows are too large together."""
        assert self._set is not None
        assert self._filter is None or self._free_set is not None

    @cached_property
    def _set(self) -> Any:
        return self._compiled([*(form.pattern for _, form in self._rows), *map(context_pattern, self._words)])

    @cached_property
    def _free_set(self) -> Any:
        return self._compiled([self._rows[at][1].pattern for at in self._free])

    @staticmethod
    def _compiled(forms: Sequence[str]) -> Any:
        found = re2.Set.SearchSet(_options(MEMORY))
        try:
            last = [found.Add(form) for form in (*forms, re2.escape(CANARY))][-1]
            found.Compile()
        except re2.error:
            last = -1
        if last not in (found.Match(CANARY) if last >= 0 else ()):
            raise PatternError("the patterns are too large together; spread them over several detectors")
        return found

    def _finds(self, at: int, data: bytes) -> bool:
        check()
        return self._rows[at][1].engine.search(data) is not None

    def is_clear(self, text: str) -> bool:
        """Tell whether nothing can be found in a text, by what its rows need: then nothing is in any part of it either."""
        return self._filter is not None and not self._free and not self._filter.candidates(text)

    def due(self, text: str) -> list[tuple[CompiledRow, Re2Form]]:
        """Return the rows that match somewhere: of those that have what they need if these are few or the text is long, else
        by the set.
        """
        data = text.encode()  # RE2 would do it for each row again
        if self._filter is not None:
            few = self._filter.candidates(text)
            if len(few) <= FEW or len(data) > LONG:
                found = [self._needy[at] for at in few if self._finds(self._needy[at], data)]
                if self._free:
                    found += [
                        self._free[at] for at in self._free_set.Match(data) or () if at < len(self._free)
                    ]
                return [self._rows[at] for at in sorted(found)]
        every = {*(self._set.Match(data) or ())}
        needed = ((at, self._contexts[at]) for at in sorted(every) if at < len(self._rows))
        return [self._rows[at] for at, need in needed if need is None or need in every]


class PatternTable:
    """Compiled rows as one; `search` gives `(row, start, end)` of everything found in a text.

    Raises `PatternError` for a row that is wrong, and when all together are too large.
    """

    def __init__(self, rows: Iterable[PatternRow | CompiledRow]) -> None:
        entries = [row if isinstance(row, CompiledRow) else compile_row(row) for row in rows]
        self._filtered = [entry for entry in entries if entry.ascii is not None]
        self._unfiltered = [entry for entry in entries if entry.ascii is None]
        self._always = frozenset(entry.row.category for entry in self._unfiltered)
        if not all(entry.known for entry in entries):
            self.build()

    def build(self) -> None:
        """Compile now what the first searches would: whether the rows are too large together, which those of the built-in
        tables are not, and the automata's first states.
        """
        for side in (self._ascii, self._wide):
            side.build()
        self.search("warm up 1234 a@b.c")
        self.search("warm up 1234 a@b.c \u00e9")

    @cached_property
    def _ascii(self) -> _Side:
        return _Side(self._filtered, wide=False)

    @cached_property
    def _wide(self) -> _Side:
        return _Side(self._filtered, wide=True)

    @property
    def linear(self) -> bool:
        """Whether clean text is searched in linear time, for certain."""
        return not self._unfiltered

    @classmethod
    def get(cls, rows: Iterable[PatternRow]) -> PatternTable:
        """Return the table of some rows, compiled once for all who want the same; raises `PatternError`."""
        wanted = (*rows,)
        return _TABLES.get(wanted, lambda: cls(wanted))

    @classmethod
    def union(cls, tables: Iterable[PatternTable]) -> PatternTable:
        """Return one table of the rows of several, compiled together, once for all who want the same; raises `PatternError`."""
        several = (*tables,)
        return _TABLES.get(several, lambda: cls(entry for table in several for entry in table.entries))

    @property
    def entries(self) -> tuple[CompiledRow, ...]:
        """The compiled rows, in the order in which they are searched."""
        return (*self._filtered, *self._unfiltered)

    def candidates(self, text: str) -> list[CompiledRow]:
        """Return the rows that match somewhere in a text; more may be among them, the same ones for any kind of text."""
        return [*(entry for entry, _ in self._wide.due(text)), *self._unfiltered]

    def __len__(self) -> int:
        return len(self._filtered) + len(self._unfiltered)

    def categories(self, text: str) -> frozenset[str]:
        """Return the categories of all rows that may be found in a text: those that are there, some by mistake."""
        due = (self._ascii if text.isascii() else self._wide).due(text)
        return self._always.union([entry.row.category for entry, _ in due]) if due else self._always

    def categories_of(self, texts: Sequence[str]) -> frozenset[str]:
        """Return the categories of all rows that may be found in some texts."""
        if len(texts) == 1:
            return self.categories(texts[0])
        found: set[str] = set()
        # A few are not asked twice: the test is most of what it costs to say which.
        for at in range(len(texts)) if len(texts) < FEWEST else find_open_texts(texts, self._is_clear):
            found |= self.categories(texts[at])
        return self._always.union(found) if found else self._always

    def _is_clear(self, text: str) -> bool:
        return (self._ascii if text.isascii() else self._wide).is_clear(text)

    def search(self, text: str) -> list[tuple[PatternRow, int, int]]:
        """Return what is found, by pattern and then by position; raise `TimeoutError` where `regex` gives up.

        The text must hold no lone surrogates.
        """
        found: list[tuple[PatternRow, int, int]] = []
        for entry, form in (self._ascii if text.isascii() else self._wide).due(text):
            check()
            self._spans(entry, form.engine if form.spans else None, text, found)
        for entry in self._unfiltered:
            self._spans(entry, None, text, found)
        return found

    @staticmethod
    def _spans(entry: CompiledRow, engine: Any, text: str, found: list[tuple[PatternRow, int, int]]) -> None:
        row = entry.row
        try:
            for match, shift in _matches(entry, engine, text):
                check()
                start, end = match.span(entry.group)
                start, end = start + shift, end + shift
                if start < end and row.accepts(text, start, end):
                    found.append((row, start, end))
                elif start < end and entry.group == 0 and not row.context:
                    found.extend(
                        (row, *span) for span in _inside(row, engine or entry.slow, text, start, end)
                    )
        except TimeoutError:
            raise TimeoutError(slow_row_message(row)) from None


_TABLES: SharedInstances[PatternTable] = SharedInstances()


def _matches(entry: CompiledRow, engine: Any, text: str) -> Iterator[tuple[Any, int]]:
    """Yield what the row's pattern finds and where the part that was searched begins: all, or what follows its context."""
    if not entry.row.context:
        limits = {"timeout": TIMEOUT} if engine is None else {}
        yield from ((match, 0) for match in (engine or entry.slow).finditer(text, **limits))
        return
    for first, last in _windows(entry.row.context, text):
        # The character in front is kept, as `\b` looks at it.
        shift = max(0, first - 1)
        limit = min(len(text), last + REACH)
        part = text[shift:limit]
        limits = {"timeout": TIMEOUT} if engine is None else {}
        for match in (engine or entry.slow).finditer(part, first - shift, **limits):
            if match.start() + shift > last:
                break
            if match.end() + shift < limit or limit == len(text):
                yield match, shift


def _windows(words: tuple[str, ...], text: str) -> list[tuple[int, int]]:
    """Return where matches may begin, first and last place, behind each of the words; windows that touch are one."""
    windows: list[tuple[int, int]] = []
    for match in _finder(words).finditer(text):
        first, last = match.end(), max(match.end(), match.start() + NEAR)
        if windows and first <= windows[-1][1]:
            first = windows.pop()[0]
        windows.append((first, last))
    return windows


@functools.cache
def _finder(words: tuple[str, ...]) -> Any:
    return re2.compile(context_pattern(words), _options(PATTERN_MEMORY))


def _inside(row: PatternRow, engine: Any, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield valid matches that an invalid one hides: `2024 4111 1111 1111 1111` matches as a whole, not as a card.

    They begin and end where words do, and are no shorter or longer than the pattern can be; the longest from each place is taken,
    and may reach past the invalid one.
    """
    limit = min(len(text), 2 * end - start)
    words = [match.span() for match in _WORD.finditer(text, start, limit)]
    stops = [stop for _, stop in words if stop < limit or limit == len(text)]
    least, most = _widths(row.pattern)
    taken = start
    for begin, _ in words:
        if begin >= end:
            break
        if begin < taken:
            continue
        check()
        longest, shortest = bisect_right(stops, begin + most), bisect_left(stops, begin + least)
        for stop in reversed(stops[shortest:longest]):
            if row.accepts(text, begin, stop) and engine.fullmatch(text, begin, stop):
                yield begin, stop
                taken = stop
                break


@functools.cache
def _widths(pattern: str) -> tuple[int, int]:
    """Return the fewest characters, at least one, and the most that a pattern can match, as far as is known."""
    try:
        least, most = parse_flat(pattern).getwidth()
    except UnsupportedPattern:
        return 1, LONGEST
    return max(1, int(least)), int(most)


def slow_row_message(row: PatternRow) -> str:
    """Return what is said of a row that took too long."""
    return f"pattern {display_pattern(row.pattern)} took longer than {TIMEOUT} s; simplify it, or avoid look-around"


def display_pattern(pattern: str) -> str:
    """Return a pattern as messages show it."""
    return repr(pattern if len(pattern) <= 60 else pattern[:59] + "…")
