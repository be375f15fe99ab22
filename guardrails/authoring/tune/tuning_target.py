"""Parses what a rule is tuned for (`fpr <= 1%`, `recall >= 95%`, `precision >= 90%`, `cost fp=1 fn=10`), and chooses the step.

Steps go from lax to strict. Which of them meet a target is known from how many rows of each kind fire at each. Among those that
do equally well the number that is written stays, else the one is taken that is shortest, and then that which is farthest from
both sides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardrails.authoring.evaluate.metrics import ConfusionCounts, exact_interval, rows_needed
from guardrails.authoring.tune.thresholds import ThresholdPath, format_number
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[Any]]

FORMS: Final = 'give one of "fpr <= 1%", "recall >= 95%", "precision >= 90%", "cost fp=1 fn=10"'
SIGNS: Final = {"fpr": "<=", "recall": ">=", "precision": ">="}
WORDS: Final = {
    "fpr": "false alarms: the share of harmless rows that it fires for",
    "recall": "found: the share of harmful rows that it fires for",
    "precision": "right: the share of what it fires for that is harmful",
    "f1": "recall and precision in one figure",
}
"""Figure → what it is, for people."""

ONE_SIDED: Final = 1.645
"""Standard deviations that 95 of 100 draws are not above."""

_SHARE: Final = re.compile(r"(fpr|recall|precision)\s*(<=|>=|<|>|=)\s*([0-9]*\.?[0-9]+)\s*(%?)")
_COST: Final = re.compile(r"cost\s+fp\s*=\s*([0-9]*\.?[0-9]+)\s*,?\s+fn\s*=\s*([0-9]*\.?[0-9]+)")


class TargetError(GuardrailsError):
    """A target that is none; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class TuningTarget:
    """What is wanted. `figure` is `fpr`, `recall`, `precision` (each with its `limit`, 0..1) or `cost`, which counts `fp` for a
    false alarm and `fn` for a miss. `sure`: the limit must be shown by the rows, in 95 of 100 cases, not only kept on them.
    """

    figure: str
    limit: float = 0.0
    fp: float = 1.0
    fn: float = 1.0
    sure: bool = False

    def __str__(self) -> str:
        if self.figure == "cost":
            return f"cost fp={format_number(self.fp)} fn={format_number(self.fn)}"
        shown = f"{self.figure} {SIGNS[self.figure]} {format_number(self.limit * 100)}%"
        return f"{shown}, for sure" if self.sure else shown

    def is_met(self, counts: ConfusionCounts) -> bool:
        """Tell whether counts are within the limit; a cost always is."""
        if self.figure == "cost":
            return True
        part, of = self._share(counts)
        if not of:
            return False
        slack = 1e-9 * of
        kept = part <= self.limit * of + slack if self.figure == "fpr" else part >= self.limit * of - slack
        if not (kept and self.sure):
            return kept
        low, high = exact_interval(part, of, sides=1)
        return high <= self.limit if self.figure == "fpr" else low >= self.limit

    def is_shown(self, counts: ConfusionCounts) -> bool:
        """Tell whether counts show the limit to be kept, in 95 of 100 cases."""
        return TuningTarget(self.figure, self.limit, sure=True).is_met(counts)

    def is_kept(self, counts: ConfusionCounts) -> bool:
        """Tell whether counts are within the limit, be that shown or not."""
        return TuningTarget(self.figure, self.limit).is_met(counts)

    def needs(self, counts: ConfusionCounts) -> int | None:
        """Return about how many rows of the kind that the limit speaks of would show it, if as large a share of them went wrong
        as in `counts`; None where no number does. It is exact where none goes wrong.
        """
        has = self.count_rows(counts)
        rate = self.limit if self.figure == "fpr" else 1 - self.limit
        if self.figure == "cost" or not 0 < rate < 1 or not has:
            return None
        part = self._share(counts)[0]
        wrong = (part if self.figure == "fpr" else has - part) / has
        if wrong >= rate:
            return None
        return max(rows_needed(rate), math.ceil(wrong * (1 - wrong) * (ONE_SIDED / (rate - wrong)) ** 2))

    def count_rows(self, counts: ConfusionCounts) -> int:
        """Return how many rows there are of that kind."""
        return self._share(counts)[1]

    def _share(self, counts: ConfusionCounts) -> tuple[int, int]:
        return {
            "fpr": (counts.fp, counts.negative),
            "recall": (counts.tp, counts.positive),
            "precision": (counts.tp, counts.tp + counts.fp),
        }.get(self.figure, (0, 0))


