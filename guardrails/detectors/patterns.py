"""Regular expressions in, findings with exact spans out; linear time wherever RE2 can run them.

One `re2.Set` per kind of text (ASCII or not) tells in one pass which of all the patterns occur at all, so that
clean text costs the same for ten patterns or a thousand. Only those that occur are searched for their spans:
by RE2 where it gives the spans that `regex` would, else by `regex` under a time-out. Patterns that RE2 cannot
run (look-around, back-references) are searched by `regex` alone; a time-out is an error, never "nothing found".

Each pattern sees the plain text and, where it differs, the normalized view; findings are in original coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import re2
import regex
from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind, lines
from guardrails.detectors.config import Config
from guardrails.detectors.dialect import Translation, translate
from guardrails.detectors.validators import VALIDATORS
from guardrails.text import View, normalized
from guardrails.types import CLEAN, Content, Detection, Finding, Text

TIMEOUT = 0.25
"""Seconds of CPU time that one `regex` search may take; at 200,000 characters a sane pattern needs a few ms."""

PROBES = ("", "a", "1", " ", "-", "a1 -b")
"""Short texts on which a pattern that can match nothing at all usually does."""

MEMORY = 256 << 20
"""Upper bound in bytes for the states of one `re2.Set`; taken only as texts ask for them."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern of a table: what it finds (`category`, `score`), which group is the span, and an extra check."""

    pattern: str
    category: str
    score: float = 1.0
    group: int | str = 0
    validate: Callable[[str], bool] | None = None


class PatternError(ValueError):
    """A pattern that cannot be used; `offset` is where in it, if known."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class _Entry:
    """A compiled pattern. `fast` (RE2) gives the spans on ASCII text, `wide` on any; None: `regex` must."""

    row: Pattern
    slow: Any
    fast: Any
    wide: Any


def _compile_re2(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        return re2.compile(text, options)
    except re2.error:
        return None


def check(pattern: str, group: int | str = 0) -> Any:
    """Compile with `regex`; raise `PatternError` for what is wrong, can match nothing, or lacks the group."""
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise PatternError(str(error.msg), error.pos) from error
    except (OverflowError, RecursionError, MemoryError) as error:
        raise PatternError(f"too large ({type(error).__name__})") from error
    known = {*range(compiled.groups + 1), *compiled.groupindex}
    if group not in known:
        raise PatternError(f"has no group {group!r}")
    if any(match.start() == match.end() for probe in PROBES for match in compiled.finditer(probe, timeout=TIMEOUT)):
        raise PatternError("can match the empty text, so it would be found everywhere")
    return compiled


def _new_set() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    return re2.Set.SearchSet(options)


class PatternTable:
    """A table of patterns compiled into one; `search` gives `(row, start, end)` of everything found in a text."""

    def __init__(self, rows: Iterable[Pattern]) -> None:
        self._ascii_set, self._any_set = _new_set(), _new_set()
        self._filtered: list[_Entry] = []
        self._unfiltered: list[_Entry] = []
        for row in rows:
            self._add(row)
        if self._filtered:
            self._ascii_set.Compile()
            self._any_set.Compile()
        # The first search builds the automaton's first states: do it at load, not in a request.
        self.search("warm up 1234 a@b.c")
        self.search("warm up 1234 a@b.c \u00e9")

    @property
    def linear(self) -> bool:
        """Whether clean text is searched in linear time, for certain."""
        return not self._unfiltered

    def _add(self, row: Pattern) -> None:
        slow = check(row.pattern, row.group)
        forms: Translation = translate(row.pattern)
        fast, wide = _compile_re2(forms.exact), _compile_re2(forms.superset)
        if fast is None or wide is None:
            self._unfiltered.append(_Entry(row, slow, None, None))
            return
        self._ascii_set.Add(forms.exact)
        self._any_set.Add(forms.superset)
        self._filtered.append(
            _Entry(row, slow, fast if forms.ascii_spans else None, wide if forms.wide_spans else None)
        )

    def search(self, text: str) -> list[tuple[Pattern, int, int]]:
        """Return what is found, by pattern and then by position; raise `TimeoutError` where `regex` gives up."""
        found: list[tuple[Pattern, int, int]] = []
        ascii_only = text.isascii()
        if self._filtered:
            hits = (self._ascii_set if ascii_only else self._any_set).Match(text)
            for index in hits or ():
                entry = self._filtered[index]
                self._spans(entry, entry.fast if ascii_only else entry.wide, text, found)
        for entry in self._unfiltered:
            self._spans(entry, None, text, found)
        return found

    @staticmethod
    def _spans(entry: _Entry, engine: Any, text: str, found: list[tuple[Pattern, int, int]]) -> None:
        row = entry.row
        matches = entry.slow.finditer(text, timeout=TIMEOUT) if engine is None else engine.finditer(text)
        for match in matches:
            start, end = match.span(row.group)
            if start < end and (row.validate is None or row.validate(text[start:end])):
                found.append((row, start, end))


class Patterns:
    """The detector: a table of patterns over the plain text and, where it differs, the normalized view."""

    def __init__(self, name: str, table: PatternTable, *, view: str = "both") -> None:
        self._name = name
        self._table = table
        self._view = view
        self.inline = table.linear

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _one(self, text: str) -> Detection:
        try:
            found = self._table.search(text) if self._view != "normalized" else []
            if self._view != "plain" and not text.isascii():
                view = normalized(text)
                if view.text is not text or self._view == "normalized":
                    found.extend(self._mapped(view))
            elif self._view == "normalized":
                found = self._table.search(text)
        except TimeoutError:
            return Detection(error=f"a pattern took longer than {TIMEOUT} s; simplify it, or avoid look-around")
        if not found:
            return CLEAN
        unique = {(row.category, start, end): row for row, start, end in found}
        return Detection(
            tuple(
                Finding(category, row.score, self._name, (start, end))
                for (category, start, end), row in sorted(unique.items(), key=lambda item: item[0][1:])
            )
        )

    def _mapped(self, view: View) -> list[tuple[Pattern, int, int]]:
        return [(row, *view.original(start, end)) for row, start, end in self._table.search(view.text)]


class PatternConfig(Config):
    """One pattern with its own settings."""

    pattern: str
    """The regular expression, in the dialect of the `regex` package."""
    category: str | None = None
    """What a match is, if not the detector's `category`."""
    score: float | None = Field(default=None, gt=0, le=1)
    """The score of a match, in 0..1, if not the detector's `score`."""
    group: int | str = 0
    """The capture group, by number or name, that is the span of the finding."""
    validate_: Literal["luhn", "credit_card", "iban", "phone", "us_ssn", "ip_address"] | None = Field(
        default=None, alias="validate"
    )
    """A check of the matched text."""


