"""Measures a policy on labelled rows: figures of its decision, its rules and its categories.

    tally = EvaluationTally(guard.policy)
    for row, verdict in judge_rows(guard, read_rows("labelled.jsonl")):
        tally.add(row, verdict)
    result = tally.result()
    result.decision.counts.fpr, result.categories["hate"].auprc

Three things are measured. The decision: is what is harmful stopped, and what is harmless not? Each rule: does it fire for rows
that are of one of its categories? Each category that rows are labelled with: is its score high for those, whatever the rules make
of it? A row counts for each of these for which its labels say anything. What could not be judged is counted, and so is what was
judged although a detector failed: the decision on that counts as it was.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.evaluate.measurements import (
    PERCENTILES,
    EvaluationExample,
    LabelledScores,
    Measurement,
    PolicyEvaluation,
    Truth,
)
from guardrails.authoring.evaluate.metrics import ConfusionCounts, percentile
from guardrails.authoring.labels.label_truth import category_truth, is_harmful, read_known_categories
from guardrails.authoring.parallel import map_ordered, push_bounded
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.tune.scored_rows import EXCERPT, REASONS
from guardrails.authoring.tune.thresholds import Threshold, find_thresholds
from guardrails.errors import GuardUnavailable, RequestError, describe_unavailable
from guardrails.guard import Guard
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.policy.names import ConditionNames
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Finding, Stage, Verdict

BY: Final = ("lang", "source", "stage")
"""What rows can be grouped by."""

HALF: Final = 0.5
"""The score from which on a category is found that no rule compares with anything."""

FIRST: Final = "The first check of all takes longer than those that come after it."
"""What is judged before the rows."""


class EvaluationTally:
    """Counts verdicts, one row after another; what it keeps of a row is some numbers, but for the worst `keep` of each kind.

    Args:
        policy: the compiled policy.
        by: what rows are grouped by, one of `BY`, or None.
        stopped: the action from which on a row counts as stopped.
        keep: how many examples of each kind are kept.
        floor: the operator's floor under which rows are judged, for the record.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        *,
        by: str | None = None,
        stopped: Action = Action.BLOCK,
        keep: int = 5,
        floor: CompiledPolicy | None = None,
    ) -> None:
        self._floor = None if floor is None else floor.ref.to_dict()
        self._policy, self._by, self._stopped, self._keep = policy, by, stopped, keep
        self._given = ConditionNames({bound.name: bound.categories for bound in policy.detectors}).categories
        numbers = [each for rule in policy.rules for each in find_thresholds(rule.condition)]
        self._at = {
            name: [each for each in numbers if each.category in with_ancestors(name)] for name in self._given
        }
        self._looked: dict[str, frozenset[str]] = {}
        self._labelled: set[str] = set()
        self._decision = LabelledScores()
        self._rules = {rule.id: LabelledScores() for rule in policy.rules}
        self._categories = {category: LabelledScores() for category in sorted(self._given)}
        self._known: dict[tuple[tuple[str, bool], ...], _RowLabels] = {}
        self._actions: Counter[tuple[Truth, Action]] = Counter()
        self._groups: dict[str, ConfusionCounts] = {}
        self._latency: dict[str, array[float]] = {}
        self._errors: Counter[str] = Counter()
        self._unchecked: Counter[str] = Counter()
        self._reasons: list[str] = []
        self._false: list[EvaluationExample] = []
        self._missed: list[tuple[float, EvaluationExample]] = []
        self.rows = 0
        self.unread = 0

    def fail(self, row: ContentRow, reason: str) -> None:
        """Count a row that could not be judged at all."""
        self.rows += 1
        self.unread += 1
        if len(self._reasons) < REASONS:
            self._reasons.append(f"{row.place}: {reason}")

    def add(self, row: ContentRow, verdict: Verdict) -> None:
        """Count a row and the verdict on it; what could not be judged says nothing of the policy."""
        self._errors.update({error.detector: 1 for error in verdict.errors})
        if verdict.unavailable is not None:
            self.fail(row, describe_unavailable(verdict))
            return
        self.rows += 1
        said = self._read_labels(row)
        self._labelled |= said.labelled
        best = _best(verdict.findings)
        fired = {rule.id for rule in (*verdict.rules, *verdict.shadow)}
        looked = self._check_wanted(row)
        for category, is_it in said.categories:
            if category not in looked:
                continue
            found = _is_found(self._at[category], category, verdict.findings)
            self._categories[category].add(is_it, best.get(category, 0.0), found)
        for rule, is_it in said.rules:
            if not row.stands_alone or (row.stage in rule.on and rule.scope != "conversation"):
                score = _score(rule, best, verdict.findings)
                self._rules[rule.id].add(is_it, score, rule.id in fired)
        self._count_decision(row, verdict, said.harmful, max(best.values(), default=0.0))
        for name, took in verdict.timings_ms.items():
            self._latency.setdefault(name, array("d")).append(took)
        self._unchecked.update({entry.kind: 1 for entry in verdict.coverage.unchecked})

    def _check_wanted(self, row: ContentRow) -> frozenset[str]:
        """Return the categories that detectors look for where a row stands: those that no rule there asks for are not known."""
        if not row.stands_alone:
            return self._given
        if row.stage not in self._looked:
            bounds = [each for tier in self._policy.plan((Stage(row.stage),)).tiers for each in tier]
            self._looked[row.stage] = ConditionNames(
                {bound.name: bound.categories for bound in bounds}
            ).categories
        return self._looked[row.stage]

    def _read_labels(self, row: ContentRow) -> _RowLabels:
        """Return what labels say; most rows share theirs with many."""
        key = tuple(sorted(row.labels.items()))
        if key not in self._known:
            categories = ((each, category_truth(row.labels, (each,))) for each in self._categories)
            rules = (
                (rule, category_truth(row.labels, rule.condition.categories)) for rule in self._policy.rules
            )
            self._known[key] = _RowLabels(
                frozenset(read_known_categories(row.labels)),
                tuple((name, is_it) for name, is_it in categories if is_it is not None),
                tuple(
                    (rule, is_it) for rule, is_it in rules if is_it is not None and rule.condition.categories
                ),
                is_harmful(row.labels),
            )
        return self._known[key]

    def _count_decision(self, row: ContentRow, verdict: Verdict, harmful_: Truth, score: float) -> None:
        stopped = verdict.action >= self._stopped
        self._actions[harmful_, verdict.action] += 1
        if harmful_ is None:
            return
        self._decision.add(harmful_, score, stopped)
        if self._by is not None:
            name = str(getattr(row, self._by) or "not known")
            self._groups[name] = self._groups.get(name, ConfusionCounts()).add(harmful_, stopped)
        if harmful_ is stopped:
            return
        rules = tuple(rule.id for rule in verdict.rules)
        case = EvaluationExample(score, row.place, rules, row.text[:EXCERPT])
        if harmful_:
            push_bounded(self._missed, (-score, case), self._keep)
        else:
            push_bounded(self._false, case, self._keep)

    def result(self) -> PolicyEvaluation:
        """Return the figures of all that was counted."""
        ref = self._policy.ref
        return PolicyEvaluation(
            policy=ref.to_dict(),
            floor=self._floor,
            rows=self.rows,
            decision=Measurement(self._decision.counts()),
            stopped=self._stopped,
            rules={
                name: scores.measure(calibrated=False) for name, scores in self._rules.items() if scores.truth
            },
            categories={
                name: scores.measure(
                    calibrated=True, at=tuple(sorted({each.value for each in self._at[name]})) or (HALF,)
                )
                for name, scores in self._categories.items()
                if scores.truth and name in self._labelled
            },
            actions=self._actions,
            groups=dict(sorted(self._groups.items())),
            latency={
                name: tuple(percentile(own, share) or 0.0 for share in PERCENTILES)
                for name, own in sorted(
                    self._latency.items(), key=lambda entry: (entry[0] != "total", entry[0])
                )
            },
            errors=dict(self._errors),
            unchecked=dict(self._unchecked),
            unread=self.unread,
            unmeasured=tuple(sorted(self._labelled - self._given)),
            reasons=tuple(self._reasons),
            false=tuple(sorted(self._false, reverse=True)),
            missed=tuple(case for _, case in sorted(self._missed, reverse=True)),
            unlabelled=tuple(name for name, scores in self._rules.items() if not scores.truth),
        )


