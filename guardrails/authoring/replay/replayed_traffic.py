"""Records as traffic of two policies: what each decided, or would have, is counted as `guardrails diff` counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guardrails.authoring.diff.traffic.decisions import ACTIONS, Decision, DecisiveRule
from guardrails.authoring.diff.traffic.effects import ChangeEffects, TrafficExample
from guardrails.authoring.replay.content_replay import ContentReplay
from guardrails.authoring.replay.record_replay import REASONS, PolicyReplay
from guardrails.guard import Guard
from guardrails.policy.compiled import CompiledPolicy
from guardrails.records.chain import RecordsError
from guardrails.records.content import ContentReader
from guardrails.records.decision_store import DecisionStore, StoredRecord

DECISION: Final = "decision"
"""The kind of the records that are replayed."""

Watch = Callable[[ChangeEffects], None]


@dataclass(frozen=True, slots=True)
class LoggedTraffic:
    """Records, and what their store has of them besides.

    Attributes:
        store: where they are.
        contents: opens what was kept of contents; None: nobody has the key.
        place: where that is, for examples.
    """

    store: DecisionStore
    contents: ContentReader | None = None
    place: str = "log"

    def read_content(self, stored: StoredRecord) -> object:
        """Return what was judged, None where it was not kept or cannot be opened."""
        if self.contents is None:
            return None
        try:
            return self.contents.read(stored)
        except RecordsError:  # of another key, or altered, of which `guardrails log verify` tells
            return None


@dataclass(frozen=True, slots=True)
class ReplayedSide:
    """A policy of which is asked what it decides of records: from what was found then, and where that does not tell, from the
    content where that was kept.
    """

    replay: PolicyReplay
    anew: ContentReplay

    @classmethod
    def of(cls, policy: CompiledPolicy, floor: CompiledPolicy | None = None) -> ReplayedSide:
        """Return the side of a policy, under a floor."""
        return cls(PolicyReplay(policy, floor), ContentReplay(Guard(policy, floor)))

    def decide(
        self, stored: StoredRecord, record: Mapping[str, Any], traffic: LoggedTraffic
    ) -> Decision | str:
        """Return what the policy decides, or the reason why that is not known."""
        said = self.replay.replay(record)
        if said.action is None:
            kept = traffic.read_content(stored)
            return said.why if kept is None else self.anew.replay(kept, record)
        if said.unavailable:
            return "unavailable"
        rules = tuple(DecisiveRule(name, action) for name, action in said.rules)
        return Decision(said.action, rules, said.shadow)


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
    traffic: LoggedTraffic,
    watch: Watch = lambda effects: None,
) -> None:
    """Add to `effects` what a policy would have decided otherwise.

    Args:
        records: those to look at; what is no decision is left out.
        old: the policy before; None: whatever decided then. Where it was this one, what it decided is taken as it was.
        new: the policy after.
        effects: takes what comes of it.
        traffic: where the records are from.
        watch: is told how far it is.
    """
    for stored in records:
        if stored.kind != DECISION:
            continue
        case = TrafficExample(traffic.place, stored.stage or "", tenant=stored.tenant, id=stored.id)
        try:
            record = traffic.store.detections.expand(stored.to_dict())
            took = old is None or old.replay.decided(record)
            before = read_logged(record) if took or old is None else old.decide(stored, record, traffic)
            after = new.decide(stored, record, traffic)
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
