"""Metrics of classification: shares, areas under curves, calibration and confidence intervals.

A figure that has no rows to stand on is None, never 0 or 1. Intervals hold the true value in 95 of 100 cases: those of shares are
Clopper and Pearson's, exact whatever the share and however few the rows; the others come from drawing the rows anew (bootstrap),
with the same draws each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[Any]]

CONFIDENCE: Final = 0.95
"""How often an interval holds the true value."""

DRAWS: Final = 400
"""How often rows are drawn anew for an interval."""

LARGE: Final = 20_000
"""Rows from which on a quarter of the draws will do."""

HALVINGS: Final = 50
"""Steps in which the ends of an exact interval are found: to 15 decimals."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ConfusionCounts:
    """Rows by what they are and what was said of them: found rightly and falsely, missed, and left alone rightly."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: ConfusionCounts) -> ConfusionCounts:
        return ConfusionCounts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    def add(self, truth: bool, found: bool) -> ConfusionCounts:
        """Return the counts with one row more."""
        return self + ConfusionCounts(
            truth and found, not truth and found, truth and not found, not (truth or found)
        )

    @property
    def positive(self) -> int:
        """Rows that should be found."""
        return self.tp + self.fn

    @property
    def negative(self) -> int:
        """Rows that should not."""
        return self.fp + self.tn

    @property
    def precision(self) -> float | None:
        """The share of what was found that should be."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """The share of what should be found that was."""
        return ratio(self.tp, self.positive)

    @property
    def fpr(self) -> float | None:
        """The share of what should not be found that was: the false-positive rate."""
        return ratio(self.fp, self.negative)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; None without rows that should be found."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn) if self.positive else None

    @property
    def accuracy(self) -> float | None:
        """The share of all that was said rightly."""
        return ratio(self.tp + self.tn, self.positive + self.negative)

    def interval(self, name: str) -> Interval | None:
        """Return the interval of a figure, by the name of its property; None where the figure is."""
        if name == "f1":
            return _f1_interval(self)
        of = {
            "precision": (self.tp, self.tp + self.fp),
            "recall": (self.tp, self.positive),
            "fpr": (self.fp, self.negative),
            "accuracy": (self.tp + self.tn, self.positive + self.negative),
        }[name]
        return exact_interval(*of) if of[1] else None

    def to_dict(self) -> dict[str, object]:
        """Return counts, figures and intervals as plain JSON values."""
        out: dict[str, object] = {"tp": self.tp, "fp": self.fp, "fn": self.fn, "tn": self.tn}
        for name in ("precision", "recall", "f1", "fpr", "accuracy"):
            out[name] = round_figure(getattr(self, name))
            out[f"{name}_interval"] = round_interval(self.interval(name))
        return out


def round_figure(value: float | None) -> float | None:
    """Return a figure with the digits that mean anything."""
    return None if value is None else round(value, 6)


def round_interval(interval: Interval | None) -> list[float] | None:
    """Return an interval as plain JSON values."""
    return None if interval is None else [round(end, 6) for end in interval]


def ratio(part: float, of: float) -> float | None:
    """Return a share, None where it is one of nothing."""
    return part / of if of else None


def exact_interval(part: int, of: int, confidence: float = CONFIDENCE, *, sides: int = 2) -> Interval:
    """Return the exact interval of a share (Clopper and Pearson 1934): `part` of `of` rows.

    Args:
        part: rows that are counted, 0..of.
        of: all rows, 1 or more.
        confidence: how often the true share is within.
        sides: 2, or 1 where each end alone is to hold that often.
    """
    tail = (1 - confidence) / sides
    low = 0.0 if part == 0 else _bisect(lambda at: 1 - _at_most(part - 1, of, at) < tail)
    high = 1.0 if part == of else _bisect(lambda at: _at_most(part, of, at) > tail)
    return low, high


def _bisect(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def _at_most(part: int, of: int, chance: float) -> float:
    """Return how likely it is that at most `part` of `of` rows are counted, each by chance."""
    import numpy as np

    if not 0 < chance < 1:
        return 1.0 if chance <= 0 or part >= of else 0.0
    if part > of / 2:  # the shorter sum
        return 1.0 - _at_most(of - part - 1, of, 1 - chance) if part < of else 1.0
    steps = np.arange(1, part + 1)
    # log C(of, k), from one k to the next
    ways = np.concatenate(([0.0], np.cumsum(np.log((of - steps + 1) / steps))))
    logs = ways + np.arange(part + 1) * math.log(chance) + (of - np.arange(part + 1)) * math.log1p(-chance)
    return float(min(1.0, np.exp(logs).sum()))


def rows_needed(rate: float, confidence: float = CONFIDENCE) -> int:
    """Return how many rows, without a single fault among them, show that faults are at most such a share (0 < rate < 1)."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-rate))


