"""A `Policy` in, a `CompiledPolicy` out: bound, ordered, indexed and immutable.

The stages run in the order of `STAGES`, each adding what it finds wrong; if anything was, by the loader or here,
all of it is raised together. After that nothing is looked up by name again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from guardrails import taxonomy
from guardrails.detectors import Bound, ConfigProblem, ConfigProblems, bind
from guardrails.errors import PolicyErrors
from guardrails.policy.condition import (
    Condition,
    ConditionError,
    Names,
    compile_condition,
    compile_context,
)
from guardrails.policy.load import Detectors, Item, Policy, RuleItem, files_for
from guardrails.policy.problems import nearest
from guardrails.policy.schema import LimitsDoc, RedactionDoc, RuleDoc, TestDoc
from guardrails.policy.source import Mark
from guardrails.text import folded
from guardrails.types import Action, FiredRule, Mode, PolicyRef, Severity, Stage

ENGINE = 1
"""The version of what policies mean; raised when the same policy would judge otherwise."""

UNCHECKED_PREFIX = "unchecked."
"""Rule ids of this form stand for the policy's `unchecked:` table in verdicts."""


@dataclass(frozen=True, slots=True)
class ExceptionRule:
    """Findings that do not count. `matches` are folded texts; `expires` is the last ISO date on which it holds."""

    id: str
    categories: frozenset[str] | None
    matches: frozenset[str] | None
    condition: Condition | None
    expires: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule. `order` sorts by severity (gravest first), then by place in the file.

    `redact` are the categories whose findings are replaced; with `alone`, only those that make the condition
    hold by themselves. `needs_findings`: it cannot fire without a finding or a failure of its categories.
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
    replacement: str
    exceptions: tuple[ExceptionRule, ...]
    needs_findings: bool

    def message(self, language: str | None) -> str | None:
        """Return the message in that language, else in English, else in the first that there is."""
        if not self.messages:
            return None
        wanted = (language or "").split("-")[0]
        return self.messages.get(wanted) or self.messages.get("en") or next(iter(self.messages.values()))

    def fired(self, action: Action, reason: str, language: str | None) -> FiredRule:
        """Return the entry of a verdict."""
        return FiredRule(self.id, action, self.message(language), self.severity, self.tags, self.mode, reason)


@dataclass(frozen=True, slots=True)
class Plan:
    """What contents of some stages need: detectors by tier, rules that always run, and rules by category."""

    tiers: tuple[tuple[Bound, ...], ...]
    always: tuple[Rule, ...]
    by_category: Mapping[str, tuple[Rule, ...]]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy ready to run. `plan` tells what a content needs; `tests` come along for the test runner."""

    ref: PolicyRef
    detectors: tuple[Bound, ...]
    rules: tuple[Rule, ...]
    unchecked: Mapping[str, Action]
    limits: LimitsDoc
    history: str
    tests: tuple[tuple[Item, TestDoc], ...]
    shadow: bool
    joins_conversation: bool
    _plans: dict[tuple[Stage, ...], Plan] = field(default_factory=dict)

    def plan(self, stages: tuple[Stage, ...]) -> Plan:
        """Return what contents that stand at these stages need."""
        plan = self._plans.get(stages)
        if plan is None:  # at most one entry for each combination of six stages
            plan = self._plans[stages] = _plan(self, frozenset(stages))
        return plan


def _plan(policy: CompiledPolicy, stages: frozenset[Stage]) -> Plan:
    rules = tuple(rule for rule in policy.rules if rule.on & stages)
    wanted = frozenset().union(*(rule.condition.categories | rule.redact for rule in rules))
    needed = [
        bound
        for bound in policy.detectors
        if any(not wanted.isdisjoint(taxonomy.with_ancestors(category)) for category in bound.categories)
    ]
    tiers = tuple(
        tuple(bound for bound in needed if bound.tier == tier) for tier in sorted({bound.tier for bound in needed})
    )
    by_category: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.needs_findings:
            for category in rule.condition.categories:
                by_category.setdefault(category, []).append(rule)
    return Plan(
        tiers,
        tuple(rule for rule in rules if not rule.needs_findings),
        {category: tuple(found) for category, found in by_category.items()},
        rules,
    )


class _Compilation:
    """What the stages fill in."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.problems = policy.problems
        self.detectors: list[Bound] = []
        self.names = Names({})
        self.conditions: dict[int, Condition] = {}
        self.exceptions: list[tuple[frozenset[str] | None, ExceptionRule]] = []
        self.rules: list[Rule] = []


