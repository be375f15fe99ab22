"""Judges labelled rows by a rule at each step of its thresholds.

Each row is judged once, by all detectors. Along the way a rule fires up to some step and no further, as each step is at least as
strict as the one before; which step that is, is found by asking the rule itself, with the condition as it would be written there:
so exceptions, context, scope and what a rule redacts count as they do in a check.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from guardrails.authoring.parallel import map_ordered, push_bounded
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.tune.thresholds import ThresholdPath
from guardrails.engine.conditions.bindings import stages_of
from guardrails.engine.core.observers import CheckRecord, Observer, observe_checks
from guardrails.engine.core.rule_evaluation import Evaluation
from guardrails.errors import GuardUnavailable, RequestError
from guardrails.guard import Guard
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.policy.condition import compile_condition
from guardrails.policy.names import ConditionNames
from guardrails.types import Action, Finding

NEVER: Final = -1
"""The step of a row for which a rule does not fire, however lax."""

PATIENCE_MS: Final = 600_000
"""What a row may take: what a rule finds must not depend on how busy the machine is."""

EXCERPT: Final = 300
"""Characters of a content that are kept to be shown."""

REASONS: Final = 5
"""Rows that cannot be judged for which it is told why."""

LEFT_OUT: Final = {
    "label": "without a label that says anything about the rule",
    "stage": "at a stage that the rule does not judge",
    "failed": "for which a detector failed",
    "unread": "that cannot be judged",
}
"""Why a row does not count → as people read it."""


@dataclass(frozen=True, slots=True, order=True)
class TuningExample:
    """A row to look at: the step up to which the rule fires, its highest score, its place, and how it begins."""

    step: int
    score: float
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class RowScore:
    """What came of one row: why it does not count; or the last step at which the rule fires, the highest score that is compared,
    and the actions of the policy as it is and without the rule.
    """

    reason: str = ""
    why: str = ""
    step: int = NEVER
    score: float = 0.0
    actions: tuple[Action, Action] = (Action.ALLOW, Action.ALLOW)
    unchecked: bool = False


@dataclass(slots=True)
class ScoredRows:
    """What became of the rows. For each that counts: its label (`truth`, 1 or 0), the last `step` at which the rule fires, its
    `part` (a number that equal contents share), and its language and source by index into `langs` and `sources`. `moves` counts
    what the whole policy would do with a row, by label: (truth, step, action now, action without the rule).

    `left_out` counts rows that do not count, by reason (`LEFT_OUT`), `unknown` the labels of those without a usable one;
    `false` and `missed` are the benign rows that fire furthest, and the others that fire least.
    """

    way: ThresholdPath
    keep: int
    truth: array[int] = field(default_factory=lambda: array("b"))
    step: array[int] = field(default_factory=lambda: array("i"))
    part: array[int] = field(default_factory=lambda: array("Q"))
    lang: array[int] = field(default_factory=lambda: array("i"))
    source: array[int] = field(default_factory=lambda: array("i"))
    langs: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    moves: Counter[tuple[bool, int, Action, Action]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    unchecked: int = 0
    false: list[TuningExample] = field(default_factory=list)
    missed: list[tuple[int, TuningExample]] = field(default_factory=list)

    def add(self, row: ContentRow, truth: bool, said: RowScore) -> None:
        """Take a row that counts."""
        step = said.step
        digest = hashlib.blake2b(row.text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.truth.append(truth)
        self.step.append(step)
        self.part.append(int.from_bytes(digest, "big"))
        lang, source = row.lang or "", row.source or ""
        self.lang.append(self.langs.setdefault(lang, len(self.langs)))
        self.source.append(self.sources.setdefault(source, len(self.sources)))
        self.moves[truth, step, *said.actions] += 1
        example = TuningExample(step, said.score, row.place, row.text[:EXCERPT])
        if truth:
            push_bounded(self.missed, (-step, example), self.keep)
        else:
            push_bounded(self.false, example, self.keep)

    def leave(self, row: ContentRow, reason: str, why: str = "") -> None:
        """Count a row that does not count."""
        self.left_out[reason] += 1
        if reason == "label":
            self.unknown.update(row.labels.keys())
        if why and len(self.reasons) < REASONS:
            self.reasons.append(f"{row.place}: {why}")


class RuleSteps:
    """A rule at each step of a way, as a policy that has no other; made when it is first asked for. Shared by threads."""

    def __init__(self, policy: CompiledPolicy, rule: Rule, way: ThresholdPath) -> None:
        self._policy, self._rule, self._way = policy, rule, way
        self._names = ConditionNames({bound.name: bound.categories for bound in policy.detectors})
        self._made: dict[int, CompiledPolicy] = {}

    def policy_at(self, step: int) -> CompiledPolicy:
        """Return the policy with the rule as it is at a step."""
        made = self._made.get(step)
        if made is None:
            condition = compile_condition(self._way.text_at(step), self._names, self._rule.scope)
            alone = replace(self._rule, condition=condition)
            made = self._made[step] = replace(self._policy, rules=(alone,), _plans={})
        return made


class RuleProber(Observer):
    """Looks on while one row is judged, and asks the rule along the way. `step` is the last at which it fires, None where a
    detector failed that could have made it fire; `score` is the highest that its thresholds look at.
    """

    wants_checks: ClassVar[bool] = True

    def __init__(self, rules: RuleSteps, way: ThresholdPath) -> None:
        self._rules, self._way = rules, way
        self.asked = False
        self.step: int | None = NEVER
        self.score = 0.0

    def on_check(self, check: CheckRecord) -> None:
        """Ask at the steps where the answer may change; the first time, when nothing was left out yet."""
        if self.asked:
            return
        self.asked = True
        evaluation = check.evaluations[0]
        findings: list[Finding] = [finding for item in evaluation.items for finding in item.findings]
        self.score = max((each.score for each in findings if self._way.counts(each)), default=0.0)
        steps = self._way.reached_steps(findings)
        last = len(self._way.steps) - 1
        if not steps or steps[-1] != last:
            steps.append(last)  # fires whatever the numbers are, as by another part of the condition
        low, high = -1, len(steps) - 1  # fires at steps[low], if any; not at those above `high`
        while low < high:
            middle = (low + high + 1) // 2
            fires = self._fires(evaluation, steps[middle])
            if fires is None:
                self.step = None
                return
            low, high = (middle, high) if fires else (low, middle - 1)
        self.step = NEVER if low < 0 else steps[low]

    def _fires(self, evaluation: Evaluation, step: int) -> bool | None:
        policy = self._rules.policy_at(step)
        items = [
            replace(item, plan=policy.plan(stages_of(item.content), across=item.across))
            for item in evaluation.items
        ]
        fired = Evaluation(policy, items, evaluation.request, evaluation.rereads).run()
        if any(each.reason != "error" for each in fired):
            return True
        return None if fired else False


def lift_deadline(policy: CompiledPolicy) -> CompiledPolicy:
    """Return a policy that gives its detectors all the time that they take."""
    limits = policy.limits.model_copy(update={"deadline_ms": PATIENCE_MS})
    return replace(policy, limits=limits, _plans={})


def score_rows(
    guard: Guard,
    rule: Rule,
    way: ThresholdPath,
    rows: Iterable[ContentRow],
    truth: Callable[[ContentRow], bool | None],
    *,
    threads: int = 1,
    keep: int = 5,
    told: Callable[[int], None] | None = None,
) -> ScoredRows:
    """Judge rows and return what a rule does with them along a way.

    Args:
        guard: the policy; no floor is asked.
        rule: the rule, one of the policy's.
        way: the way of its thresholds.
        rows: what to judge; those whose label says nothing about the rule, or that stand at other stages, are only counted.
        truth: what the labels of a row say: the rule should fire, should not, or None where that is open.
        threads: how many rows are judged at a time.
        keep: how many examples of each kind are kept.
        told: is told how many rows are done.
    """
    own = Guard(lift_deadline(guard.policy))
    rules = RuleSteps(own.policy, rule, way)
    at = frozenset(stage.value for stage in rule.on)
    out = ScoredRows(way, keep)

    def work(row: ContentRow) -> RowScore:
        if truth(row) is None:
            return RowScore("label")
        if row.stands_alone and row.stage not in at:
            return RowScore("stage")
        return _probe_row(own, rules, way, rule, row)

    for count, (row, said) in enumerate(map_ordered(rows, work, threads), 1):
        out.unchecked += said.unchecked
        if said.reason:
            out.leave(row, said.reason, said.why)
        else:
            out.add(row, bool(truth(row)), said)
        if told is not None:
            told(count)
    return out


def _probe_row(guard: Guard, rules: RuleSteps, way: ThresholdPath, rule: Rule, row: ContentRow) -> RowScore:
    prober = RuleProber(rules, way)
    try:
        with observe_checks(prober):
            verdict = row.judge(guard)
    except (RequestError, GuardUnavailable, TypeError) as error:
        return RowScore("unread", str(error))
    unchecked = bool(verdict.coverage.unchecked)
    if prober.step is None:
        why = next((f"{each.detector}: {each.error}" for each in verdict.errors), "its result is unknown")
        return RowScore("failed", why, unchecked=unchecked)
    without = max((each.action for each in verdict.rules if each.id != rule.id), default=Action.ALLOW)
    return RowScore(
        step=prober.step, score=prober.score, actions=(verdict.action, without), unchecked=unchecked
    )
