"""What was measured of a policy, as plain values."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardrails.authoring.evaluate.metrics import (
    Calibration,
    ConfusionCounts,
    Interval,
    auprc,
    auprc_interval,
    calibrate,
    round_figure,
    round_interval,
)
from guardrails.types import Action

CLASSES: Final = {True: "harmful", False: "harmless", None: "unlabelled"}
PERCENTILES: Final = (0.5, 0.95, 0.99)
Truth = bool | None


@dataclass(frozen=True, slots=True, order=True)
class EvaluationExample:
    """A row to look at: its highest score, its place, the rules that fired, and how it begins."""

    score: float
    place: str
    rules: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """How well something is told: the counts; where there is a score, the area under its precision-recall curve (`curve`: recall
    and precision, from the highest score down) with its interval, its calibration, and what rules compare it with (`at`).
    """

    counts: ConfusionCounts
    auprc: float | None = None
    auprc_interval: Interval | None = None
    calibration: Calibration | None = None
    at: tuple[float, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the figures as plain JSON values."""
        return self.counts.to_dict() | {
            "auprc": round_figure(self.auprc),
            "auprc_interval": round_interval(self.auprc_interval),
            "found_from": list(self.at),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
        }


@dataclass(slots=True)
class LabelledScores:
    """Rows of which it is known whether they are of something: their labels, their scores, whether they were found."""

    truth: array[int] = field(default_factory=lambda: array("b"))
    score: array[float] = field(default_factory=lambda: array("d"))
    found: array[int] = field(default_factory=lambda: array("b"))

    def add(self, truth_: bool, score: float, found: bool) -> None:
        self.truth.append(truth_)
        self.score.append(score)
        self.found.append(found)

    def counts(self) -> ConfusionCounts:
        pairs = Counter(zip(self.truth, self.found, strict=True))
        return ConfusionCounts(pairs[1, 1], pairs[0, 1], pairs[1, 0], pairs[0, 0])

    def measure(self, *, calibrated: bool, at: tuple[float, ...] = ()) -> Measurement:
        import numpy as np

        label, score = np.array(self.truth, dtype=int), np.array(self.score)
        known_ = 0 < int(label.sum()) < len(label)
        return Measurement(
            self.counts(),
            auprc(label, score) if known_ else None,
            auprc_interval(label, score) if known_ else None,
            calibrate(label, score) if calibrated else None,
            at,
            tuple(_curve(label, score)) if known_ else (),
        )


def _curve(label: Any, score: Any) -> Iterator[tuple[float, float]]:
    """Yield recall and precision at each score, from the highest down to the last that is more than nothing."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True) & (score[order] > 0)
    hits, seen = np.cumsum(label[order])[last], np.arange(1, len(label) + 1)[last]
    yield from zip((hits / label.sum()).tolist(), (hits / seen).tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class PolicyEvaluation:
    """What was measured. `actions` counts rows by what they are and what became of them; `groups` are the decision's counts by
    group; `latency` is by detector (and `total`), in ms, at the shares of `PERCENTILES`. `unmeasured` are categories that rows
    are labelled with and no detector of the policy gives. `floor` is the operator's floor under which it was measured, if any.
    `unlabelled` are the rules of which the labels of no row say anything.
    """

    policy: Mapping[str, str]
    rows: int
    decision: Measurement
    stopped: Action
    rules: Mapping[str, Measurement]
    categories: Mapping[str, Measurement]
    actions: Mapping[tuple[Truth, Action], int]
    groups: Mapping[str, ConfusionCounts]
    latency: Mapping[str, tuple[float, ...]]
    errors: Mapping[str, int]
    unchecked: Mapping[str, int]
    unread: int
    unmeasured: tuple[str, ...]
    reasons: tuple[str, ...]
    false: tuple[EvaluationExample, ...]
    missed: tuple[EvaluationExample, ...]
    floor: Mapping[str, str] | None = None
    unlabelled: tuple[str, ...] = ()

    def to_dict(self, *, texts: bool = True) -> dict[str, object]:
        """Return all of it as plain JSON values; `texts` of examples too."""
        table = {
            CLASSES[kind]: {str(action): self.actions.get((kind, action), 0) for action in Action}
            for kind in CLASSES
        }
        return {
            "policy": dict(self.policy),
            "floor": None if self.floor is None else dict(self.floor),
            "rows": self.rows,
            "not_judged": self.unread,
            "stopped_from": str(self.stopped),
            "decision": self.decision.to_dict(),
            "rules": {name: each.to_dict() for name, each in self.rules.items()},
            "categories": {name: each.to_dict() for name, each in self.categories.items()},
            "actions": table,
            "groups": {name: each.to_dict() for name, each in self.groups.items()},
            "latency_ms": {
                name: {
                    f"p{100 * share:g}": round_figure(ms) for share, ms in zip(PERCENTILES, own, strict=True)
                }
                for name, own in self.latency.items()
            },
            "errors": dict(self.errors),
            "unchecked": dict(self.unchecked),
            "unmeasured": list(self.unmeasured),
            "reasons": list(self.reasons),
            "examples": {
                "false_positives": [_case(each, texts) for each in self.false],
                "false_negatives": [_case(each, texts) for each in self.missed],
            },
        }


def _case(case: EvaluationExample, texts: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "place": case.place,
        "score": round_figure(case.score),
        "rules": list(case.rules),
    }
    return told | ({"text": case.text} if texts else {})