def bind_detectors(work: _Compilation) -> None:
    """Build each detector, and learn which categories there are."""
    given: dict[str, frozenset[str]] = {}
    broken = False
    for name, declared in work.policy.detectors.items():
        if declared.kind is None or declared.config is None:
            broken = True
            written = declared.item.data.get("category")
            given[name] = frozenset({written} if isinstance(written, str) else ())
            continue
        given[name] = declared.kind.categories(name, declared.config)
        try:
            work.detectors.append(bind(name, declared.kind, declared.config, files_for(declared.item)))
        except ConfigProblems as error:
            for problem in error.problems:
                work.problems.add(_place(declared, problem), problem.code, f"detector {name!r}: {problem.message}", problem.hint)
    work.names = Names(given, broken)


def _place(declared: Detectors, problem: ConfigProblem) -> Mark:
    if problem.place is not None:
        return Mark(*problem.place)
    if problem.offset is not None:
        return declared.item.inside(problem.path, problem.offset)
    return declared.item.mark(problem.path) if problem.path else declared.item.key_mark(())


def compile_conditions(work: _Compilation) -> None:
    """Compile each `when:`, also of rules that are otherwise wrong, so that all errors show at once."""
    for index, rule in enumerate(work.policy.rules):
        text, scope = rule.item.data.get("when"), rule.item.data.get("scope", "part")
        if not isinstance(text, str) or not text.strip():
            if isinstance(text, str) and text:
                work.problems.add(rule.item.mark(("when",)), "condition_syntax", "is empty", "write hate >= 0.8")
            continue
        try:
            work.conditions[index] = compile_condition(text, work.names, str(scope))
        except ConditionError as error:
            _report(work, rule.item, error)


def _report(work: _Compilation, item: Item, error: ConditionError) -> None:
    for problem in error.problems:
        work.problems.add(item.inside(("when",), problem.offset), problem.code, problem.message, problem.hint)


def compile_exceptions(work: _Compilation) -> None:
    """Check what exceptions name, and compile their conditions."""
    ids = [str(rule.item.data.get("id")) for rule in work.policy.rules]
    seen: set[str] = set()
    for item, doc in work.policy.exceptions:
        if doc.id in seen:
            work.problems.add(item.mark(("id",)), "duplicate_exception", f"exception {doc.id!r} is already defined", "give each its own")
        seen.add(doc.id)
        for index, name in enumerate(doc.rules or ()):
            if name not in ids:
                work.problems.add(item.mark(("rules", index)), "unknown_rule", f"{name!r} is not a rule of this policy", nearest(name, ids))
        _check_categories(work, item, "categories", doc.categories)
        condition = None
        if doc.when is not None:
            try:
                condition = compile_context(doc.when)
            except ConditionError as error:
                _report(work, item, error)
        matches = None if doc.matches is None else frozenset(folded(text).text for text in doc.matches)
        compiled = ExceptionRule(
            doc.id, None if doc.categories is None else frozenset(doc.categories), matches, condition, doc.expires
        )
        work.exceptions.append((None if doc.rules is None else frozenset(doc.rules), compiled))


def _check_categories(work: _Compilation, item: Item, field_: str, categories: Iterable[str] | None) -> None:
    for index, category in enumerate(categories or ()):
        if not work.names.given(category) and not work.names.broken:
            work.problems.add(
                item.mark((field_, index)),
                "category_without_detector" if taxonomy.is_valid(category) else "unknown_category",
                f"no detector of this policy gives {category!r}",
                nearest(category, [name for name in work.names.known() if work.names.given(name)]),
            )


def build_rules(work: _Compilation) -> None:
    """Put each valid rule together with its condition and exceptions; check what only both can tell."""
    for index, rule in enumerate(work.policy.rules):
        _check_rule(work, rule)
        condition = work.conditions.get(index)
        if rule.doc is None or condition is None:
            continue
        built = _rule(work, rule.doc, condition, index)
        if built.then is Action.REDACT:
            _check_redaction(work, rule.item, built)
        work.rules.append(built)


def _check_rule(work: _Compilation, rule: RuleItem) -> None:
    data, item = rule.item.data, rule.item
    if str(data.get("id", "")).startswith(UNCHECKED_PREFIX):
        work.problems.add(item.mark(("id",)), "reserved_id", f"ids that begin with {UNCHECKED_PREFIX!r} are the engine's own")
    if data.get("then") in {"flag", "block"}:
        for name in ("with", "redact"):
            if name in data:
                work.problems.add(item.key_mark((name,)), "not_a_redaction", f"{name!r} is for rules with then: redact", "remove it, or redact")
    if isinstance(data.get("on"), list) and not data["on"]:
        work.problems.add(item.mark(("on",)), "invalid_value", "on must name at least one stage")
    if isinstance(data.get("message"), dict) and not data["message"]:
        work.problems.add(item.mark(("message",)), "invalid_value", "message must have a text in at least one language")
    redact = data.get("redact")
    if isinstance(redact, list):
        _check_categories(work, item, "redact", [name for name in redact if isinstance(name, str)])