@dataclass(frozen=True, slots=True)
class _RowLabels:
    """What the labels of a row say: the categories that they name, and what it is of and is not of."""

    labelled: frozenset[str]
    categories: tuple[tuple[str, bool], ...]
    rules: tuple[tuple[Rule, bool], ...]
    harmful: Truth


def _is_found(numbers: Iterable[Threshold], category: str, findings: Iterable[Finding]) -> bool:
    """Tell whether a finding of a category reaches a number that a rule compares it with, or `HALF` where none does."""
    own = [each for each in findings if category in with_ancestors(each.category)]
    numbers = [*numbers]
    if not numbers:
        return any(each.score >= HALF for each in own)
    return any(number.counts(each) and number.is_reached(each.score) for each in own for number in numbers)


def _best(findings: Iterable[Finding]) -> dict[str, float]:
    """Return the highest score of each category, those above included."""
    best: dict[str, float] = {}
    for finding in findings:
        for name in with_ancestors(finding.category):
            best[name] = max(best.get(name, 0.0), finding.score)
    return best


def _score(rule: Rule, best: Mapping[str, float], findings: Iterable[Finding]) -> float:
    """Return the highest score of those that a rule's condition reads."""
    condition = rule.condition
    own = [best.get(name, 0.0) for name in condition.scores]
    own += [best.get(category, 0.0) for _, category in condition.counts]
    own += [
        finding.score
        for finding in findings
        for _, detector, category in condition.detectors
        if detector == finding.detector and category in with_ancestors(finding.category)
    ]
    return max(own, default=0.0)


def judge_rows(
    guard: Guard, rows: Iterable[ContentRow], threads: int = 1
) -> Iterator[tuple[ContentRow, Verdict | str]]:
    """Yield each row with the verdict on it, by all detectors, or with the reason why it cannot be judged.

    A text is judged before all of them, so that what is loaded by the first check does not count as its time.
    """
    for stage in (Stage.INPUT, Stage.OUTPUT):
        guard.check(FIRST, stage, complete=True)

    def work(row: ContentRow) -> Verdict | str:
        try:
            return row.judge(guard)
        except (RequestError, GuardUnavailable, TypeError) as error:
            return str(error)

    yield from map_ordered(rows, work, threads)
