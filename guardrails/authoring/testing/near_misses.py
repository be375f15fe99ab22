"""Explains a failed test: why the rules that it is about fired or did not, with conditions beside scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.policy.testing.test_fields import ExpectDoc
from guardrails.spelling import suggest_name
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Finding, Stage, Verdict

FEW: Final = 3
"""Rules that are named where the test names none."""

OWN: Final = "unchecked."
"""How the ids of the engine's own rules begin."""


def explain_rules(
    policies: Sequence[CompiledPolicy], expect: ExpectDoc, verdict: Verdict, stages: frozenset[Stage]
) -> Iterator[str]:
    """Yield a line for each rule that was expected and did not fire, or fired and was not expected.

    Where the test names no rules and something stricter was expected, the rules that could have done it and came nearest.
    """
    rules = {rule.id: rule for policy in policies for rule in policy.rules}
    fired = [rule.id for rule in (*verdict.rules, *verdict.shadow)]
    wanted = [*(expect.rules or ()), *(expect.shadow or ())]
    for name in dict.fromkeys(name for name in wanted if name not in fired):
        if name not in rules:
            if not name.startswith(OWN):
                hint = suggest_name(name, [*rules])
                yield f"there is no rule {name!r}{hint and ' - '}{hint}"
        elif not rules[name].on & stages:
            yield f"{name} is not tried here: on {', '.join(sorted(rules[name].on))}"
        else:
            yield f"{name} does not fire: {_describe_scores(rules[name], verdict.findings)}"
    for name in _find_unexpected(expect, verdict):
        if name in rules:
            yield f"{name} fires: {_describe_scores(rules[name], verdict.findings)}"
    if expect.rules is None and expect.action is not None and verdict.action < Action[expect.action.upper()]:
        yield from _could(rules.values(), Action[expect.action.upper()], verdict, stages)


def _find_unexpected(expect: ExpectDoc, verdict: Verdict) -> Iterator[str]:
    """Yield the rules that fired though the test expects others, or an action that is less strict."""
    less = expect.action is not None and verdict.action > Action[expect.action.upper()]
    for expected, fired in ((expect.rules, verdict.rules), (expect.shadow, verdict.shadow)):
        blamed = fired is verdict.rules and less
        if expected is not None or blamed:
            yield from (rule.id for rule in fired if rule.id not in (expected or ()))


def _could(
    rules: Iterable[Rule], action: Action, verdict: Verdict, stages: frozenset[Stage]
) -> Iterator[str]:
    fired = {rule.id for rule in verdict.rules}
    near = [
        (max((score for _, score, _ in _values(rule, verdict.findings)), default=0.0), rule)
        for rule in rules
        if rule.then >= action and rule.on & stages and rule.id not in fired
    ]
    ordered = sorted(((score, rule) for score, rule in near if score > 0), key=lambda pair: -pair[0])
    for _, rule in ordered[:FEW]:
        yield f"{rule.id} does not fire: {_describe_scores(rule, verdict.findings)}"


def _values(rule: Rule, findings: Sequence[Finding]) -> Iterator[tuple[str, float, str]]:
    """Yield each category of a condition with its highest score and the detector that gives it ("" where nothing is found)."""
    for category in sorted(rule.condition.categories):
        found = [each for each in findings if category in with_ancestors(each.category)]
        highest = max(found, key=lambda each: each.score, default=None)
        yield category, *((0.0, "") if highest is None else (highest.score, highest.detector))


def _describe_scores(rule: Rule, findings: Sequence[Finding]) -> str:
    counted = {category for _, category in rule.condition.counts}
    said = []
    for category, score, detector in _values(rule, findings):
        by = f" ({detector})" if detector else ""
        count = sum(category in with_ancestors(each.category) for each in findings)
        times = f", found {count} times" if category in counted else ""
        said.append(f"{category} is {score:.2f}{by}{times}")
    said += [f"{name} counts as well" for name in rule.condition.context]
    text = " ".join(rule.condition.text.split())
    shown = text if len(text) <= 200 else text[:197] + "..."
    return f"when {shown}" + (f"; {', '.join(said)}" if said else "")
