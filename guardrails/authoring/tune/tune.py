"""Tunes the thresholds of a rule on labelled rows: the numbers to write, and what they will do.

    tuning = begin(guard.policy, rule_id="hate.block")
    rows = scored(guard, tuning.rule, tuning.way, read("labelled.jsonl"), tuning.truth)
    result = tune_rule(tuning, rows, parse_target("fpr <= 1%"))
    result.condition, result.met, result.heldout.fpr

Figures of a number on the rows that it was chosen by flatter it. So it is also chosen on four fifths of the rows and held against
the last one, in turn for each fifth (equal contents stay together); those are the figures to expect, and each has its interval.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardrails.authoring.evaluate.metrics import ConfusionCounts, auprc
from guardrails.authoring.tune.scored_rows import LEFT_OUT, ScoredRows, TuningExample
from guardrails.authoring.tune.thresholds import Threshold, ThresholdPath
from guardrails.authoring.tune.tuning_selection import TuneError, Tuning
from guardrails.authoring.tune.tuning_target import StepCurve, TuningTarget, build_curve, choose_step
from guardrails.policy.compiled import Rule
from guardrails.types import Action, Mode, Stage

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[Any]]

KINDS: Final = {"fpr": "harmless rows", "recall": "harmful rows", "precision": "rows that it fires for"}
"""Figure → the rows that it is a share of."""

OTHERS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Numbers beside the chosen one that are told what they would do."""

MANY: Final = 10
"""So many times the rows that there are, nobody labels."""

PARTS: Final = 5
"""Parts of the rows, each of which is held out once."""


@dataclass(frozen=True, slots=True)
class TunedGroup:
    """Rows of one language or source, and what the numbers do with them now and as chosen."""

    by: str
    name: str
    now: ConfusionCounts
    chosen: ConfusionCounts


@dataclass(frozen=True, slots=True)
class TuningResult:
    """What came of it. `step` is the one that was chosen, which meets the target on the rows if `met`; `now` and `chosen` are the
    counts of all rows, `heldout` those of rows that the number was not chosen by (None where there are too few).
    """

    tuning: Tuning
    target: TuningTarget
    rows: ScoredRows
    curve: StepCurve
    step: int
    met: bool
    now: ConfusionCounts
    chosen: ConfusionCounts
    heldout: ConfusionCounts | None
    parts: int
    auprc: float | None
    groups: tuple[TunedGroup, ...]
    moves: tuple[tuple[Action, Action, int], ...]
    notes: tuple[str, ...]

    @property
    def condition(self) -> str:
        """The condition with the chosen numbers."""
        return self.tuning.way.text_at(self.step)

    @property
    def changed(self) -> bool:
        """Whether a number is to change."""
        return self.step != self.tuning.way.now

    @property
    def numbers(self) -> tuple[tuple[Threshold, float], ...]:
        """Each threshold with the number that was chosen for it."""
        way_ = self.tuning.way
        return tuple(zip(way_.thresholds, way_.steps[self.step], strict=True))

    @property
    def false(self) -> list[TuningExample]:
        """The worst false alarms: harmless rows for which the rule fires, those first that fire furthest."""
        return [each for each in sorted(self.rows.false, reverse=True) if each.step >= self.step]

    @property
    def missed(self) -> list[TuningExample]:
        """The worst misses: harmful rows for which the rule does not fire, those first that are farthest from it."""
        return [each for _, each in sorted(self.rows.missed, reverse=True) if each.step < self.step]

    @property
    def others(self) -> list[tuple[int, ConfusionCounts]]:
        """Some steps along the way, the chosen one and the one now among them, and the counts at each."""
        axis = self.tuning.way.axis
        steps = {max(0, bisect_right(axis, value) - 1) for value in OTHERS} | {self.step, self.tuning.way.now}
        return [(step, self.curve.counts_at(step)) for step in sorted(steps)]

    def score(self, step: int) -> float:
        """Return up to which number a rule fires that fires up to a step; 0 where it never does."""
        return 0.0 if step < 0 else self.tuning.way.axis[step]

    def to_dict(self, *, texts: bool = True) -> dict[str, object]:
        """Return all of it as plain JSON values; `texts` of examples too."""
        way_ = self.tuning.way
        numbers = [
            {"name": each.name, "from": way_.text[each.start : each.end], "now": each.value, "chosen": value}
            for each, value in self.numbers
        ]
        return {
            "rule": self.tuning.rule.id,
            "target": str(self.target),
            "met": self.met,
            "changed": self.changed,
            "condition": {"now": way_.text, "chosen": self.condition},
            "numbers": numbers,
            "rows": {
                "positive": self.curve.positive,
                "negative": self.curve.negative,
                "left_out": {name: self.rows.left_out[name] for name in LEFT_OUT},
                "unchecked": self.rows.unchecked,
            },
            "now": self.now.to_dict(),
            "chosen": self.chosen.to_dict(),
            "heldout": None if self.heldout is None else {"parts": self.parts, **self.heldout.to_dict()},
            "others": [
                {"numbers": list(way_.steps[step]), **counts.to_dict()} for step, counts in self.others
            ],
            "auprc": None if self.auprc is None else round(self.auprc, 6),
            "groups": [
                {"by": each.by, "name": each.name, "now": each.now.to_dict(), "chosen": each.chosen.to_dict()}
                for each in self.groups
            ],
            "policy": [{"from": str(a), "to": str(b), "rows": count} for a, b, count in self.moves],
            "examples": {
                "false_positives": [self._example(each, texts) for each in self.false],
                "false_negatives": [self._example(each, texts) for each in self.missed],
            },
            "notes": list(self.notes),
        }

    def _example(self, example: TuningExample, texts: bool) -> dict[str, object]:
        told: dict[str, object] = {"place": example.place, "score": round(example.score, 6)}
        return told | ({"text": example.text} if texts else {})


