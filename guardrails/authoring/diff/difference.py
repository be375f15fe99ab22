"""The whole answer to "what does this change of a policy do?": what differs, what it asks of the version, what it does to
traffic, and whether the gates let it pass.

    old, new = Version.load("policy.yaml"), Version.load("next.yaml")
    found = compare_policies(old, new)
    compare(*guards(old, new), rows.read("traffic.jsonl"), found.effects)
    found.judge({"max_new_blocks": limit("0.1%")})
    found.passed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guardrails.authoring.diff.change import PolicyChange, PolicyVersion
from guardrails.authoring.diff.changes import find_changes, highest_level
from guardrails.authoring.diff.gates import GateLimit, GateResult, evaluate_gates
from guardrails.authoring.diff.levels import Level, VersionAdvice, advise_version
from guardrails.authoring.diff.traffic.effects import ChangeEffects
from guardrails.types import PolicyRef


@dataclass(slots=True)
class PolicyDiff:
    """Two policies, by reference; `changes` and `advice` are there where both were loaded, `traffic` names what was judged.

    `stopped`: somebody ended it before all traffic was judged, and nothing passes. `strict`: what a sample cannot show fails,
    as does a detector that failed. `check_version`: so does a version that says less than the change.
    """

    old: PolicyRef | None
    new: PolicyRef | None
    changes: Sequence[PolicyChange] = ()
    advice: VersionAdvice | None = None
    traffic: str = ""
    effects: ChangeEffects = field(default_factory=ChangeEffects)
    gates: Sequence[GateResult] = ()
    warnings: list[str] = field(default_factory=list)
    stopped: bool = False
    strict: bool = False
    check_version: bool = False

    def judge(self, limits: Mapping[str, GateLimit]) -> None:
        """Hold the effects against limits, once all traffic was judged."""
        self.gates = evaluate_gates(limits, self.effects)
        effects = self.effects
        if effects.failed:
            self.warnings.append(
                f"{effects.failed:,} of {effects.rows:,} rows could not be judged by both policies: each counts as all of that"
            )
        if effects.degraded:
            self.warnings.append(
                f"in {effects.degraded:,} of {effects.rows:,} rows a detector failed, and its rules did what `on_error` says"
            )
        self.warnings += [each.reason for each in self.gates if each.thin]
        stricter = effects.turns["new_block"] + effects.turns["new_redaction"]
        if stricter and self.advice is not None and self.advice.level < Level.MAJOR:
            self.warnings.append(
                f"by what is written the change is {self.advice.level}, by what it does major: {stricter:,} decisions stricter"
            )

    @property
    def reasons(self) -> list[str]:
        """Why the change does not pass; none where it does."""
        reasons = [each.reason for each in self.gates if each.exceeded]
        if self.check_version and self.advice is not None and self.advice.problem is not None:
            reasons.append(f"version: {self.advice.problem}")
        if self.stopped:
            reasons.append(f"it was stopped after {self.effects.rows:,} rows")
        return reasons + (self.warnings if self.strict else [])

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the change, of what was asked."""
        return not self.reasons

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain JSON values."""
        return {
            "old": None if self.old is None else self.old.to_dict(),
            "new": None if self.new is None else self.new.to_dict(),
            "passed": self.passed,
            "stopped": self.stopped,
            "reasons": self.reasons,
            "warnings": self.warnings,
            "advice": None if self.advice is None else self.advice.to_dict(),
            "changes": [change.to_dict() for change in self.changes],
            "traffic": self.traffic or None,
            "effects": self.effects.to_dict() if self.effects.rows else None,
            "gates": [each.to_dict() for each in self.gates],
        }


def compare_policies(old: PolicyVersion, new: PolicyVersion) -> PolicyDiff:
    """Return what differs between two versions, before any traffic was judged."""
    found = find_changes(old, new)
    told = advise_version(highest_level(found), old.policy.version, new.policy.version)
    return PolicyDiff(old.compiled.ref, new.compiled.ref, found, told)
