"""A `Policy` in, a `CompiledPolicy` out: bound, ordered, indexed and immutable.

The stages run in the order of `STAGES`, each adding what it finds wrong; if anything was, by the loader or here,
all of it is raised together. After that nothing is looked up by name again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from guardrails import taxonomy
from guardrails.detectors.binding import narrow_detector
from guardrails.errors import PolicyErrors
from guardrails.policy.compilation.compilation import Compilation
from guardrails.policy.compilation.detector_binding import bind_detectors
from guardrails.policy.compilation.digest import digest_policy
from guardrails.policy.compilation.on_fail import find_misuse, read_on_fail
from guardrails.policy.compilation.phrases import Phrases
from guardrails.policy.compilation.redaction_checks import check_fake, check_redaction, redaction_of
from guardrails.policy.compiled import CompiledPolicy, DetectionPlan, ExceptionRule, Rule, bind_single_finding
from guardrails.policy.condition import Condition, ConditionError, compile_condition
from guardrails.policy.loading.items import Policy, PolicyItem, RuleItem
from guardrails.policy.loading.source import Mark
from guardrails.policy.names import OF_CALLS, OF_LISTS
from guardrails.policy.redactions import REDACTIONS, Redaction, make_own_text
from guardrails.policy.schema import (
    DEFAULT_LOCALE,
    RuleDoc,
)
from guardrails.policy.streaming import RuleStreaming, decide_streaming
from guardrails.policy.tools import compile_tools
from guardrails.spelling import suggest_name
from guardrails.types import Action, Mode, PolicyRef, Severity, Stage

__all__ = ["CompiledPolicy", "DetectionPlan", "Rule", "bind_single_finding", "compile_policy"]

UNCHECKED_PREFIX = "unchecked."
"""Rule ids of this form stand for the policy's `unchecked:` table in verdicts."""


def read_tools(work: Compilation) -> None:
    """Compile the lists of tools."""
    work.tools = compile_tools(work.policy.tools, work.problems)


def compile_conditions(work: Compilation) -> None:
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


def _report(work: Compilation, item: PolicyItem, error: ConditionError) -> None:
    for problem in error.problems:
        place = item.inside(("when",), problem.offset)
        work.problems.add(place, problem.code, problem.message, problem.hint)


def compile_exceptions(work: Compilation) -> None:
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
        work.check_categories(item, "categories", doc.categories)
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


def build_rules(work: Compilation) -> None:
    """Put each valid rule together with its condition and exceptions; check what only both can tell."""
    for index, rule in enumerate(work.policy.rules):
        _check_rule(work, rule)
        condition = work.conditions.get(index)
        if rule.doc is not None and rule.doc.then == "redact":
            check_fake(work, rule.item, redaction_of(rule.doc))
        if rule.doc is None or condition is None:
            continue
        _check_calls(work, rule.item, rule.doc, condition)
        built = _rule(work, rule.doc, condition, index)
        if built.then is Action.REDACT:
            check_redaction(work, rule.item, built)
        if built.on_fail is not None:
            for problem in find_misuse(rule.item, rule.doc, built, work.detectors):
                work.problems.add(*problem)
        work.rules.append(built)


def _check_rule(work: Compilation, rule: RuleItem) -> None:
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
        work.check_categories(item, "redact", redact)


def _check_calls(work: Compilation, item: PolicyItem, doc: RuleDoc, condition: Condition) -> None:
    """What is said of calls is said nowhere else."""
    named = [name for name in condition.context if name in OF_CALLS]
    if named and "tool_call" not in doc.on:
        message = f"{named[0]!r} says something of calls alone, and the rule judges none"
        work.problems.add(item.mark(("on",)), "not_in_scope", message, "write on: tool_call")


def _rule(work: Compilation, doc: RuleDoc, condition: Condition, index: int) -> Rule:
    then = Action[doc.then.upper()]
    severity = Severity[doc.severity.upper()]
    default_on_error = "flag" if doc.then == "flag" else "block"
    message = {"en": doc.message} if isinstance(doc.message, str) else (doc.message or {})
    redact = condition.categories if doc.redact is None else frozenset(doc.redact)
    redaction = redaction_of(doc)
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
        helplines=work.policy.helplines,
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


def _find_redaction(work: Compilation, name: str | dict[str, str]) -> Redaction:
    """Return a redaction that a rule names, and the loader has found, or that puts texts of the rule's own."""
    if not isinstance(name, str):
        return make_own_text(name)
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


def check_parallel(work: Compilation) -> None:
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


STAGES: tuple[Callable[[Compilation], None], ...] = (
    bind_detectors,
    read_tools,
    compile_conditions,  # needs the categories that detectors give
    compile_exceptions,
    build_rules,  # needs conditions and exceptions
    check_parallel,  # needs detectors
)


def _find_asked(work: Compilation) -> dict[Stage, frozenset[str]]:
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


def _find_elsewhere(policy: Policy, rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """Return the rules that the tests of a file know nothing of, by its name: those that it does not build on, and those that
    ask for lists of tools which it does not build on.
    """
    of_lists = {
        name: frozenset(rule.id for rule in rules if not {*leaves}.isdisjoint(rule.condition.context))
        for name, leaves in OF_LISTS.items()
    }
    found = dict(policy.elsewhere)
    for file, lists in policy.tools_elsewhere.items():
        found[file] = found.get(file, frozenset()).union(*(of_lists[name] for name in lists))
    return found


def compile_policy(policy: Policy) -> CompiledPolicy:
    """Compile a policy.

    Raises:
        PolicyErrors: everything that is wrong with it, each problem with file, line and column.
    """
    work = Compilation(policy)
    for stage in STAGES:
        stage(work)
    if work.problems.errors:
        raise PolicyErrors(work.problems.errors)
    asked = _find_asked(work)
    return CompiledPolicy(
        ref=PolicyRef(
            policy.name, policy.version, digest_policy(policy, work.detectors, work.tools, work.rules)
        ),
        detectors=tuple(narrow_detector(bound, asked) for bound in work.detectors),
        rules=tuple(work.rules),
        unchecked={kind: Action[str(value).upper()] for kind, value in policy.unchecked.model_dump().items()},
        limits=policy.limits,
        films=policy.films,
        media=policy.media,
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
        elsewhere=_find_elsewhere(policy, work.rules),
        shadow=any(rule.mode is Mode.SHADOW for rule in work.rules),
        joins_conversation=any(rule.scope == "conversation" for rule in work.rules),
    )