class PatternsConfig(Config):
    """Regular expressions."""

    use: Literal["patterns"]
    """The kind of detector."""
    patterns: list[str | PatternConfig] = Field(
        default=[], examples=[["ORD-\\d{6}", {"pattern": "card (\\d{16})", "group": 1}]]
    )
    """The regular expressions, each a text or a mapping with settings of its own."""
    file: str | None = None
    """A file below the policy's folder with one regular expression a line; `#` starts a comment line."""
    category: str | None = Field(default=None, examples=["custom.order_number"])
    """What a match is; by default `custom.` and the detector's name."""
    score: float = Field(default=1.0, gt=0, le=1)
    """The score of a match, in 0..1."""
    view: Literal["both", "plain", "normalized"] = "both"
    """Which view of the text is searched: as it is, with obfuscation undone, or both (the default)."""


def default_category(name: str) -> str:
    """Return the category of a detector that names none: `custom.` and its name, made a valid leaf."""
    leaf = regex.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "match"
    return f"custom.{leaf}"


def _rows(name: str, config: PatternsConfig) -> list[tuple[tuple[str | int, ...], Pattern]]:
    category = config.category or default_category(name)
    rows: list[tuple[tuple[str | int, ...], Pattern]] = []
    for index, item in enumerate(config.patterns):
        if isinstance(item, str):
            rows.append((("patterns", index), Pattern(item, category, config.score)))
            continue
        validate = None if item.validate_ is None else VALIDATORS[item.validate_]
        row = Pattern(
            item.pattern, item.category or category, item.score or config.score, item.group, validate
        )
        rows.append((("patterns", index, "pattern"), row))
    return rows


def _categories(name: str, config: PatternsConfig) -> frozenset[str]:
    named = {row.category for _, row in _rows(name, config)}
    if config.file is not None or not named:
        named.add(config.category or default_category(name))
    return frozenset(named)


def category_problem(category: str, path: tuple[str | int, ...]) -> ConfigProblem | None:
    """Return what is wrong with a category that a detector is to give, or None."""
    if taxonomy.is_valid(category):
        return None
    hint = "use a category of the taxonomy, or 'custom.' and a name in lower case"
    return ConfigProblem("unknown_category", f"{category!r} is not a category", path, hint=hint)


def _category_problems(config: PatternsConfig) -> list[ConfigProblem]:
    named = [(config.category, ("category",))] if config.category is not None else []
    problems = [category_problem(category, path) for category, path in named]
    for index, item in enumerate(config.patterns):
        if isinstance(item, PatternConfig) and item.category is not None:
            problems.append(category_problem(item.category, ("patterns", index, "category")))
    return [problem for problem in problems if problem is not None]


def _build(name: str, config: PatternsConfig, files: Files) -> Patterns:
    problems = _category_problems(config)
    rows = _rows(name, config)
    good: list[Pattern] = []
    places: dict[tuple[str | int, ...], tuple[str, int, int]] = {}
    if config.file is not None:
        category = config.category or default_category(name)
        for number, line in lines(files, config.file):
            path: tuple[str | int, ...] = ("file", number)
            places[path] = (config.file, number, 1)
            rows.append((path, Pattern(line, category, config.score)))
    if not rows:
        problems.append(ConfigProblem("no_patterns", "gives no pattern", (), hint="add 'patterns:' or 'file:'"))
    for path, row in rows:
        try:
            check(row.pattern, row.group)
            good.append(row)
        except PatternError as error:
            place = places.get(path)
            problems.append(
                ConfigProblem("invalid_pattern", f"{row.pattern!r}: {error}", path, error.offset, place=place)
            )
    if problems:
        raise ConfigProblems(problems)
    return Patterns(name, PatternTable(good), view=config.view)


KIND = Kind(
    name="patterns",
    doc="Regular expressions, linear-time where possible, with capture groups as spans and validators.",
    config=PatternsConfig,
    categories=_categories,
    build=_build,
)
