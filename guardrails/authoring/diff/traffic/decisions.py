"""Decisions of a policy on contents, to be compared with those of another, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from guardrails.engine.model import Outcome
from guardrails.guard import Guard
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Finding, Verdict

Named = Mapping[str, frozenset[str]]
"""Id of a rule → the categories that it names."""

ACTIONS: Final[Mapping[str, Action]] = {str(action): action for action in Action}


def rule_categories(guard: Guard) -> Named:
    """Return the categories that each rule of a guard's policies names."""
    found: dict[str, frozenset[str]] = {}
    for policy in guard.pipeline.policies:
        for rule in policy.rules:
            found[rule.id] = found.get(rule.id, frozenset()) | rule.condition.categories | rule.redact
    return found


@dataclass(frozen=True, slots=True)
class DecisiveRule:
    """An enforced rule that fired: what it did, and the categories of the findings that it names."""

    id: str
    action: Action
    categories: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the rule as plain JSON values."""
        return {"id": self.id, "action": str(self.action), "categories": list(self.categories)}


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. `shadow` are rules that would have fired, `failed` detectors that did; `left` is what stays of a content
    that was redacted, None where that is not known.
    """

    action: Action
    rules: tuple[DecisiveRule, ...] = ()
    shadow: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    left: object = None

    def did(self, rule: str) -> Action:
        """Return what a rule did."""
        return max((each.action for each in self.rules if each.id == rule), default=Action.ALLOW)

    def to_dict(self) -> dict[str, object]:
        """Return the decision as plain JSON values, without any text."""
        return {
            "action": str(self.action),
            "rules": [each.to_dict() for each in self.rules],
            "shadow": list(self.shadow),
            "failed": list(self.failed),
        }


def make_decision(verdict: Verdict | Outcome, names: Named, left: object = None) -> Decision:
    """Return what a verdict, or an outcome, decides; `left` is what stays of what it redacts, where that is known."""
    return Decision(
        action=verdict.action,
        rules=tuple(
            DecisiveRule(rule.id, rule.action, _categories(verdict.findings, names.get(rule.id, frozenset())))
            for rule in verdict.rules
        ),
        shadow=tuple(dict.fromkeys(rule.id for rule in verdict.shadow)),
        failed=tuple(dict.fromkeys(error.detector for error in verdict.errors)),
        left=left if verdict.action is Action.REDACT else None,
    )


def _categories(findings: Sequence[Finding], wanted: frozenset[str]) -> tuple[str, ...]:
    if not wanted:
        return ()
    found = dict.fromkeys(finding.category for finding in findings)
    return tuple(category for category in found if not wanted.isdisjoint(with_ancestors(category)))


def read_decision(data: Any) -> Decision:
    """Return the decision that JSON values are; raises `ValueError`, `TypeError` or `KeyError` where they are none."""
    return Decision(
        action=ACTIONS[data["action"]],
        rules=tuple(
            DecisiveRule(
                str(each["id"]), ACTIONS[each["action"]], tuple(map(str, each.get("categories", ())))
            )
            for each in data["rules"]
        ),
        shadow=tuple(map(str, data.get("shadow", ()))),
        failed=tuple(map(str, data.get("failed", ()))),
    )