def _rule(work: _Compilation, doc: RuleDoc, condition: Condition, index: int) -> Rule:
    then = Action[doc.then.upper()]
    severity = Severity[doc.severity.upper()]
    default_on_error = "flag" if doc.then == "flag" else "block"
    message = {"en": doc.message} if isinstance(doc.message, str) else (doc.message or {})
    redact = condition.categories if doc.redact is None else frozenset(doc.redact)
    replacement = doc.with_.text if isinstance(doc.with_, RedactionDoc) else (doc.with_ or "placeholder")
    return Rule(
        id=doc.id,
        order=(-severity, index),
        on=frozenset(Stage(name) for name in ([doc.on] if isinstance(doc.on, str) else doc.on)),
        condition=condition,
        then=then,
        on_error=Action[(doc.on_error or default_on_error).upper()],
        mode=Mode(doc.mode),
        scope=doc.scope,
        severity=severity,
        tags=tuple(doc.tags),
        messages=message,
        redact=redact if then is Action.REDACT else frozenset(),
        alone=doc.redact is None,
        replacement=replacement,
        exceptions=tuple(exception for ids, exception in work.exceptions if ids is None or doc.id in ids),
        needs_findings=condition.needs_findings(),
    )


def _check_redaction(work: _Compilation, item: Item, rule: Rule) -> None:
    """A redaction needs spans, and a condition that one finding alone can make true."""
    place = item.mark(("redact",) if not rule.alone else ("when",))
    for bound in work.detectors:
        gives = [c for c in bound.categories if not rule.redact.isdisjoint(taxonomy.with_ancestors(c))]
        if gives and not bound.spans:
            work.problems.add(place, "redact_without_spans", f"detector {bound.name!r} finds {gives[0]!r} without saying where", "use then: block")
    if not rule.redact:
        work.problems.add(place, "redact_nothing", "the condition names no category, so there is nothing to replace", "add redact: [category]")
        return
    if not rule.alone:
        return
    for category in rule.redact:
        if rule.condition.evaluate(alone(rule.condition, category, 1.0, "")) is not False:
            return
    message = "no finding alone can make the condition hold, so none would be replaced"
    work.problems.add(place, "redact_nothing", message, "name the categories to replace: redact: [category]")


def alone(condition: Condition, category: str, score: float, detector: str) -> dict[str, object]:
    """Bind a condition as if one finding (of any detector if that is "") were all that there is; no context."""
    names = taxonomy.with_ancestors(category)
    bound = condition.zeros()
    bound.update({name: score for name in condition.scores if name in names})
    bound.update({variable: 1 for variable, counted in condition.counts if counted in names})
    bound.update(
        {variable: score for variable, by, name in condition.detectors if name in names and detector in {"", by}}
    )
    return bound


STAGES: tuple[Callable[[_Compilation], None], ...] = (
    bind_detectors,
    compile_conditions,  # needs the categories that detectors give
    compile_exceptions,
    build_rules,  # needs conditions and exceptions
)


def _digest(policy: Policy, detectors: Iterable[Bound]) -> str:
    resolved = {
        "engine": ENGINE,
        "name": policy.name,
        "version": policy.version,
        "detectors": {bound.name: bound.digest for bound in detectors},
        "rules": [rule.doc.model_dump(mode="json", by_alias=True) for rule in policy.rules if rule.doc is not None],
        "exceptions": [doc.model_dump(mode="json") for _, doc in policy.exceptions],
        "unchecked": policy.unchecked.model_dump(),
        "limits": policy.limits.model_dump(),
        "history": policy.history,
    }
    return "sha256:" + hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest()


def compile_policy(policy: Policy) -> CompiledPolicy:
    """Compile a policy.

    Raises:
        PolicyErrors: everything that is wrong with it, each problem with file, line and column.
    """
    work = _Compilation(policy)
    for stage in STAGES:
        stage(work)
    if work.problems.errors:
        raise PolicyErrors(work.problems.errors)
    return CompiledPolicy(
        ref=PolicyRef(policy.name, policy.version, _digest(policy, work.detectors)),
        detectors=tuple(work.detectors),
        rules=tuple(work.rules),
        unchecked={kind: Action[str(value).upper()] for kind, value in policy.unchecked.model_dump().items()},
        limits=policy.limits,
        history=policy.history,
        tests=policy.tests,
        shadow=any(rule.mode is Mode.SHADOW for rule in work.rules),
        joins_conversation=any(rule.scope == "conversation" for rule in work.rules),
    )
