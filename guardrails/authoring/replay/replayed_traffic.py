"""Records as traffic of two policies: what each decided, or would have, is counted as `guardrails diff` counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guardrails.authoring.diff.traffic.decisions import ACTIONS, Decision, DecisiveRule, make_decision
from guardrails.authoring.diff.traffic.effects import ChangeEffects, TrafficExample
from guardrails.authoring.replay.record_replay import REASONS, PolicyReplay
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy.compiled import CompiledPolicy
from guardrails.records.decision_store import StoredRecord
from guardrails.types import Stage

KeptContent = Callable[[StoredRecord], object | None]
"""Returns the content of a record, where it was kept, as JSON values that `Guard.check` takes."""

DECISION: Final = "decision"
"""The kind of the records that are replayed."""

Watch = Callable[[ChangeEffects], None]


def forget_content(record: StoredRecord) -> None:
    """Return no content: none was kept."""


@dataclass(frozen=True, slots=True)
class ReplayedSide:
    """A policy of which is asked what it decides of records: from what was found, anew where the content was kept."""

    replay: PolicyReplay
    guard: Guard

    @classmethod
    def of(cls, policy: CompiledPolicy, floor: CompiledPolicy | None = None) -> ReplayedSide:
        """Return the side of a policy, under a floor."""
        return cls(PolicyReplay(policy, floor), Guard(policy, floor))

    def decide(self, stored: StoredRecord, record: Mapping[str, Any], content: KeptContent) -> Decision | str:
        """Return what the policy decides, or the reason why that is not known."""
        kept = content(stored)
        if kept is not None:
            return self._judge(kept, record)
        said = self.replay.replay(record)
        if said.action is None:
            return said.why
        if said.unavailable:
            return "unavailable"
        rules = tuple(DecisiveRule(name, action) for name, action in said.rules)
        return Decision(said.action, rules, said.shadow)

    def _judge(self, kept: object, record: Mapping[str, Any]) -> Decision | str:
        try:
            verdict = self.guard.check(
                kept,
                Stage(record["stage"]).value,
                complete=True,
                tenant=record.get("tenant"),
                model=record.get("model"),
            )
        except (GuardrailsError, TypeError, ValueError):
            return "content"
        return "unavailable" if verdict.unavailable is not None else make_decision(verdict, {})


def read_logged(record: Mapping[str, Any]) -> Decision | str:
    """Return what a record says was decided, or why that is none."""
    if "unavailable" in record:
        return "unavailable"
    return Decision(
        ACTIONS[record["action"]],
        tuple(DecisiveRule(each["id"], ACTIONS[each["action"]]) for each in record.get("rules", ())),
        tuple(each["id"] for each in record.get("shadow", ())),
        tuple(dict.fromkeys(each["detector"] for each in record.get("errors", ()))),
    )


def compare_records(
    records: Iterable[StoredRecord],
    old: ReplayedSide | None,
    new: ReplayedSide,
    effects: ChangeEffects,
    *,
    content: KeptContent = forget_content,
    place: str = "log",
    watch: Watch = lambda effects: None,
) -> None:
    """Add to `effects` what a policy would have decided otherwise.

    Args:
        records: those to look at; what is no decision is left out.
        old: the policy before; None: whatever decided then. Where it was this one, what it decided is taken as it was.
        new: the policy after.
        effects: takes what comes of it.
        content: gives what was kept of a record, which is judged anew.
        place: where the records are, for examples.
        watch: is told how far it is.
    """
    for stored in records:
        if stored.kind != DECISION:
            continue
        case = TrafficExample(place, stored.stage or "", tenant=stored.tenant, id=stored.id)
        try:
            record = stored.to_dict()
            took = old is None or old.replay.decided(record)
            before = read_logged(record) if took or old is None else old.decide(stored, record, content)
            after = new.decide(stored, record, content)
        except (KeyError, TypeError, ValueError, AttributeError):  # of somebody else's writing
            before = after = "unread"
        errors = {
            side: REASONS[said] for side, said in (("old", before), ("new", after)) if isinstance(said, str)
        }
        if isinstance(before, Decision) and isinstance(after, Decision):
            effects.add(case, before, after)
        else:
            effects.fail(case, errors)
        watch(effects)
