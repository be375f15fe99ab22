"""A built-in table of patterns of which a policy may choose some kinds: what `pii` and `secrets` have in common."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.detectors.patterns.table import PatternRow, PatternTable

Specimens = Literal["skip", "report"]
"""What becomes of values that are made up to be shown."""


class BuiltinTable:
    """The table.

    Args:
        root: of its categories, before a name.
        rows: its patterns.
        field: where a policy lists the names that it wants.
        problem: the code and the words for one that is not there, such as `("unknown_kind", "a kind of secret")`.
        reported: the check of a row → what takes its place where specimens are reported.
        made_up: patterns that specimens alone have.
    """

    def __init__(
        self,
        root: str,
        rows: Iterable[PatternRow],
        field: str,
        problem: tuple[str, str],
        *,
        reported: Mapping[Callable[[str], bool], Callable[[str], bool]] | None = None,
        made_up: Iterable[PatternRow] = (),
    ) -> None:
        self._root = f"{root}."
        self.rows: tuple[PatternRow, ...] = (*rows,)
        checks = reported or {}
        self.reported = (
            *(
                replace(row, validate=row.validate and checks.get(row.validate, row.validate))
                for row in self.rows
            ),
            *made_up,
        )
        self._field = field
        self._problem = problem
        self.names = tuple(dict.fromkeys(row.category.removeprefix(self._root) for row in self.rows))

    def categories(self, wanted: Sequence[str] | None, exclude: Sequence[str] = ()) -> frozenset[str]:
        """Return the categories of the names that are wanted (None: all of the table), but those to `exclude`."""
        # With a misspelt name any may be meant: then the one problem to report is the spelling.
        known = wanted is not None and {*wanted} <= {*self.names}
        return frozenset(
            self._root + name
            for name in (wanted if wanted is not None and known else self.names)
            if name not in exclude
        )

    def build(
        self,
        detector: str,
        wanted: Sequence[str] | None,
        exclude: Sequence[str] = (),
        specimens: Specimens = "skip",
    ) -> PatternsDetector:
        """Build the detector over the rows that are wanted; raises `ConfigProblems` for names that are not there, and
        when none is left.
        """
        code, words = self._problem
        problems = [
            ConfigProblem(code, f"{name!r} is not {words}", (field, index), hint=self._hint(name))
            for field, names in ((self._field, wanted or ()), ("exclude", exclude))
            for index, name in enumerate(names)
            if name not in self.names
        ]
        chosen = self.categories(wanted, exclude)
        if not chosen and not problems:
            message = "excludes every kind that it looks for"
            hint = "leave some out of 'exclude:'"
            problems.append(ConfigProblem("nothing_left", message, ("exclude",), hint=hint))
        if problems:
            raise ConfigProblems(problems)
        rows = self.reported if specimens == "report" else self.rows
        table = PatternTable.get(row for row in rows if row.category in chosen)
        return PatternsDetector(detector, table, view="codes")

    def _hint(self, name: str) -> str:
        close = difflib.get_close_matches(name.removeprefix(self._root), self.names, n=1)
        return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(self.names)}"
