"""A `Policy` in, a `CompiledPolicy` out: bound, ordered, indexed and immutable.

The stages run in the order of `STAGES`, each adding what it finds wrong; if anything was, by the loader or here,
all of it is raised together. After that nothing is looked up by name again.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable
from dataclasses import astuple

from pydantic import ValidationError

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.binding import BoundDetector, bind, narrow_detector
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind, find_kind, kind_names
from guardrails.errors import PolicyErrors
from guardrails.policy.compiled import CompiledPolicy, DetectionPlan, ExceptionRule, Rule, bind_single_finding
from guardrails.policy.condition import Condition, ConditionError, compile_condition
from guardrails.policy.loading.items import DetectorItem, Policy, PolicyItem, RuleItem
from guardrails.policy.loading.source import Mark
from guardrails.policy.names import OF_CALLS, ConditionNames
from guardrails.policy.on_fail import find_misuse, read_on_fail
from guardrails.policy.phrases import Phrases
from guardrails.policy.redactions import REDACTIONS, Redaction
from guardrails.policy.schema import (
    DEFAULT_LOCALE,
    ExceptionDoc,
    FilmsDoc,
    LimitsDoc,
    PolicyRecordsDoc,
    RedactionDoc,
    RuleDoc,
    UncheckedDoc,
)
from guardrails.policy.streaming import RuleStreaming, decide_streaming
from guardrails.policy.tools import ToolLists, compile_tools
from guardrails.registry.sources import PluginError
from guardrails.spelling import suggest_name
from guardrails.types import Action, Mode, PolicyRef, Severity, Stage

__all__ = ["CompiledPolicy", "DetectionPlan", "Rule", "bind_single_finding", "compile_policy"]

ENGINE = 1
"""The version of what policies mean; raised when the same policy would judge otherwise."""

UNCHECKED_PREFIX = "unchecked."
"""Rule ids of this form stand for the policy's `unchecked:` table in verdicts."""


class _Compilation:
    """What the stages fill in."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.problems = policy.problems
        self.detectors: list[BoundDetector] = []
        self.names = ConditionNames()
        self.conditions: dict[int, Condition] = {}
        self.exceptions: list[tuple[frozenset[str] | None, ExceptionRule]] = []
        self.rules: list[Rule] = []
        self.tools = ToolLists()


def bind_detectors(work: _Compilation) -> None:
    """Build each detector, and learn which categories there are."""
    given: dict[str, frozenset[str]] = {}
    for name, declared in work.policy.detectors.items():
        if declared.kind is None or declared.config is None:
            given[name] = _guess_categories(work.policy, name, declared.item)
            continue
        given[name] = declared.kind.gives(name, declared.config)
        try:
            config = _apply_limits(declared.kind, declared.config, work.policy.limits)
            family = _family(declared.item)
            work.detectors.append(bind(name, declared.kind, config, declared.item, family))
        except ConfigProblems as error:
            for problem in error.problems:
                if declared.partial and not problem.path:
                    continue  # may come from what was left out
                message = f"detector {name!r}: {problem.message}"
                work.problems.add(_place(declared, problem), problem.code, message, problem.hint)
    work.names = ConditionNames(given)


def _family(item: PolicyItem) -> str:
    """Return the file that has the last word on a detector."""
    return [item.source, *(source for source, *_ in item.overrides.values())][-1].file


def _apply_limits(of: Kind, config: Config, limits: LimitsDoc) -> Config:
    """Return a configuration with the policy's limits where it has none of its own."""
    left = {name: getattr(limits, name) for name in of.limits if name not in config.model_fields_set}
    return config.model_copy(update=left) if left else config


