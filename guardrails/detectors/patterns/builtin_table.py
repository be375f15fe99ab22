"""A built-in table of patterns of which a policy may choose some kinds: what `pii` and `secrets` have in common."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.detectors.patterns.table import PatternRow, PatternTable


class BuiltinTable:
    """The table. Its categories are `root` and a name; `field` is where a policy lists the names that it wants, and
    `problem` the code and the words for one that is not there, such as `("unknown_kind", "a kind of secret")`.
    """

    def __init__(self, root: str, rows: Iterable[PatternRow], field: str, problem: tuple[str, str]) -> None:
        self._root = f"{root}."
        self.rows: tuple[PatternRow, ...] = (*rows,)
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
        self, detector: str, wanted: Sequence[str] | None, exclude: Sequence[str] = ()
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
        return PatternsDetector(
            detector, PatternTable.get(row for row in self.rows if row.category in chosen), view="codes"
        )

    def _hint(self, name: str) -> str:
        close = difflib.get_close_matches(name.removeprefix(self._root), self.names, n=1)
        return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(self.names)}"
