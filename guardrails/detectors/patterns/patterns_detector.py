"""The `patterns` detector: findings with exact spans for regular expressions, in linear time wherever RE2 can run them
(`table.py`).

Each pattern sees the plain text and, where they differ, the normalized view and the readings in which spelling tricks
are undone (`text.revealed`); findings are in original coordinates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Literal

from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles, read_list_file
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind, default_category
from guardrails.detectors.patterns.streaming.patterns_stream import PatternStream
from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.detectors.patterns.table import (
    CompiledRow,
    PatternError,
    PatternRow,
    PatternTable,
    compile_row,
    display_pattern,
)
from guardrails.detectors.pii.identifiers.validators import VALIDATORS
from guardrails.detectors.shared_builds import SharedInstances
from guardrails.text import TextView, deobfuscate_text, normalize_text, replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Finding, Text


class PatternsDetector:
    """The detector: a table of patterns over the views of a text.

    Args:
        name: of the detector.
        table: its patterns.
        view: `both` is the plain text and the normalized view, `all` the revealed readings too; `codes` leaves out of
            these what makes letters of digits or drops repeats, for numbers and credentials.
    """

    def __init__(
        self,
        name: str,
        table: PatternTable,
        *,
        view: Literal["all", "codes", "both", "plain", "normalized"] = "both",
    ) -> None:
        self._name = name
        self.table = table
        self._view = view
        self.inline = table.linear
        self.prefilter = table if table.linear else None

    def stream(self, context: Mapping[str, str] | None) -> PatternStream:
        """Begin a text that grows."""
        return PatternStream(self._name, self._rows, self._view)

    @staticmethod
    def merge_streams(
        detectors: Sequence[PatternsDetector],
    ) -> list[tuple[Sequence[PatternsDetector], Callable[[Mapping[str, str] | None], PatternStream]]]:
        """Return which detectors judge texts that grow as one, with what begins a text for each group."""
        groups: list[
            tuple[Sequence[PatternsDetector], Callable[[Mapping[str, str] | None], PatternStream]]
        ] = []
        for group in MergedPatterns.groups(detectors):
            try:
                groups.append((group, (MergedPatterns.get(group) if len(group) > 1 else group[0]).stream))
            except PatternError:  # too large together, though each is not
                groups += [([each], each.stream) for each in group]
        return groups

    @cached_property
    def _rows(self) -> StreamRows:
        return StreamRows(self.table)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        text = replace_surrogates(text)
        try:
            found = self.table.search(text) if self._view != "normalized" else []
            for view in self._views(text):
                found.extend((row, *view.original(*span)) for row, *span in self.table.search(view.text))
        except TimeoutError as error:
            return Detection(error=str(error))
        if not found:
            return CLEAN
        unique = {(row.category, start, end): row for row, start, end in found}
        return Detection(
            tuple(
                Finding(category, row.score, self._name, (start, end))
                for (category, start, end), row in sorted(unique.items(), key=lambda item: item[0][1:])
            )
        )

    def _views(self, text: str) -> tuple[TextView, ...]:
        """Return what is searched beside the plain text."""
        if self._view == "plain":
            return ()
        views = deobfuscate_text(text, letters=self._view == "all") if self._view in ("all", "codes") else ()
        if self._view != "normalized" and text.isascii():
            return views
        view = normalize_text(text)
        return (view, *views) if view.text != text or self._view == "normalized" else views


class MergedPatterns:
    """Several of these detectors as one for texts that grow: one pass over all their patterns costs little more than the dearest.

    Args:
        detectors: of one view.

    Raises:
        PatternError: they are too large together.
    """

    def __init__(self, detectors: Sequence[PatternsDetector]) -> None:
        self._view = detectors[0]._view
        self._rows = StreamRows(PatternTable.union(each.table for each in detectors))
        owners = {id(entry): each._name for each in detectors for entry in each.table.entries}
        self._owners = tuple(owners[id(row.entry)] for row in self._rows.rows)

    def stream(self, context: Mapping[str, str] | None) -> PatternStream:
        """Begin a text that grows."""
        return PatternStream(self._owners, self._rows, self._view)

    @classmethod
    def get(cls, detectors: Sequence[PatternsDetector]) -> MergedPatterns:
        """Return these together, once for all who want the same; raises `PatternError`."""
        return _TOGETHER.get((*detectors,), lambda: cls(detectors))

    @staticmethod
    def groups(detectors: Iterable[PatternsDetector]) -> list[list[PatternsDetector]]:
        """Return which of some detectors can be put together: those of one view without a row in common, all linear."""
        found: list[tuple[list[PatternsDetector], set[int]]] = []
        for each in detectors:
            rows = {id(entry.row) for entry in each.table.entries}
            for group, known in found if each.table.linear else ():
                if group[0]._view == each._view and group[0].table.linear and known.isdisjoint(rows):
                    group.append(each)
                    known |= rows
                    break
            else:
                found.append(([each], rows))
        return [group for group, _ in found]


_TOGETHER: SharedInstances[MergedPatterns] = SharedInstances()


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
    view: Literal["all", "both", "plain", "normalized"] = "all"
    """Which views of the text are searched: as it is (`plain`), with look-alike and invisible characters undone
    (`normalized`), `both`, or `all`: with leetspeak, spaced-out and repeated letters and codes undone too (the default)."""


def list_pattern_rows(name: str, config: PatternsConfig) -> list[tuple[tuple[str, int], PatternRow]]:
    """Return the rows of a configuration, each with where in it that stands."""
    category = config.category or default_category(name)
    rows: list[tuple[tuple[str, int], PatternRow]] = []
    for index, item in enumerate(config.patterns):
        if isinstance(item, str):
            rows.append((("patterns", index), PatternRow(item, category, config.score)))
            continue
        validate = None if item.validate_ is None else VALIDATORS[item.validate_]
        row = PatternRow(
            item.pattern, item.category or category, item.score or config.score, item.group, validate
        )
        rows.append((("patterns", index), row))
    return rows


def _categories(name: str, config: PatternsConfig) -> frozenset[str]:
    named = {row.category for _, row in list_pattern_rows(name, config)}
    if config.file is not None or not named:
        named.add(config.category or default_category(name))
    return frozenset(named)


def category_problem(category: str, path: tuple[str | int, ...]) -> ConfigProblem | None:
    """Return what is wrong with a category that a detector is to give, or None."""
    if taxonomy.is_valid(category):
        return None
    leaf = re.sub(r"[^a-z0-9_]+", "_", category.lower().removeprefix("custom.")).strip("_")
    meant = taxonomy.find_meant(category) or f"custom.{leaf or 'mine'}"
    hint = f"write {meant}; a category is one of the taxonomy, or 'custom.' and a name in lower case"
    return ConfigProblem("unknown_category", f"{category!r} is not a category", path, hint=hint)


def _category_problems(config: PatternsConfig) -> list[ConfigProblem]:
    problems: list[ConfigProblem | None] = []
    if config.category is not None:
        problems.append(category_problem(config.category, ("category",)))
    for index, item in enumerate(config.patterns):
        if isinstance(item, PatternConfig) and item.category is not None:
            problems.append(category_problem(item.category, ("patterns", index, "category")))
    return [problem for problem in problems if problem is not None]


def _build(name: str, config: PatternsConfig, files: PolicyFiles) -> PatternsDetector:
    problems = _category_problems(config)
    entries: list[CompiledRow] = []
    for path, row in list_pattern_rows(name, config):
        try:
            entries.append(compile_row(row))
        except PatternError as error:
            # A bare text is the pattern itself; a mapping has a field for each part of the row.
            bare = isinstance(config.patterns[path[1]], str)
            where = path if bare else (*path, error.field)
            problems.append(_invalid(row, error, where))
    if config.file is not None:
        category = config.category or default_category(name)
        for place, line in read_list_file(files, config.file):
            row = PatternRow(line, category, config.score)
            try:
                entries.append(compile_row(row))
            except PatternError as error:
                file, number, column = place
                at = (file, number, column + (error.offset or 0))
                problems.append(_invalid(row, error, ("file",), at))
    if not entries and not problems:
        problems.append(empty_problem("pattern", "patterns", config.file))
    if problems:
        raise ConfigProblems(problems)
    try:
        return PatternsDetector(name, PatternTable(entries), view=config.view)
    except PatternError as error:
        raise ConfigProblems([ConfigProblem("invalid_pattern", str(error))]) from error


CURES: Mapping[str, str] = {
    "missing )": "close the bracket with ), or write \\( for one that is meant as itself",
    "unbalanced parenthesis": "leave out the ), or write \\) for one that is meant as itself",
    "unterminated character set": "close the set with ], or write \\[ for a bracket that is meant as itself",
    "nothing to repeat": "*, + and ? repeat what stands before them: write .* for any text, \\* for an asterisk",
    "invalid group reference": "a number such as \\1 means a group that stands before it in round brackets",
}
"""What is wrong with a pattern → what to write."""


def _invalid(
    row: PatternRow,
    error: PatternError,
    path: tuple[str | int, ...],
    place: tuple[str, int, int] | None = None,
) -> ConfigProblem:
    hint = next((hint for part, hint in CURES.items() if part in str(error)), "")
    message = f"{display_pattern(row.pattern)}: {error}"
    return ConfigProblem("invalid_pattern", message, path, error.offset, hint=hint, place=place)


def empty_problem(what: str, field: str, file: str | None) -> ConfigProblem:
    """Return the problem of a detector that has nothing to look for."""
    if file is not None:
        return ConfigProblem(f"no_{field}", f"file {file!r} has no {what} in it", ("file",))
    hint = f"add '{field}:' or 'file:'"
    return ConfigProblem(f"no_{field}", f"gives no {what}, so it would find nothing", (), hint=hint)


KIND = Kind(
    name="patterns",
    doc="Regular expressions, linear-time where possible, with capture groups as spans and validators.",
    config=PatternsConfig,
    categories=_categories,
    build=_build,
)