def _guess_categories(policy: Policy, name: str, item: PolicyItem) -> frozenset[str]:
    """Return what a detector that is wrong was most likely to give, so that rules are not blamed for it."""
    data = item.data
    patterns = data.get("patterns")
    parts = [
        data,
        *(part for part in (patterns if isinstance(patterns, list) else ()) if isinstance(part, dict)),
    ]
    written = frozenset(part["category"] for part in parts if isinstance(part.get("category"), str))
    for use in difflib.get_close_matches(str(data.get("use")), kind_names(policy.plugins), n=1):
        try:
            of = find_kind(use, policy.plugins)
        except PluginError:
            of = None
        if of is None:
            continue
        bare = {key: data[key] for key in ("category",) if isinstance(data.get(key), str)}
        try:
            return written | of.gives(name, of.config.model_validate({"use": use, **bare}))
        except ValidationError:
            continue  # a kind whose configuration cannot be left out
    return written


def _place(declared: DetectorItem, problem: ConfigProblem) -> Mark:
    if problem.place is not None:
        return Mark(*problem.place)
    if problem.offset is not None:
        return declared.item.inside(problem.path, problem.offset)
    return declared.item.mark(problem.path) if problem.path else declared.item.key_mark(())


def read_tools(work: _Compilation) -> None:
    """Compile the lists of tools."""
    work.tools = compile_tools(work.policy.tools, work.problems)


def compile_conditions(work: _Compilation) -> None:
    """Compile each `when:`, also of rules that are otherwise wrong, so that all errors show at once."""
    for index, rule in enumerate(work.policy.rules):
        text, scope = rule.item.data.get("when"), rule.item.data.get("scope", "part")
        if not isinstance(text, str) or not text:
            continue  # reported by the loader
        if not text.strip():
            work.problems.add(
                rule.item.mark(("when",)), "condition_syntax", "when must not be empty", "write hate >= 0.8"
            )
            continue
        try:
            work.conditions[index] = compile_condition(text, work.names, str(scope))
        except ConditionError as error:
            _report(work, rule.item, error)


def _report(work: _Compilation, item: PolicyItem, error: ConditionError) -> None:
    for problem in error.problems:
        place = item.inside(("when",), problem.offset)
        work.problems.add(place, problem.code, problem.message, problem.hint)


def compile_exceptions(work: _Compilation) -> None:
    """Check what exceptions name, and compile their conditions."""
    ids = [str(rule.item.data.get("id")) for rule in work.policy.rules]
    seen: dict[str, Mark] = {}
    passages = frozenset(bound.name for bound in work.detectors if bound.passages)
    for item, doc in work.policy.exceptions:
        place = item.mark(("id",))
        if doc.id in seen:
            first = seen[doc.id]
            message = f"exception {doc.id!r} is already defined in {first.file}:{first.line}"
            work.problems.add(place, "duplicate_exception", message, "give each its own id")
        seen.setdefault(doc.id, place)
        for index, name in enumerate(doc.rules or ()):
            if name not in ids and name not in work.policy.disabled:
                message = f"{name!r} is not a rule of this policy"
                work.problems.add(
                    item.mark(("rules", index)), "unknown_rule", message, suggest_name(name, ids)
                )
        _check_categories(work, item, "categories", doc.categories)
        condition = None
        if doc.when is not None:
            try:
                condition = compile_condition(doc.when, work.names)
            except ConditionError as error:
                _report(work, item, error)
        matches = None if doc.matches is None else Phrases(doc.matches)
        near = None if doc.near is None else Phrases(doc.near)
        categories = None if doc.categories is None else frozenset(doc.categories)
        on = None if doc.on is None else _stages(doc.on)
        tenants = None if doc.tenants is None else frozenset(doc.tenants)
        compiled = ExceptionRule(
            doc.id, on, tenants, categories, matches, condition, doc.expires, near, passages
        )
        work.exceptions.append((None if doc.rules is None else frozenset(doc.rules), compiled))


def _check_categories(
    work: _Compilation, item: PolicyItem, field: str, categories: Iterable[str] | None
) -> None:
    for index, category in enumerate(categories or ()):
        if problem := work.names.problem(category):
            work.problems.add(item.mark((field, index)), *problem)


