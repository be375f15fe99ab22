"""What a change of policy does to traffic: pairs of decisions go in one by one, counts and a few examples are kept.

Memory is bounded, whatever the traffic: groups by name have a most, and so have examples. What could not be judged by both
policies is counted as such, never left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardrails.authoring.diff.traffic.decisions import Decision, DecisiveRule
from guardrails.types import Action

TURNS: Final[Mapping[str, str]] = {
    "new_block": "blocked now",
    "new_redaction": "redacted now",
    "new_allow": "stopped or redacted before, and less now",
    "flag": "flagged in one of the two only",
    "content": "redacted otherwise",
}
"""How a decision changes → in words."""

SAME: Final = "same"
BY: Final = ("label", "stage", "tenant", "lang", "route", "policies")
"""Fields of a case by which is counted as well."""

MOST_NAMES: Final = 1_000
"""Names of a group that are counted each; the others are counted together."""

OTHERS: Final = "(others)"
EXAMPLES: Final = 5
"""Examples of each turn that are kept, where not said otherwise."""


def classify_turn(old: Decision, new: Decision) -> str:
    """Return how a decision changes: one of `TURNS`, or `SAME`."""
    before, after = old.action, new.action
    if before is after:
        other = old.left is not None and new.left is not None and old.left != new.left
        return "content" if other else SAME
    if after is Action.BLOCK:
        return "new_block"
    if before >= Action.REDACT:
        return "new_allow"
    return "new_redaction" if after is Action.REDACT else "flag"


def find_causes(old: Decision, new: Decision) -> list[DecisiveRule]:
    """Return the rules by which a decision changes: those of the stricter one that do less in the other."""
    if old.action is new.action:
        ours, theirs = {each.id for each in old.rules}, {each.id for each in new.rules}
        differing = [
            each for each in (*old.rules, *new.rules) if (each.id in ours) is not (each.id in theirs)
        ]
        return differing or [each for each in new.rules if each.action is new.action]
    strict, lax = (new, old) if new.action > old.action else (old, new)
    deciding = [each for each in strict.rules if each.action is strict.action]
    return [each for each in deciding if lax.did(each.id) < each.action] or deciding


@dataclass(frozen=True, slots=True)
class TrafficExample:
    """What two policies decided of, as far as people need it to find it again; `text` is an excerpt, "" where none is shown."""

    place: str
    stage: str
    tenant: str | None = None
    lang: str | None = None
    route: str | None = None
    policies: str | None = None
    label: str | None = None
    id: str | None = None
    text: str = ""


@dataclass(slots=True)
class NamedCounts:
    """Counts by name, of at most `MOST_NAMES` names."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, name: str, what: str) -> None:
        """Count something under a name."""
        found = self.counts.get(name)
        if found is None:
            full = len(self.counts) >= MOST_NAMES
            found = self.counts.setdefault(OTHERS if full else name, Counter())
        found[what] += 1

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Return the counts as plain JSON values, those with most changes first."""
        ranked = sorted(self.counts.items(), key=lambda each: (-_changed_counts(each[1]), each[0]))
        return {name: dict(sorted(counts.items())) for name, counts in ranked}


def _changed_counts(counts: Mapping[str, int]) -> int:
    return sum(counts.get(each, 0) for each in TURNS)


@dataclass(slots=True)
class ChangeEffects:
    """What changed so far. `rows` are all that were asked for, `failed` those of them that one policy could not judge."""

    most: int = EXAMPLES
    rows: int = 0
    turns: Counter[str] = field(default_factory=Counter)
    matrix: Counter[tuple[Action, Action]] = field(default_factory=Counter)
    other_rules: int = 0
    shadow: NamedCounts = field(default_factory=NamedCounts)
    rules: NamedCounts = field(default_factory=NamedCounts)
    categories: NamedCounts = field(default_factory=NamedCounts)
    by: dict[str, NamedCounts] = field(default_factory=lambda: {name: NamedCounts() for name in BY})
    failed: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    failures: NamedCounts = field(default_factory=NamedCounts)
    degraded: int = 0
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, case: TrafficExample, old: Decision, new: Decision) -> None:
        """Count what two policies decided of one content."""
        what = classify_turn(old, new)
        self.rows += 1
        self.turns[what] += 1
        self.matrix[old.action, new.action] += 1
        for name, group in self.by.items():
            if (value := getattr(case, name)) is not None:
                group.add(value, what)
        self._count_rules(old, new)
        self.degraded += bool(old.failed or new.failed)
        for side, decided in (("old", old), ("new", new)):
            for detector in decided.failed:
                self.failures.add(detector, side)
        if what == SAME:
            self.other_rules += _ids(old) != _ids(new)
            return
        reasons = find_causes(old, new)
        for rule in dict.fromkeys(each.id for each in reasons):
            self.rules.add(rule, what)
        for category in dict.fromkeys(category for each in reasons for category in each.categories):
            self.categories.add(category, what)
        self._keep(
            what, case, {"old": str(old.action), "new": str(new.action), "rules": _rules_json(reasons)}
        )

    def _count_rules(self, old: Decision, new: Decision) -> None:
        for side, decided in (("old", old), ("new", new)):
            for rule in _ids(decided):
                self.rules.add(rule, side)
            for rule in decided.shadow:
                self.shadow.add(rule, side)

    def fail(self, case: TrafficExample, errors: Mapping[str, str], count: int = 1) -> None:
        """Count a content, or several, that could not be judged; `errors` say why, by side (`old`, `new`)."""
        self.rows += count
        self.failed += count
        for side, why in errors.items():
            self.errors[f"{side}: {why}"] += count
        self._keep("failed", case, dict(errors))

    def _keep(self, what: str, case: TrafficExample, told: Mapping[str, object]) -> None:
        kept = self.examples.setdefault(what, [])
        if len(kept) < self.most:
            at = {
                name: getattr(case, name)
                for name in ("place", "id", "stage", "tenant", "lang", "route", "text")
            }
            kept.append({**{name: value for name, value in at.items() if value}, **told})

    @property
    def changed(self) -> int:
        """Decisions that changed."""
        return _changed_counts(self.turns)

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain JSON values."""
        actions = sorted(Action)
        return {
            "rows": self.rows,
            "changed": self.changed,
            "turns": {name: self.turns[name] for name in TURNS},
            "matrix": {str(old): {str(new): self.matrix[old, new] for new in actions} for old in actions},
            "other_rules": self.other_rules,
            "shadow_rules": self.shadow.to_dict(),
            "rules": self.rules.to_dict(),
            "categories": self.categories.to_dict(),
            "by": {name: group.to_dict() for name, group in self.by.items()},
            "failed": self.failed,
            "errors": dict(self.errors.most_common()),
            "detector_failures": self.failures.to_dict(),
            "degraded": self.degraded,
            "examples": self.examples,
        }


def _ids(decided: Decision) -> dict[str, None]:
    return dict.fromkeys(sorted(each.id for each in decided.rules))


def _rules_json(rules: Iterable[DecisiveRule]) -> list[str]:
    return [*dict.fromkeys(each.id for each in rules)]
