"""What lint checks look at (`LintContext`), what they find (`LintFinding`), and the `Issue`s that are made of it.

Severity goes by effect: an `error` does not do what its author meant, a `warning` most likely does not, a `note` is advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from guardrails.detectors import BoundDetector, Kind
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.policy.lints.reachability.truth import ConditionShape, Env, analyze_condition
from guardrails.policy.lints.reachability.truth import PossibleFinding as Given
from guardrails.policy.loading.items import Policy, PolicyItem
from guardrails.policy.loading.source import Mark, Path, Source
from guardrails.policy.schema import RuleDoc
from guardrails.types import Stage

if TYPE_CHECKING:
    from guardrails.policy.lints.words import TermList

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that is safe: these entries of the list or mapping at `path` go."""

    source: Source
    path: Path
    key: str | int


@dataclass(frozen=True, slots=True)
class LintFinding:
    """Something that is most likely not meant: where, what, what to do instead, and in which rule, detector or test."""

    mark: Mark
    message: str
    cure: str = ""
    subject: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of lint, with the code and severity of its check."""

    code: str
    severity: Severity
    mark: Mark
    message: str
    cure: str = ""
    subject: str = ""
    fix: Fix | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        cure = f" - {self.cure}" if self.cure else ""
        return f"{self.mark.file}:{self.mark.line}:{self.mark.col}: {self.code}: {self.message}{cure}"

    def to_dict(self) -> dict[str, object]:
        """Return the issue as plain JSON values."""
        return {
            "file": self.mark.file,
            "line": self.mark.line,
            "col": self.mark.col,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "cure": self.cure,
            "subject": self.subject,
            "fixable": self.fix is not None,
        }


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as it was written and as it runs."""

    item: PolicyItem
    doc: RuleDoc
    rule: Rule

    def finding(self, field: str, message: str, cure: str = "") -> LintFinding:
        """Return what is found at a field of the rule; at its id where it has no such field."""
        there = field in self.item.data
        mark = self.item.mark((field,)) if there else self.item.mark(("id",))
        return LintFinding(mark, message, cure, self.doc.id)

    def inside(self, offset: int, message: str, cure: str = "") -> LintFinding:
        """Return what is found so many characters into the condition."""
        return LintFinding(self.item.inside(("when",), offset), message, cure, self.doc.id)


@dataclass(frozen=True)
class LintContext:
    """What checks look at. `today` is the day on which exceptions are compared, `floor` the operator's floor, if there is one."""

    policy: Policy
    compiled: CompiledPolicy
    today: date
    floor: LintContext | None = field(default=None, kw_only=True)

    @cached_property
    def rows(self) -> tuple[RuleRow, ...]:
        """The rules, in the order of the files."""
        pairs = zip(self.policy.rules, self.compiled.rules, strict=True)
        return tuple(RuleRow(each.item, each.doc, rule) for each, rule in pairs if each.doc is not None)

    @cached_property
    def shapes(self) -> dict[str, ConditionShape]:
        """The conditions of the rules, taken apart, by id."""
        return {row.rule.id: analyze_condition(row.rule.condition) for row in self.rows}

    @cached_property
    def enforced(self) -> tuple[RuleRow, ...]:
        """The rules that act."""
        return tuple(row for row in self.rows if row.doc.mode == "enforce")

    @cached_property
    def bounds(self) -> dict[str, BoundDetector]:
        """The detectors, by name."""
        return {bound.name: bound for bound in self.compiled.detectors}

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each detector, by its name."""
        return {name: each.kind for name, each in self.policy.detectors.items() if each.kind is not None}

    @property
    def root(self) -> Source:
        """The policy's own file."""
        return self.policy.sources[0]

    @cached_property
    def head(self) -> dict[str, object]:
        """What stands in the policy's own file."""
        data = self.root.data
        return data if isinstance(data, dict) else {}

    @cached_property
    def possible_findings(self) -> tuple[Given, ...]:
        """Everything that detectors may find, one for each detector and category."""
        from guardrails.policy.lints.reachability.scores import list_possible_findings

        return tuple(list_possible_findings(self))

    @cached_property
    def findings_by_variable(self) -> dict[str, list[Given]]:
        """What raises each variable of conditions."""
        found: dict[str, list[Given]] = {}
        for each in self.possible_findings:
            for name in each.variables():
                found.setdefault(name, []).append(each)
        return found

    def possible_findings_of(self, rules: Iterable[str], stages: frozenset[Stage]) -> tuple[Given, ...]:
        """What detectors may find at some of these stages that the conditions of some rules depend on."""
        names = [name.removeprefix("count ") for rule in rules for name in self.shapes[rule].findings]
        found = {
            each: None
            for name in names
            for each in self.findings_by_variable.get(name, ())
            if each.stages & stages
        }
        return tuple(found)

    @cached_property
    def term_lists(self) -> tuple[TermList, ...]:
        """The lists of terms, read once."""
        from guardrails.policy.lints.words import read_term_lists

        return tuple(read_term_lists(self))

    @cached_property
    def trial_results(self) -> dict[str, list[tuple[Env, bool]] | None]:
        """What the condition of each rule says to all that it is tried with, by id; None where that is too much."""
        from guardrails.policy.lints.reachability.firing import run_trials

        return {row.rule.id: run_trials(self, row) for row in self.rows}


@dataclass(frozen=True, slots=True)
class LintCheck:
    """A row of the table: the code and severity of what `run` finds in a scene, and what that is in a sentence."""

    code: str
    severity: Severity
    doc: str
    run: Callable[[Any], Iterable[LintFinding]]

    def issues(self, scene: LintContext) -> Iterable[Issue]:
        """Run the check."""
        for each in self.run(scene):
            yield Issue(self.code, self.severity, each.mark, each.message, each.cure, each.subject, each.fix)