def parse_target(text: str, *, sure: bool = False) -> TuningTarget:
    """Read a target.

    Raises:
        TargetError: it is none of the forms, or its limit is no share.
    """
    given = " ".join(text.lower().split())
    if cost := _COST.fullmatch(given):
        fp, fn = map(float, cost.groups())
        if not (fp or fn):
            raise TargetError(f"target {text!r}: one of the costs must be more than 0")
        if sure:
            raise TargetError(f"target {text!r}: a cost has no limit that could be kept for sure")
        return TuningTarget("cost", fp=fp, fn=fn)
    found = _SHARE.fullmatch(given)
    if found is None:
        raise TargetError(f"target {text!r}: {FORMS}")
    figure, sign, amount, percent = found.groups()
    if sign[0] not in (SIGNS[figure][0], "="):
        raise TargetError(f"target {text!r}: {figure} can be held {SIGNS[figure]} a limit, not {sign}")
    limit = float(amount) / (100 if percent else 1)
    if limit > 1:
        raise TargetError(f"target {text!r}: {amount}{percent} is more than all; write 1% or 0.01")
    if sure and not 0 < limit < 1:
        raise TargetError(
            f"target {text!r}: no number of rows shows a limit of {format_number(limit * 100)}%"
        )
    return TuningTarget(figure, limit, sure=sure)


@dataclass(frozen=True, slots=True)
class StepCurve:
    """Rows by step: how many that should be found fire at each step (`tp`), and how many others (`fp`), of how many."""

    tp: Vector
    fp: Vector
    positive: int
    negative: int

    def counts_at(self, step: int) -> ConfusionCounts:
        """Return the counts at a step."""
        tp, fp = int(self.tp[step]), int(self.fp[step])
        return ConfusionCounts(tp, fp, self.positive - tp, self.negative - fp)


def build_curve(truth: Vector, step: Vector, steps: int) -> StepCurve:
    """Return how many rows fire at each of some steps.

    Args:
        truth: 1 for a row that should be found, 0 for another.
        step: the last step at which each row fires, -1 where it never does.
        steps: how many steps there are.
    """
    import numpy as np

    def firing(mine: Vector) -> Vector:
        return np.cumsum(np.bincount(step[mine] + 1, minlength=steps + 1)[:0:-1])[::-1]

    return StepCurve(firing(truth == 1), firing(truth == 0), int((truth == 1).sum()), int((truth == 0).sum()))


@dataclass(frozen=True, slots=True)
class StepChoice:
    """The step that is chosen, and whether it meets the target; if not, none does, and it comes closest."""

    step: int
    met: bool


def choose_step(target_: TuningTarget, rows: StepCurve, way: ThresholdPath) -> StepChoice:
    """Return the step that meets a target best: of those that do, the one that finds most (for a recall: with the fewest false
    alarms); a rule that finds nothing meets none.
    """
    import numpy as np

    tp, fp = rows.tp.astype(float), rows.fp.astype(float)
    everywhere = np.ones(len(tp), bool)
    if target_.figure == "cost":
        cost = fp * target_.fp + (rows.positive - tp) * target_.fn
        return StepChoice(_best(way, everywhere, (-cost, -fp)), met=True)
    fine = ~everywhere
    begin = 0
    # Steps between which no row stops to fire are one.
    for end in (*np.flatnonzero((np.diff(tp) != 0) | (np.diff(fp) != 0)), len(tp) - 1):
        fine[begin : end + 1] = bool(rows.tp[end]) and target_.is_met(rows.counts_at(int(end)))
        begin = end + 1
    if not fine.any():
        return StepChoice(_best(way, everywhere, _closest(target_, tp, fp)), met=False)
    order = (-fp, tp) if target_.figure == "recall" else (tp, -fp)
    return StepChoice(_best(way, fine, order), met=True)


def _closest(target_: TuningTarget, tp: Vector, fp: Vector) -> tuple[Vector, Vector]:
    """Return what is to be highest where no step meets the target."""
    import numpy as np

    by: dict[str, Callable[[], tuple[Vector, Vector]]] = {
        "fpr": lambda: (np.where(tp > 0, -fp, -np.inf), tp) if tp.any() else (-fp, tp),
        "recall": lambda: (tp, -fp),
        "precision": lambda: (tp / np.maximum(tp + fp, 1), tp),
    }
    return by[target_.figure]()


def _best(way: ThresholdPath, fine: Vector, order: tuple[Vector, ...]) -> int:
    """Return the step among fine ones at which the first of `order` is highest, then the second; then the one that is written, or
    as said above.
    """
    import numpy as np

    for values in order:
        fine = fine & (values == values[fine].max())
    if fine[way.now]:
        return way.now
    where = np.flatnonzero(fine)
    run = max(np.split(where, np.flatnonzero(np.diff(where) > 1) + 1), key=len)
    middle = (way.axis[int(run[0])] + way.axis[int(run[-1])]) / 2

    def plain(step: int) -> tuple[int, float]:
        return sum(len(format_number(each)) for each in way.steps[step]), abs(way.axis[step] - middle)

    return min(map(int, run), key=plain)
