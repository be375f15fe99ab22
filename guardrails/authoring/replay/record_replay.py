"""One record under another policy: the decision, the rules that make it, and how far that is known.

What is known of each rule is put together as a check does it: the strictest action counts. The decision is known where nothing
that is open could make it stricter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from guardrails.authoring.replay.logged_detection import LoggedDetection
from guardrails.authoring.replay.rule_replay import SILENT, RuleAnswer, join_worst, make_rules
from guardrails.policy.compiled import CompiledPolicy
from guardrails.records.detection.detection_profile import describe_detection
from guardrails.types import Action, Mode

REASONS: Final[Mapping[str, str]] = {
    "older": "was written before records said what was looked for",
    "unavailable": "the check could not be done then",
    "findings": "has more findings than the record names",
    "limits": "another policy reads more or less of a content (`limits:`, `films:`)",
    "media": "has pictures, films or sounds, which other detectors look at",
    "repair": "a rule with `on_fail` mends texts, or has the model asked again",
    "detector": "a rule reads a detector that was not asked then, is another one now, or failed",
    "context": "a condition asks for what no record has, such as request.user or tool.name",
    "exception": "an exception may be for it, by its text or by who asked",
    "history": "it may be an earlier turn, which is left out in place of a block",
    "edit": "what is to be redacted may be what must not be changed",
    "count": "a rule counts what the record does not tell apart",
    "contents": "a part without findings may be there, or may not",
    "unchecked": "something else may be left unchecked",
    "beside": "its content was kept, and a detector reads what it answers to, which is not",
    "content": "its content was kept, and does not read as it did in the request that it came in",
    "unread": "is no record that this release reads",
}
"""Why it is not known what a policy would have decided → as people read it, those that concern the whole record first."""


@dataclass(frozen=True, slots=True)
class ReplayedDecision:
    """What a policy would have decided.

    Attributes:
        action: the action, None where it is not known.
        rules: the rules that fire for certain, with what each does.
        shadow: those in shadow that would have.
        undecided: rules of which it is not known whether they fire, or what they do.
        why: why the action is not known, a key of `REASONS`; "" where it is.
        unavailable: the content is blocked as a detector failed, and for nothing else.
    """

    action: Action | None
    rules: tuple[tuple[str, Action], ...] = ()
    shadow: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    why: str = ""
    unavailable: bool = False


@dataclass(slots=True)
class _Answers:
    """What is known of each rule, by its id and mode."""

    found: dict[tuple[str, Mode], RuleAnswer] = field(default_factory=dict)

    def add(self, name: str, mode: Mode, answer: RuleAnswer) -> None:
        known = self.found.get((name, mode))
        self.found[name, mode] = answer if known is None else join_worst((known, answer))

    def of(self, mode: Mode) -> Iterator[tuple[str, RuleAnswer]]:
        return ((name, answer) for (name, each), answer in self.found.items() if each is mode)


class PolicyReplay:
    """A policy, and perhaps the operator's floor under it, ready to be tried on any number of records.

    Args:
        policy: the policy.
        floor: the floor.
    """

    def __init__(self, policy: CompiledPolicy, floor: CompiledPolicy | None = None) -> None:
        self.policy, self.floor = policy, floor
        self._policies: Sequence[CompiledPolicy] = [policy] if floor is None else [policy, floor]
        self._rules = [*make_rules(self._policies)]
        self._profile = describe_detection(self._policies)
        self._joins = any(each.joins_conversation for each in self._policies)

    def decided(self, record: Mapping[str, Any]) -> bool:
        """Tell whether it was just this policy, and this floor, that decided."""
        floor = None if self.floor is None else self.floor.ref.digest
        return bool(
            record["policy"]["digest"] == self.policy.ref.digest
            and record.get("floor", {}).get("digest") == floor
        )

    def replay(self, record: Mapping[str, Any]) -> ReplayedDecision:
        """Return what the policy would have decided of what a record (`StoredRecord.to_dict`) is about."""
        why = self._find_obstacle(record)
        if why:
            return ReplayedDecision(None, why=why)
        logged = LoggedDetection(record)
        same = record["detectors"] == self._profile["detectors"]
        if logged.has_media and not same:
            return ReplayedDecision(None, why="media")
        answers = _Answers()
        for rule in self._rules:
            answers.add(rule.rule.id, rule.rule.mode, rule.answer(logged))
        for name, answer in self._judge_unchecked(logged, same=same):
            answers.add(name, Mode.ENFORCE, answer)
        return self._conclude(answers)

    def _find_obstacle(self, record: Mapping[str, Any]) -> str:
        """Return why nothing can be said of a record, "" where something can."""
        rules = chain(record.get("rules", ()), record.get("shadow", ()))
        obstacles = {
            "older": "detectors" not in record or "limits" not in record,
            "unavailable": "unavailable" in record and not record.get("errors"),
            "findings": "further_findings" in record,
            "limits": record.get("limits") != self._profile["limits"],
            "repair": any(rule.get("reason") == "repaired" for rule in rules),
        }
        return next((why for why, holds in obstacles.items() if holds), "")

    def _judge_unchecked(self, logged: LoggedDetection, *, same: bool) -> Iterator[tuple[str, RuleAnswer]]:
        """Yield what becomes of what was not judged; it may be another where other detectors are asked."""
        tables = [policy.unchecked for policy in self._policies]
        for kind in logged.unchecked:
            action = max(table.get(kind, Action.BLOCK) for table in tables)
            most = SILENT if action is Action.ALLOW else int(action)
            turns = logged.current and action is Action.BLOCK
            least = SILENT if not same else int(Action.REDACT) if turns else most
            yield (
                f"unchecked.{kind}",
                RuleAnswer(least, most, frozenset({"history" if same else "unchecked"})),
            )
        if not same and not self._knows_all(logged):
            most = int(max(max(table.values(), default=Action.BLOCK) for table in tables))
            yield "unchecked", RuleAnswer(SILENT, most, frozenset({"unchecked"}))

    def _knows_all(self, logged: LoggedDetection) -> bool:
        """Tell whether the record has what each detector found that is asked now."""
        return all(
            logged.asked(bound, stages, across=False)
            for policy in self._policies
            for stages in logged.stages
            for tier in policy.plan(stages).tiers
            for bound in tier
        )

    def _conclude(self, answers: _Answers) -> ReplayedDecision:
        enforced = [*answers.of(Mode.ENFORCE)]
        least = max((each.least for _, each in enforced), default=SILENT)
        open_ = [(name, each) for name, each in enforced if not each.is_known]
        reasons = frozenset[str]().union(*(each.why for _, each in open_ if each.most > max(least, 0)))
        removes, stops = (
            any(getattr(each, name) for _, each in enforced) for name in ("removes", "unavailable")
        )
        if removes and (stops or self._joins):
            reasons |= {"history"}  # what is left may be decided, and is read together anew
        shadow = tuple(name for name, each in answers.of(Mode.SHADOW) if each.least > SILENT)
        fired = [(name, each) for name, each in enforced if each.is_known and each.least > SILENT]
        stopped = {name for name, each in fired if each.unavailable}
        rules = tuple((name, Action(each.least)) for name, each in fired if name not in stopped)
        undecided = tuple(name for name, _ in open_)
        if reasons:
            why = next(name for name in REASONS if name in reasons)
            return ReplayedDecision(None, rules, shadow, undecided, why)
        action = Action(max(least, 0))
        violated = any(each is Action.BLOCK for _, each in rules)
        return ReplayedDecision(action, rules, shadow, undecided, "", bool(stopped) and not violated)