def tune_rule(tuning: Tuning, rows: ScoredRows, target: TuningTarget) -> TuningResult:
    """Choose the step that meets the target best on rows, and tell what it will do.

    Raises:
        TuneError: there are no rows of a kind that the target speaks of.
    """
    import numpy as np

    truth_, step = np.array(rows.truth, dtype=int), np.array(rows.step, dtype=int)
    steps = len(tuning.way.steps)
    all_rows = build_curve(truth_, step, steps)
    _enough(tuning, rows, all_rows)
    choice = choose_step(target, all_rows, tuning.way)
    parts = assign_parts(np.array(rows.part, dtype=np.uint64), truth_)
    heldout = _heldout(target, tuning.way, truth_, step, parts)
    result = TuningResult(
        tuning,
        target,
        rows,
        all_rows,
        choice.step,
        choice.met,
        all_rows.counts_at(tuning.way.now),
        all_rows.counts_at(choice.step),
        heldout,
        0 if parts is None else int(parts.max()) + 1,
        auprc(truth_, step.astype(float)),
        tuple(_groups(rows, truth_, step, tuning.way.now, choice.step)),
        tuple(_moves(rows, tuning.rule, tuning.way.now, choice.step)),
        (),
    )
    return _with_notes(result)


def _enough(tuning: Tuning, rows: ScoredRows, all_rows: StepCurve) -> None:
    if all_rows.positive and all_rows.negative:
        return
    lacks = f"that rule {tuning.rule.id!r} should fire for ({tuning.wanted})"
    if all_rows.positive:
        lacks = f"that it should not fire for (benign, or 0 for each of: {tuning.wanted})"
    left = "; ".join(f"{count:,} {LEFT_OUT[reason]}" for reason, count in rows.left_out.most_common())
    named = ", ".join(f"{name} ({count:,})" for name, count in rows.unknown.most_common(8))
    at = ", ".join(stage.value for stage in Stage if stage in tuning.rule.on)
    raise TuneError(
        f"no row is labelled as one {lacks}: {len(rows.truth):,} rows count"
        + (f", left out are {left}" if left else "")
        + (f"; their labels are {named}: name the one that counts by --label" if named else "")
        + (f"; it judges {at}: say where rows stand by --stage" if rows.left_out["stage"] else "")
        + "".join(f"\n  {reason}" for reason in rows.reasons)
    )


def assign_parts(part: Vector, truth_: Vector) -> Vector | None:
    """Return the part of each row, 0 or up: equal contents have the same, rows of each label are spread evenly; None where there
    are too few to hold any out.

    Args:
        part: a number for each row that equal contents share.
        truth_: the label of each row, 1 or 0.
    """
    import numpy as np

    _, first = np.unique(part, return_index=True)
    label = truth_[first]
    count = min(PARTS, int((label == 1).sum()), int((label == 0).sum()))
    if count < 2:
        return None
    own = np.zeros(len(first), int)
    for kind in (0, 1):
        mine = np.flatnonzero(label == kind)  # in the order of their digests, which is as good as by chance
        own[mine] = np.arange(len(mine)) % count
    return own[np.searchsorted(part[first], part)]


