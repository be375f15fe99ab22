"""Selects what is tuned: the rule, its thresholds and the rows that count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guardrails.authoring.labels.label_truth import category_truth, label_truth
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.tune.thresholds import (
    Threshold,
    ThresholdPath,
    build_path,
    choose_thresholds,
    find_thresholds,
)
from guardrails.errors import GuardrailsError
from guardrails.policy.compiled import CompiledPolicy, Rule


class TuneError(GuardrailsError):
    """Nothing to tune, or nothing to tune by; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is tuned: a rule, the way of its thresholds, those that stay as they are, and which rows should make it fire."""

    rule: Rule
    way: ThresholdPath
    fixed: tuple[Threshold, ...]
    truth: Callable[[ContentRow], bool | None]
    wanted: str


def list_tunable_rules(policy: CompiledPolicy) -> dict[str, list[Threshold]]:
    """Return the rules of a policy that have a threshold between 0 and 1, with all that they have."""
    found = {rule.id: find_thresholds(rule.condition) for rule in policy.rules}
    return {name: own for name, own in found.items() if any(0 < each.value < 1 for each in own)}


def select_tuning(
    policy: CompiledPolicy,
    *,
    rule_id: str | None = None,
    category: str | None = None,
    nth: int | None = None,
    label: str | None = None,
) -> Tuning:
    """Return what is to be tuned.

    Args:
        policy: the compiled policy.
        rule_id: the rule; the only one that has a threshold (of the category) if not given.
        category: tune only thresholds of this category, or of this name as the condition has it.
        nth: tune only the threshold at this place of the condition, from 1.
        label: the label of rows that should make the rule fire; those of its categories if not given.

    Raises:
        TuneError: there is no such rule, several are meant, or it has no such threshold.
    """
    rule = _rule(policy, rule_id, category)
    found = find_thresholds(rule.condition)
    mine = choose_thresholds(found, category, nth)
    if not mine:
        listed = "; ".join(f"{at} is {each}" for at, each in enumerate(found, 1))
        raise TuneError(
            f"rule {rule.id!r} has no such number to tune; it has {listed}"
            if found
            else f"rule {rule.id!r} has no number to tune; hate >= 0.85 has one, and its condition is {rule.condition.text}"
        )
    categories = sorted(rule.condition.categories)
    return Tuning(
        rule,
        build_path(rule.condition.text, mine),
        tuple(each for each in found if each not in mine),
        (lambda row: label_truth(row.labels, label))
        if label
        else (lambda row: category_truth(row.labels, categories)),
        label or ", ".join(categories),
    )


def _rule(policy: CompiledPolicy, rule_id: str | None, category: str | None) -> Rule:
    known = {rule.id: rule for rule in policy.rules}
    if rule_id is not None:
        if rule_id not in known:
            raise TuneError(f"no rule {rule_id!r} in policy {policy.ref.name}: it has {', '.join(known)}")
        return known[rule_id]
    found = {
        name: own
        for name, own in list_tunable_rules(policy).items()
        if category is None or any(category in (each.category, each.name) for each in own)
    }
    if len(found) == 1:
        return known[next(iter(found))]
    if not found:
        of = f" for {category!r}" if category else ""
        raise TuneError(f"policy {policy.ref.name} has no rule with a number to tune{of}")
    listed = "\n".join(f"  {name}: {', '.join(map(str, own))}" for name, own in found.items())
    raise TuneError(f"say which rule is to be tuned (--rule ID):\n{listed}")