def build_rules(work: _Compilation) -> None:
    """Put each valid rule together with its condition and exceptions; check what only both can tell."""
    for index, rule in enumerate(work.policy.rules):
        _check_rule(work, rule)
        condition = work.conditions.get(index)
        if rule.doc is not None and rule.doc.then == "redact":
            _check_fake(work, rule.item, _redaction(rule.doc))
        if rule.doc is None or condition is None:
            continue
        _check_calls(work, rule.item, rule.doc, condition)
        built = _rule(work, rule.doc, condition, index)
        if built.then is Action.REDACT:
            _check_redaction(work, rule.item, built)
        if built.on_fail is not None:
            for problem in find_misuse(rule.item, rule.doc, built, work.detectors):
                work.problems.add(*problem)
        work.rules.append(built)


def _check_rule(work: _Compilation, rule: RuleItem) -> None:
    data, item, add = rule.item.data, rule.item, work.problems.add
    if str(data.get("id", "")).startswith(UNCHECKED_PREFIX):
        message = f"ids that begin with {UNCHECKED_PREFIX!r} are the engine's own"
        add(item.mark(("id",)), "reserved_id", message, "choose another id")
    if data.get("then") in ("flag", "block"):
        for name in ("with", "redact"):
            if name in data:
                message = f"{name!r} is for rules with then: redact, not then: {data['then']}"
                add(
                    item.key_mark((name,)),
                    "not_a_redaction",
                    message,
                    f"remove {name!r}, or write then: redact",
                )
    if "reask" in data and data.get("on_fail") != "reask":
        message = "'reask' is for rules with on_fail: reask"
        add(item.key_mark(("reask",)), "unused_field", message, "write on_fail: reask, or remove it")
    if data.get("on") == []:
        add(item.mark(("on",)), "invalid_value", "on must name at least one stage", "such as on: input")
    if data.get("message") == {}:
        message = "message must have a text in at least one language"
        add(item.mark(("message",)), "invalid_value", message, "such as message: {en: No.}")
    redact = data.get("redact")
    if isinstance(redact, list) and all(isinstance(name, str) for name in redact):
        _check_categories(work, item, "redact", redact)


def _check_calls(work: _Compilation, item: PolicyItem, doc: RuleDoc, condition: Condition) -> None:
    """What is said of calls is said nowhere else."""
    named = [name for name in condition.context if name in OF_CALLS]
    if named and "tool_call" not in doc.on:
        message = f"{named[0]!r} says something of calls alone, and the rule judges none"
        work.problems.add(item.mark(("on",)), "not_in_scope", message, "write on: tool_call")


def _rule(work: _Compilation, doc: RuleDoc, condition: Condition, index: int) -> Rule:
    then = Action[doc.then.upper()]
    severity = Severity[doc.severity.upper()]
    default_on_error = "flag" if doc.then == "flag" else "block"
    message = {"en": doc.message} if isinstance(doc.message, str) else (doc.message or {})
    redact = condition.categories if doc.redact is None else frozenset(doc.redact)
    redaction = _redaction(doc)
    exceptions = tuple(exception for ids, exception in work.exceptions if ids is None or doc.id in ids)
    return Rule(
        id=doc.id,
        order=(-severity, index),
        on=_stages(doc.on),
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
        replacement=_find_redaction(work, redaction.text),
        locale=redaction.locale or DEFAULT_LOCALE,
        exceptions=exceptions,
        needs_findings=condition.needs_findings(work.tools.known),
        stream=doc.stream,
        cover=redaction.image,
        cover_film=redaction.video,
        how=_how(doc, condition, exceptions),
        on_fail=read_on_fail(doc),
    )


def _find_redaction(work: _Compilation, name: str) -> Redaction:
    """Return a redaction that a rule names; the loader has found that there is one."""
    found = REDACTIONS.find(name, work.policy.plugins)
    assert found is not None
    return found


def _stages(names: str | Iterable[str]) -> frozenset[Stage]:
    return frozenset(Stage(name) for name in ([names] if isinstance(names, str) else names))


def _how(doc: RuleDoc, condition: Condition, exceptions: Iterable[ExceptionRule]) -> RuleStreaming:
    if doc.stream == "whole":
        return RuleStreaming("the rule says stream: whole")
    if doc.on_fail is not None:
        return RuleStreaming("the whole text is repaired, or asked for again (on_fail)")
    if doc.redact is not None:
        return RuleStreaming(
            "what it redacts is not decided by each finding alone (redact: names categories)"
        )
    return decide_streaming(condition, (each.condition for each in exceptions if each.condition is not None))