def _heldout(
    target: TuningTarget, way_: ThresholdPath, truth_: Vector, step: Vector, parts: Vector | None
) -> ConfusionCounts | None:
    if parts is None:
        return None
    found = ConfusionCounts()
    for part in range(int(parts.max()) + 1):
        held = parts == part
        choice = choose_step(target, build_curve(truth_[~held], step[~held], len(way_.steps)), way_)
        found += build_curve(truth_[held], step[held], len(way_.steps)).counts_at(choice.step)
    return found


def _groups(rows: ScoredRows, truth_: Vector, step: Vector, now: int, new: int) -> Iterator[TunedGroup]:
    import numpy as np

    for by, known, own in (("language", rows.langs, rows.lang), ("source", rows.sources, rows.source)):
        at = np.array(own, dtype=int)
        for name, index in sorted(known.items()) if len(known) > 1 else ():
            mine = at == index
            counts = [count_found(truth_[mine], step[mine] >= each) for each in (now, new)]
            yield TunedGroup(by, name or "not known", *counts)


def count_found(truth_: Vector, found: Vector) -> ConfusionCounts:
    """Return the counts of rows by their labels (1 or 0) and whether each was found."""
    hits, should = found.astype(bool), truth_ == 1
    return ConfusionCounts(
        int((hits & should).sum()),
        int((hits & ~should).sum()),
        int((~hits & should).sum()),
        int((~hits & ~should).sum()),
    )


def _moves(rows: ScoredRows, rule: Rule, now: int, new: int) -> list[tuple[Action, Action, int]]:
    """Return what the whole policy would do otherwise: the action now, the action then, and with how many rows."""
    found: Counter[tuple[Action, Action]] = Counter()
    for (_, step, action, without), count in rows.moves.items():
        fired, fires = step >= now, step >= new
        if fired is not fires and rule.mode is Mode.ENFORCE:
            found[action, max(without, rule.then) if fires else without] += count
    return sorted((a, b, count) for (a, b), count in found.items() if a is not b)


def _with_notes(result: TuningResult) -> TuningResult:
    from dataclasses import replace

    return replace(result, notes=tuple(_notes(result)))


def _notes(result: TuningResult) -> Iterator[str]:
    """Yield what is to be known before the figures are trusted."""
    target, expected = result.target, result.heldout or result.chosen
    if result.heldout is None:
        yield "There are too few rows of a kind to hold some out: the figures are of the rows that the number was chosen by."
    if target.figure != "cost" and result.met and not target.is_kept(expected):
        got = getattr(expected, target.figure)
        yield f"On rows that it was not chosen by, it comes to {100 * (got or 0):.2f} %: expect that rather than the target."
    elif target.figure != "cost" and result.met and not target.is_shown(expected):
        yield f"The rows do not show {target} for certain{_more(target, expected)}"
    silent = sum(
        truth_ == 1 and step < 0 for truth_, step in zip(result.rows.truth, result.rows.step, strict=True)
    )
    if silent and not result.met:
        yield f"For {silent:,} harmful rows no number does: no detector gives a score, as for all below its `min_score`."
    if target.figure == "precision":
        yield "Precision depends on how common harm is: it holds where that is as in these rows."
    if result.rows.left_out["failed"] or result.rows.left_out["unread"]:
        yield "Some rows could not be judged and do not count: " + "; ".join(result.rows.reasons)
    if result.rows.unchecked:
        yield f"{result.rows.unchecked:,} rows were not judged whole (a language, a limit): see `unchecked` of a verdict."
    if result.tuning.rule.mode is Mode.SHADOW:
        yield "The rule is in shadow mode: it is recorded, and no decision of the policy changes."


def _more(target: TuningTarget, counts: ConfusionCounts) -> str:
    """Return how many rows would show a target, as the end of a sentence."""
    kind, has, needs = KINDS[target.figure], target.count_rows(counts), target.needs(counts)
    sure = (
        "" if target.figure == "precision" else "; --sure chooses a number for which they do, if there is one"
    )
    if needs is None or needs > MANY * has:
        return f", and many more {kind} than the {has:,} here might not{sure}."
    return f": that takes some {needs:,} {kind}, and here are {has:,}{sure}."