def _f1_interval(counts: ConfusionCounts) -> Interval | None:
    """Return the interval of F1 by drawing all rows anew, which is to draw the four counts."""
    import numpy as np

    cells = np.array([counts.tp, counts.fp, counts.fn, counts.tn])
    total = int(cells.sum())
    if not counts.positive:
        return None
    drawn = np.random.default_rng(1).multinomial(total, cells / total, DRAWS)
    below = 2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2]
    values = 2 * drawn[:, 0] / np.maximum(below, 1)
    return _middle(values)


def _middle(values: Vector) -> Interval:
    import numpy as np

    tail = (1 - CONFIDENCE) / 2
    return float(np.quantile(values, tail)), float(np.quantile(values, 1 - tail))


def auroc(label: Vector, score: Vector) -> float:
    """Return the share of pairs in the right order, ties counting half; labels are 0 and 1, both among them."""
    import numpy as np

    order = np.argsort(score, kind="stable")
    _, inverse, count = np.unique(score[order], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[inverse]
    positive = int(label.sum())
    total = ranks[label[order] == 1].sum() - positive * (positive + 1) / 2
    return float(total / (positive * (len(label) - positive)))


def auprc(label: Vector, score: Vector) -> float:
    """Return average precision, the area under the precision-recall curve; labels are 0 and 1, a 1 among them."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    return _average_precision(label[order], np.ones(len(label)), _last_of_equals(score[order]))


def _last_of_equals(descending: Vector) -> Vector:
    import numpy as np

    return np.append(np.diff(descending) != 0, True)


def _average_precision(label: Vector, weight: Vector, last: Vector) -> float:
    """Return average precision of rows in the order of their scores, each counted so often."""
    import numpy as np

    hits, seen = np.cumsum(label * weight)[last], np.cumsum(weight)[last]
    precision = hits / np.maximum(seen, 1)
    return float((np.diff(np.concatenate(([0.0], hits / hits[-1]))) * precision).sum())


def auprc_interval(label: Vector, score: Vector, draws: int = DRAWS) -> Interval:
    """Return the interval of average precision by drawing the rows anew; labels are 0 and 1, a 1 among them."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    label, last, count = label[order], _last_of_equals(score[order]), len(label)
    rng = np.random.default_rng(1)
    values = []
    for _ in range(draws if count < LARGE else max(1, draws // 4)):
        weight = np.bincount(rng.integers(0, count, count), minlength=count)
        if (label * weight).any():
            values.append(_average_precision(label, weight, last))
    return _middle(np.array(values or [auprc(label, score[order])]))


def recall_at(label: Vector, score: Vector, fpr: float) -> float:
    """Return the recall at the lowest threshold that keeps the false positives within a share `fpr`."""
    import numpy as np

    negative = np.sort(score[label == 0])[::-1]
    cut = negative[min(int(fpr * len(negative)), len(negative) - 1)]
    return float((score[label == 1] > cut).mean())


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows whose scores lie in `[low, high)` (the last one has 1 as well): how many, their mean score, and the share of them that
    is what the score says.
    """

    low: float
    high: float
    rows: int
    score: float
    share: float

    def to_dict(self) -> dict[str, float]:
        """Return the bin as plain JSON values."""
        return {
            "from": self.low,
            "to": self.high,
            "rows": self.rows,
            "score": round(self.score, 6),
            "share": round(self.share, 6),
        }


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether scores are shares: of rows with a score near 0.8, 80 in a hundred are what it says. `ece` is the expected
    calibration error (the mean distance of a bin's share from its score, by rows), `brier` the mean square of label less score.
    """

    bins: tuple[CalibrationBin, ...]
    ece: float
    brier: float

    def to_dict(self) -> dict[str, object]:
        """Return the calibration as plain JSON values."""
        return {
            "ece": round(self.ece, 6),
            "brier": round(self.brier, 6),
            "bins": [each.to_dict() for each in self.bins],
        }


def calibrate(label: Vector, score: Vector, bins: int = 10) -> Calibration | None:
    """Return how scores agree with labels (0 and 1), in bins of equal width; None without rows."""
    import numpy as np

    if not len(label):
        return None
    at = np.minimum((score * bins + 1e-9).astype(int), bins - 1)
    found = []
    for each in range(bins):
        mine = at == each
        if mine.any():
            rows, mean, part = int(mine.sum()), float(score[mine].mean()), float(label[mine].mean())
            found.append(CalibrationBin(each / bins, (each + 1) / bins, rows, mean, part))
    ece = sum(each.rows * abs(each.share - each.score) for each in found) / len(label)
    return Calibration(tuple(found), ece, float(((label - score) ** 2).mean()))


def percentile(values: Sequence[float], share_: float) -> float | None:
    """Return the value that so much of the values are at or below (nearest rank); None without any."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share_ * len(ranked)) - 1)] if ranked else None