def _redaction(doc: RuleDoc) -> RedactionDoc:
    return (
        doc.with_
        if isinstance(doc.with_, RedactionDoc)
        else RedactionDoc().model_copy(update={"text": doc.with_ or "placeholder"})
    )


def _check_fake(work: _Compilation, item: PolicyItem, redaction: RedactionDoc) -> None:
    """What is made up needs Faker, and a locale that Faker has."""
    add, place = work.problems.add, item.mark(("with", "locale"))
    if redaction.text != "fake":
        if redaction.locale is not None:
            message = f"locale is for text: fake, not text: {redaction.text}"
            add(place, "unused_field", message, "remove it, or write text: fake")
    elif importlib.util.find_spec("faker") is None:
        message = "what is made up for with: fake needs Faker, which is not installed"
        add(item.mark(("with",)), "missing_extra", message, "pip install 'guardrails-middleware[fake]'")
    elif redaction.locale is not None:
        from faker.config import AVAILABLE_LOCALES

        if redaction.locale not in AVAILABLE_LOCALES:
            message = f"Faker has no locale {redaction.locale!r}"
            add(place, "unknown_locale", message, suggest_name(redaction.locale, sorted(AVAILABLE_LOCALES)))


SCORES = (1.0, *(step / 100 for step in range(99, 0, -1)))
"""Scores that are tried to learn whether one finding alone can make a condition hold; the likeliest first."""


def _check_redaction(work: _Compilation, item: PolicyItem, rule: Rule) -> None:
    """A redaction needs spans, and a condition that one finding alone can make true."""
    place = item.mark(("when",) if rule.alone else ("redact",))
    for bound in work.detectors:
        gives = [
            c for c in sorted(bound.categories) if not rule.redact.isdisjoint(taxonomy.with_ancestors(c))
        ]
        if gives and not bound.spans:
            message = f"detector {bound.name!r} finds {gives[0]!r} without saying where"
            work.problems.add(place, "redact_without_spans", message, "write then: block")
    if not rule.redact:
        message = "the condition names no category, so there is nothing to replace"
        work.problems.add(place, "redact_nothing", message, "name what to replace: redact: [category]")
    elif rule.alone and not _holds_alone(rule):
        message = "no finding alone can make the condition hold, so none would be replaced"
        hint = f"name the categories to replace: redact: [{', '.join(sorted(rule.redact))}]"
        work.problems.add(place, "redact_nothing", message, hint)


def _holds_alone(rule: Rule) -> bool:
    return any(
        rule.condition.evaluate(bind_single_finding(rule.condition, category, score, "")) is not False
        for score in SCORES
        for category in rule.redact
    )


def check_parallel(work: _Compilation) -> None:
    """What is under way cannot be changed. Every stage counts: requests have turns, calls and results of before in them."""
    policy, place = work.policy, work.policy.parallel
    if place is None:
        return
    docs = [rule.doc for rule in policy.rules if rule.doc is not None and rule.doc.mode == "enforce"]
    redacting = [f"rule {doc.id!r}" for doc in docs if doc.then == "redact"]
    repairing = [f"rule {doc.id!r}" for doc in docs if doc.on_fail and _stages(doc.on) != {Stage.OUTPUT}]
    planting = [f"detector {each.name!r}" for each in work.detectors if each.plants]
    causes = (
        (redacting, "redacts", "write then: block or mode: shadow there"),
        (repairing, "repairs what stands in a request", "write on: output there"),
        (planting, "plants a canary", "write plant: false there"),
        (["history: remove"] * (policy.history != "block"), "leaves turns out", "write history: block"),
    )
    for named, does, cure in causes:
        if named:
            more = f" (and {len(named) - 1} more)" if len(named) > 1 else ""
            message = f"a request that is under way cannot be changed, and {named[0]}{more} {does}"
            work.problems.add(place, "parallel_redacts", message, f"{cure}, or parallel: false")


