"""A policy ready to run: bound, ordered, indexed and immutable. Nothing is looked up by name any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from guardrails import taxonomy
from guardrails.detectors.binding import BoundDetector
from guardrails.policy.compilation.phrases import NEAR, Phrases
from guardrails.policy.condition import Condition
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.messages.choice import choose_language_tag
from guardrails.policy.messages.fields import HelplineDoc
from guardrails.policy.messages.helplines import fill_helpline
from guardrails.policy.redactions import Redaction
from guardrails.policy.schema import FilmsDoc, LimitsDoc, MediaDoc
from guardrails.policy.streaming import RuleStreaming
from guardrails.policy.testing.test_fields import TestDoc
from guardrails.policy.tools import ToolLists
from guardrails.types import Action, FiredRule, Mode, PolicyRef, Severity, Stage


@dataclass(frozen=True, slots=True)
class ExceptionRule:
    """Findings that do not count; what is None stands for all. `passages` are the detectors that find whole passages, which hold
    more than a phrase; `expires` is the last ISO date on which it holds.
    """

    id: str
    on: frozenset[Stage] | None
    tenants: frozenset[str] | None
    categories: frozenset[str] | None
    matches: Phrases | None
    condition: Condition | None
    expires: str | None
    near: Phrases | None = None
    passages: frozenset[str] = frozenset()

    @property
    def reach(self) -> int:
        """How many characters around a finding it depends on."""
        around = 0 if self.matches is None else self.matches.longest
        return max(around, 0 if self.near is None else NEAR)


@dataclass(frozen=True, slots=True)
class OnFail:
    """What is tried before a rule over formats acts: whether texts are repaired, and how often the model is asked again."""

    repairs: bool
    reasks: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule. `order` sorts by severity (gravest first), then by place in the file.

    `redact` are the categories whose findings are replaced; with `alone`, only those that make the condition
    hold by themselves. `needs_findings`: it cannot fire without a finding or a failure of its categories. `stream` is what the
    rule asks for on texts that grow, `how` what its condition allows; `cover` is how it covers what it finds in pictures,
    `cover_film` in films. `on_fail` is what is tried before it acts; `helplines` are those that its messages may
    name.
    """

    id: str
    order: tuple[int, int]
    on: frozenset[Stage]
    condition: Condition
    then: Action
    on_error: Action
    mode: Mode
    scope: str
    severity: Severity
    tags: tuple[str, ...]
    messages: Mapping[str, str]
    redact: frozenset[str]
    alone: bool
    replacement: Redaction
    locale: str
    exceptions: tuple[ExceptionRule, ...]
    needs_findings: bool
    stream: str | None = None
    cover: str = "solid"
    cover_film: str = "solid"
    how: RuleStreaming = field(default_factory=RuleStreaming)
    on_fail: OnFail | None = None
    helplines: Mapping[str, HelplineDoc] = field(default_factory=dict)

    @property
    def reads(self) -> frozenset[str]:
        """The categories that it depends on: of its condition, of what it redacts, of the conditions of its exceptions."""
        asked = (each.condition.categories for each in self.exceptions if each.condition is not None)
        return (self.condition.categories | self.redact).union(*asked)

    def message(self, languages: Iterable[str], country: str | None = None) -> str | None:
        """Return the message in the first of these languages in which there is one (`choose_language_tag`), None where there is
        none. A helpline in it is that of the country.
        """
        if not self.messages:
            return None
        tag = choose_language_tag(languages, self.messages)
        return fill_helpline(self.messages[tag], tag, country, self.helplines)

    def fired(
        self, action: Action, reason: str, languages: Iterable[str] = (), country: str | None = None
    ) -> FiredRule:
        """Return the entry of a verdict.

        Args:
            action: what it did.
            reason: why.
            languages: those in which its message is best said, the best first.
            country: in which the person is, as far as that is known.
        """
        message = self.message(languages, country)
        return FiredRule(self.id, action, message, self.severity, self.tags, self.mode, reason)


