"""Measures which parts of a policy its tests show at work.

Told of each verdict are the contents that it is of: a rule whose stages they have and that did not fire was not true there. One
verdict on several contents counts once. What a rule did because a detector failed, or because something was not judged, shows
nothing of its condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from guardrails.engine.conditions.exceptions import FindingScene, is_covered, is_expired
from guardrails.engine.core.pipeline import today
from guardrails.engine.model import Request
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.types import Content, Finding, Verdict

NEVER: Final[Mapping[str, str]] = {
    "true": "rule {} never fires: its condition is never true",
    "false": "rule {} always fires: its condition is never false",
    "found": "detector {} never finds anything",
    "used": "exception {} is never used",
}
"""What was not shown → how that is said."""


@dataclass(frozen=True, slots=True)
class CoveredPart:
    """Something that tests can show: that a rule's condition is `true` or `false`, that a detector has `found` something, or that
    an exception is `used`.
    """

    what: str
    name: str

    def __str__(self) -> str:
        return NEVER[self.what].format(self.name)


Excepting = Sequence[tuple[str, Rule]]
"""Exceptions by name, each with a rule that has it alone."""


def list_exceptions(policy: CompiledPolicy) -> Excepting:
    """Return the exceptions of a policy, with each rule that they are for."""
    return [
        (exception.id, replace(rule, exceptions=(exception,)))
        for rule in policy.rules
        for exception in rule.exceptions
    ]


def find_used_exceptions(
    excepting: Excepting, verdict: Verdict, contents: Sequence[Content], who: Mapping[str, Any]
) -> frozenset[str]:
    """Return the exceptions that took a finding of a verdict on contents away; `who` are the arguments of the check."""
    request = Request(
        user=who["user"] or {},
        tenant=who["tenant"],
        client=who["client"] or {},
        metadata=who["metadata"],
        model=who["model"],
        today=today(),
    )
    at = {content.place.path: content for content in contents}
    return frozenset(
        name
        for name, rule in excepting
        if any(_takes(rule, each, at.get(each.path), request, verdict) for each in verdict.findings)
    )


class SuiteCoverage:
    """What the tests of one policy have shown so far."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._shown: set[CoveredPart] = set()
        self._excepting = list_exceptions(policy)

    @property
    def parts(self) -> tuple[CoveredPart, ...]:
        """Everything that could be shown, in the order of the policy."""
        rules = [CoveredPart(what, rule.id) for rule in self._policy.rules for what in ("true", "false")]
        detectors = [CoveredPart("found", bound.name) for bound in self._policy.detectors]
        return (*rules, *detectors, *dict.fromkeys(CoveredPart("used", name) for name, _ in self._excepting))

    @property
    def missing(self) -> tuple[CoveredPart, ...]:
        """What was not shown."""
        return tuple(part for part in self.parts if part not in self._shown)

    @property
    def percent(self) -> float:
        """How much of everything was shown, in 0..100; 100 where there is nothing to show."""
        every = len(self.parts)
        return 100.0 if not every else 100.0 * (every - len(self.missing)) / every

    def record(self, verdict: Verdict, contents: Sequence[Content], who: Mapping[str, Any]) -> None:
        """Take note of a verdict on contents; `who` are the arguments with which they were checked."""
        fired = {rule.id: rule.reason for rule in (*verdict.rules, *verdict.shadow)}
        stages = {stage for each in contents for stage in (each.place.stage, *each.place.also)}
        undecided = () if verdict.unavailable is None else verdict.unavailable.rules
        for rule in self._policy.rules:
            if rule.id in undecided:
                continue
            if rule.id not in fired:
                if rule.on & stages:
                    self._shown.add(CoveredPart("false", rule.id))
            elif fired[rule.id] not in ("error", "unchecked"):
                self._shown.add(CoveredPart("true", rule.id))
        self._shown.update(CoveredPart("found", finding.detector) for finding in verdict.findings)
        if self._excepting:
            self._shown.update(
                CoveredPart("used", name)
                for name in find_used_exceptions(self._excepting, verdict, contents, who)
            )

    def to_dict(self) -> dict[str, object]:
        """Return the coverage as plain JSON values."""
        return {
            "percent": round(self.percent, 1),
            "missing": [{"what": part.what, "name": part.name} for part in self.missing],
        }


def _takes(rule: Rule, finding: Finding, content: Content | None, request: Request, verdict: Verdict) -> bool:
    if content is None or not rule.on.intersection((content.place.stage, *content.place.also)):
        return False
    beside = tuple(each for each in verdict.findings if each.path == finding.path)
    scene = FindingScene(content, request, beside)
    return any(not is_expired(each, request) and is_covered(each, finding, scene) for each in rule.exceptions)