STAGES: tuple[Callable[[_Compilation], None], ...] = (
    bind_detectors,
    read_tools,
    compile_conditions,  # needs the categories that detectors give
    compile_exceptions,
    build_rules,  # needs conditions and exceptions
    check_parallel,  # needs detectors
)


def _digested(doc: RuleDoc) -> dict[str, object]:
    """Return what of a rule counts; digests of those without a word on what fails stay what they were."""
    exclude = {name for name in ("on_fail", "reask") if getattr(doc, name) is None}
    return doc.model_dump(mode="json", by_alias=True, exclude=exclude)


def _digested_exception(doc: ExceptionDoc) -> dict[str, object]:
    """Return what of an exception counts; digests of those without a word on what is near stay what they were."""
    return doc.model_dump(mode="json", exclude={"near"} if doc.near is None else None)


def _digest(
    policy: Policy, detectors: Iterable[BoundDetector], tools: ToolLists, rules: Iterable[Rule]
) -> str:
    plugins = {
        each.replacement.name: astuple(each.replacement.origin)
        for each in rules
        if each.replacement.origin is not None
    }
    resolved = {
        "engine": ENGINE,
        "name": policy.name,
        "version": policy.version,
        "detectors": {bound.name: bound.digest for bound in detectors},
        "rules": [_digested(rule.doc) for rule in policy.rules if rule.doc is not None],
        "exceptions": [_digested_exception(doc) for _, doc in policy.exceptions],
        # Digests without a word on pictures, films and objects stay what they were.
        "unchecked": {
            name: value
            for name, value in policy.unchecked.model_dump().items()
            if name not in ("image", "video", "object") or value != UncheckedDoc.model_fields[name].default
        },
        "limits": {
            name: value
            for name, value in policy.limits.model_dump().items()
            if not name.startswith(("picture_", "film_")) or value != LimitsDoc.model_fields[name].default
        },
        **({} if policy.films == FilmsDoc() else {"films": policy.films.model_dump()}),
        # No verdict depends on it, but what is kept of people does.
        **({} if policy.records == PolicyRecordsDoc() else {"records": policy.records.model_dump()}),
        "history": policy.history,
        # No verdict depends on it, but what a provider has seen does; digests without it stay what they were.
        **({} if policy.parallel is None else {"parallel": True}),
        **({} if not tools.digest else {"tools": tools.digest}),
        **({} if not plugins else {"redactions": plugins}),
    }
    return "sha256:" + hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest()


def _find_asked(work: _Compilation) -> dict[Stage, frozenset[str]]:
    """Return the categories that rules ask for at each stage: those that they name, and what counts as one of those."""
    given = frozenset().union(*(bound.categories for bound in work.detectors))
    asked: dict[Stage, frozenset[str]] = {}
    for stage in Stage:
        rules = [rule for rule in work.rules if stage in rule.on]
        named = frozenset().union(*(rule.reads for rule in rules))
        asked[stage] = frozenset(
            name for name in given if not named.isdisjoint(taxonomy.with_ancestors(name))
        )
    return asked


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
    asked = _find_asked(work)
    return CompiledPolicy(
        ref=PolicyRef(policy.name, policy.version, _digest(policy, work.detectors, work.tools, work.rules)),
        detectors=tuple(narrow_detector(bound, asked) for bound in work.detectors),
        rules=tuple(work.rules),
        unchecked={kind: Action[str(value).upper()] for kind, value in policy.unchecked.model_dump().items()},
        limits=policy.limits,
        films=policy.films,
        keeps_content=policy.records.content,
        history=policy.history,
        parallel=policy.parallel is not None,
        tools=work.tools,
        names=frozenset(
            name
            for rule in work.rules
            for each in (rule.condition, *(exception.condition for exception in rule.exceptions))
            if each is not None
            for name in each.context
        ),
        tests=policy.tests,
        elsewhere=policy.elsewhere,
        shadow=any(rule.mode is Mode.SHADOW for rule in work.rules),
        joins_conversation=any(rule.scope == "conversation" for rule in work.rules),
    )