@dataclass(frozen=True, slots=True)
class DetectionPlan:
    """What contents of some stages need: detectors by tier, rules that always run, and rules by category."""

    tiers: tuple[tuple[BoundDetector, ...], ...]
    always: tuple[Rule, ...]
    by_category: Mapping[str, tuple[Rule, ...]]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, repr=False)
class CompiledPolicy:
    """A policy ready to run. `plan` tells what a content needs; `tests` come along for the test runner. With `parallel` no
    rule of it changes a request, which may be under way while it is judged. `keeps_content` tells whether records may hold what
    was judged: always, or where the decision is not `allow` (`flagged`). `tools` is what conditions are told of tools,
    `names` the context that they name, `elsewhere` the rules that the tests of a file know nothing of, by its name.
    """

    ref: PolicyRef
    detectors: tuple[BoundDetector, ...]
    rules: tuple[Rule, ...]
    unchecked: Mapping[str, Action]
    limits: LimitsDoc
    films: FilmsDoc
    media: MediaDoc
    history: str
    parallel: bool
    tests: tuple[tuple[PolicyItem, TestDoc], ...]
    shadow: bool
    joins_conversation: bool
    keeps_content: bool | Literal["flagged"] = False
    tools: ToolLists = field(default_factory=ToolLists)
    names: frozenset[str] = frozenset()
    elsewhere: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _plans: dict[tuple[tuple[Stage, ...], bool], DetectionPlan] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = f"{len(self.detectors)} detectors, {len(self.rules)} rules, {len(self.tests)} tests"
        return f"<CompiledPolicy {self.ref.name!r} {self.ref.version} {self.ref.digest[:19]}: {counts}>"

    @property
    def rereads(self) -> bool:
        """Whether an exception of it has phrases, without which what a model finds is judged again."""
        return any(each.matches is not None for rule in self.rules for each in rule.exceptions)

    def plan(self, stages: tuple[Stage, ...], *, across: bool = False) -> DetectionPlan:
        """Return what contents that stand at these stages need; `across` tells that they are joined of several messages, so that
        only rules of scope `conversation` look at them.
        """
        plan = self._plans.get((stages, across))
        if plan is None:  # at most two entries for each combination of six stages
            rules = (rule for rule in self.rules if not rule.on.isdisjoint(stages))
            plan = self._plans[stages, across] = _plan(
                self, tuple(rule for rule in rules if not across or rule.scope == "conversation")
            )
        return plan


def _plan(policy: CompiledPolicy, rules: tuple[Rule, ...]) -> DetectionPlan:
    """Return what rules need."""
    wanted = frozenset().union(*(rule.reads for rule in rules))
    needed = [
        bound
        for bound in policy.detectors
        if any(not wanted.isdisjoint(taxonomy.with_ancestors(category)) for category in bound.categories)
    ]
    tiers = tuple(
        tuple(bound for bound in needed if bound.tier == tier)
        for tier in sorted({bound.tier for bound in needed})
    )
    by_category: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.needs_findings:
            for category in rule.condition.categories:
                by_category.setdefault(category, []).append(rule)
    return DetectionPlan(
        tiers,
        tuple(rule for rule in rules if not rule.needs_findings),
        {category: tuple(found) for category, found in by_category.items()},
        rules,
    )


def bind_single_finding(
    condition: Condition, category: str, score: float, detector: str
) -> dict[str, object]:
    """Bind a condition as if one finding (of any detector if that is "") were all that there is; no context."""
    names = taxonomy.with_ancestors(category)
    bound = condition.zeros()
    bound.update({name: score for name in condition.scores if name in names})
    bound.update({variable: 1 for variable, counted in condition.counts if counted in names})
    bound.update(
        {
            variable: score
            for variable, by, name in condition.detectors
            if name in names and detector in {"", by}
        }
    )
    return bound
