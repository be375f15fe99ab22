"""Where one compiled policy does less than another: rules that are gone, and what a rule or the policy acts on less strictly.

Compared is whether and how a rule acts, not what it acts on: conditions, thresholds, exceptions, detectors and limits are tuned
every day, and which of two is the weaker one cannot be told without traffic (`guardrails diff` judges them on traffic).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guardrails.policy.compile import UNCHECKED_PREFIX
from guardrails.policy.compiled import CompiledPolicy, OnFail, Rule
from guardrails.types import Action, Mode


@dataclass(frozen=True, slots=True)
class Weakening:
    """One way in which a policy is weaker than the one before it.

    Args:
        policy: the name of the policy before.
        subject: the id of a rule, `unchecked.<kind>`, or the name of a field of the policy.
        code: what is weaker; `rule_removed`, or `weaker_` and the name of the field.
        old: the field's value before, in words of the policy format; empty for what is gone.
        new: the field's value now, likewise.
    """

    policy: str
    subject: str
    code: str
    old: str = ""
    new: str = ""

    @property
    def label(self) -> str:
        """Where and what, without values."""
        return f"{self.policy}: {self.subject}: {self.code}"

    def __str__(self) -> str:
        return f"{self.label} ({self.old} to {self.new})" if self.old else self.label


IsWeaker = Callable[[Any, Any], bool]
"""An old and a new value of a field → whether the new one is weaker."""


def _ranks_lower(old: Action, new: Action) -> bool:
    return new < old


RULE_FIELDS: Final[Mapping[str, IsWeaker]] = {
    "on": lambda old, new: not old <= new,
    "then": _ranks_lower,
    "mode": lambda old, new: new is Mode.SHADOW,
    "on_error": _ranks_lower,
    "stream": lambda old, new: new == "annotate" != old,
    "on_fail": lambda old, new: old is None and new is not None,
}
"""Field of an enforced rule → when a change of it is weaker."""

POLICY_FIELDS: Final[Mapping[str, IsWeaker]] = {
    "history": lambda old, new: old == "block" != new,
    "parallel": lambda old, new: new and not old,
}
"""Field of a policy → likewise; with `parallel` the model sees a request before it is judged."""


def find_weakenings(old: CompiledPolicy, new: CompiledPolicy) -> Iterator[Weakening]:
    """Yield every way in which `new` is weaker than `old`, rules first, in the order of `old`.

    Rules are compared by id; those that `old` does not enforce count for nothing.
    """
    name, news = old.ref.name, {rule.id: rule for rule in new.rules}
    for rule in old.rules:
        if rule.mode is not Mode.ENFORCE:
            continue
        if rule.id in news:
            yield from _differing(name, rule.id, rule, news[rule.id], RULE_FIELDS)
        else:
            yield Weakening(name, rule.id, "rule_removed")
    for kind, action in old.unchecked.items():
        if new.unchecked[kind] < action:
            subject = UNCHECKED_PREFIX + kind
            yield Weakening(name, subject, "weaker_unchecked", str(action), str(new.unchecked[kind]))
    for field, is_weaker in POLICY_FIELDS.items():
        yield from _differing(name, field, old, new, {field: is_weaker})


def _differing(
    policy: str,
    subject: str,
    old: Rule | CompiledPolicy,
    new: Rule | CompiledPolicy,
    fields: Mapping[str, IsWeaker],
) -> Iterator[Weakening]:
    for field, is_weaker in fields.items():
        before, after = getattr(old, field), getattr(new, field)
        if is_weaker(before, after):
            yield Weakening(policy, subject, f"weaker_{field}", _in_words(before), _in_words(after))


def _in_words(value: object) -> str:
    """Return a value as a policy has it."""
    if isinstance(value, frozenset):
        return "[" + ", ".join(sorted(value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, OnFail):
        return "reask" if value.reasks else "repair"
    return "default" if value is None else str(value)
