"""The scene of a lint run: a policy that loads, its compiled form and a day, and what follows from them, worked out once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.kinds import Kind
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.expected_findings import expected_findings
from guardrails.policy.lints.scene.term_lists import TermList, read_term_lists
from guardrails.policy.lints.scene.truth import KINDS, ConditionShape, Env, TooMany, Trials, analyze_condition
from guardrails.policy.lints.scene.truth import PossibleFinding as Given
from guardrails.policy.loading.items import Policy, PolicyItem
from guardrails.policy.loading.source import Source
from guardrails.policy.schema import RuleDoc
from guardrails.taxonomy import with_ancestors
from guardrails.types import Stage

WRITTEN = frozenset({Stage.OUTPUT, Stage.TOOL_CALL})
"""What only a model writes."""

TOOL_STAGES = frozenset({Stage.TOOL_DEFINITION, Stage.TOOL_CALL, Stage.TOOL_RESULT})


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as it was written and as it runs."""

    item: PolicyItem
    doc: RuleDoc
    rule: Rule

    def found(self, field: str, message: str, cure: str = "") -> LintFinding:
        """Return what is found at a field of the rule; at its id where it has no such field."""
        there = field in self.item.data
        mark = self.item.mark((field,)) if there else self.item.mark(("id",))
        return LintFinding(mark, message, cure, self.doc.id)

    def inside(self, offset: int, message: str, cure: str = "") -> LintFinding:
        """Return what is found so many characters into the condition."""
        return LintFinding(self.item.inside(("when",), offset), message, cure, self.doc.id)


def fixed_context(row: RuleRow) -> dict[str, object]:
    """Return the context that has one value for a rule, whoever asks."""
    known: dict[str, object] = {} if TOOL_STAGES & row.rule.on else {"tool.name": "", "tool.server": ""}
    if Stage.INPUT not in row.rule.on:
        known |= {"message.declared": False, "content.asks_for": ""}
    return known | ({"message.role": "assistant"} if row.rule.on <= WRITTEN else {})


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

    def validated_languages(self, rule: Rule) -> frozenset[str]:
        """Return the languages that the models whose findings a rule reads were validated on; none where that is not said."""
        return frozenset(
            code
            for bound in self.compiled.detectors
            if any(
                not rule.condition.categories.isdisjoint(with_ancestors(name)) for name in bound.categories
            )
            for code in getattr(bound.detector, "languages", ())
        )

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
    def given(self) -> tuple[Given, ...]:
        """Everything that detectors may find, one for each detector and category."""
        return tuple(expected_findings(self.policy, self.compiled))

    @cached_property
    def feeding(self) -> dict[str, list[Given]]:
        """What raises each variable of conditions."""
        found: dict[str, list[Given]] = {}
        for each in self.given:
            for name in each.variables():
                found.setdefault(name, []).append(each)
        return found

    def given_to(self, rules: Iterable[str], stages: frozenset[Stage]) -> tuple[Given, ...]:
        """What detectors may find at some of these stages that the conditions of some rules depend on."""
        names = [name.removeprefix("count ") for rule in rules for name in self.shapes[rule].findings]
        found = {each: None for name in names for each in self.feeding.get(name, ()) if each.stages & stages}
        return tuple(found)

    def trials(self, row: RuleRow, *others: RuleRow, stages: frozenset[Stage] | None = None) -> Trials:
        """Return what the conditions of some rules are tried with together: at the stages of the first, unless some are given."""
        rows = (row, *others)
        given = self.given_to([each.rule.id for each in rows], stages or row.rule.on)
        if any(each.rule.scope != "part" for each in rows):
            given = tuple(replace(each, kinds=frozenset(KINDS)) for each in given)
        return Trials([self.shapes[each.rule.id] for each in rows], given, fixed_context(row))

    @cached_property
    def term_lists(self) -> tuple[TermList, ...]:
        """The lists of terms, read once."""
        return tuple(read_term_lists(self.policy))

    @cached_property
    def answers(self) -> dict[str, list[tuple[Env, bool]] | None]:
        """What the condition of each rule says to all that it is tried with, by id; None where that is too much."""
        return {row.rule.id: self._try(row) for row in self.rows}

    def _try(self, row: RuleRow) -> list[tuple[Env, bool]] | None:
        holds = self.shapes[row.rule.id].holds
        try:
            return [(env, bool(holds(env))) for env in self.trials(row)]
        except TooMany:
            return None
