"""Finds the thresholds of a condition that can be tuned, and the path of steps that they can take.

A threshold is a number that a score must reach for the rule to fire: `hate >= 0.85`, `0.7 < detector.safety.unsafe`,
`!(hate < 0.8)`, also inside `&&`, `||` and the branches of `? :`. The higher it is, the less fires. Numbers for which that does
not hold (`hate < 0.1`), counts, and lengths are none.

A way is a list of steps, laxest first, each with the numbers to write. One threshold goes through the numbers from 0.001 to
0.99999. Several go together, all by the same distance of log-odds, so that what was stricter stays stricter; a number that is 0
or 1 stays, as "anything found" has no distance from anything.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.policy.cel import cel
from guardrails.policy.condition import Condition
from guardrails.policy.streaming import TURNED
from guardrails.taxonomy import with_ancestors
from guardrails.types import Finding

LEAST, MOST = 0.001, 0.99999
"""The lowest and the highest number of a way."""

DECIMALS: Final = ((0.0, 3), (0.99, 4), (0.999, 5))
"""From where on numbers have how many decimals: models crowd at the upper end."""

STEP: Final = 0.01
"""Log-odds from one step of several thresholds to the next: at 0.5 a quarter of a hundredth."""

_NUMBER: Final = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_REACHED: Final = {"_>=_": False, "_>_": True}
_DENIED: Final = {"_<_": "_>=_", "_<=_": "_>_", "_>_": "_<=_", "_>=_": "_<_"}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number of a condition: characters `[start, end)` of its text, its value, and what is compared with it: `name` as it is
    written, a `category`, of one `detector` or of any (""). `over`: a score must be above it; else to reach it is enough.
    """

    start: int
    end: int
    value: float
    name: str
    category: str
    detector: str
    over: bool

    def __str__(self) -> str:
        return f"{self.name} {'>' if self.over else '>='} {format_number(self.value)}"

    def counts(self, finding: Finding) -> bool:
        """Tell whether a finding's score is one that is compared."""
        named = self.category in with_ancestors(finding.category)
        return named and self.detector in ("", finding.detector)

    def is_reached(self, score: float) -> bool:
        """Tell whether a score is enough."""
        return score > self.value if self.over else score >= self.value

    def highest(self, ascending: Sequence[float], score: float) -> int:
        """Return the index of the last of some numbers that a score reaches, -1 where it reaches none."""
        return (bisect_left if self.over else bisect_right)(ascending, score) - 1


def format_number(value: float) -> str:
    """Return a number as it is written into a policy."""
    return f"{value:.10f}".rstrip("0").rstrip(".")


def find_thresholds(condition: Condition) -> list[Threshold]:
    """Return the thresholds of a condition, in the order of its text."""
    names = {variable: (category, by) for variable, by, category in condition.detectors}
    names.update((name, (name, "")) for name in condition.scores)
    found = []
    for comparison, denied in _comparisons(cel.parse(condition.text), denied=False):
        operator, (left, right) = comparison.name, comparison.args
        if left.kind == "const":
            operator, left, right = TURNED.get(operator, ""), right, left
        operator = _DENIED.get(operator, "") if denied else operator
        name = left.dotted_name() or ""
        if operator not in _REACHED or name not in names or right.kind != "const":
            continue
        written = _NUMBER.match(condition.text, right.offset)
        if written is not None and isinstance(right.value, int | float):
            spot = (*written.span(), float(right.value))
            found.append(Threshold(*spot, name, *names[name], over=_REACHED[operator]))
    return sorted(found, key=lambda each: each.start)


def _comparisons(node: cel.CelNode, *, denied: bool) -> Iterator[tuple[cel.CelNode, bool]]:
    """Yield the comparisons that the truth of a condition follows, and whether it follows the opposite of each."""
    if node.kind != "call":
        return
    if node.name in ("_&&_", "_||_", "!_"):
        for arg in node.args:
            yield from _comparisons(arg, denied=denied is not (node.name == "!_"))
    elif node.name == "_?_:_":
        for arg in node.args[1:]:
            yield from _comparisons(arg, denied=denied)
    elif node.name in TURNED and len(node.args) == 2:
        yield node, denied


def replace_thresholds(text: str, changes: Sequence[tuple[Threshold, float]]) -> str:
    """Return the text of a condition with other numbers in the place of thresholds."""
    for threshold, value in sorted(changes, key=lambda change: -change[0].start):
        text = text[: threshold.start] + format_number(value) + text[threshold.end :]
    return text


def choose_thresholds(
    found: Sequence[Threshold], category: str | None = None, nth: int | None = None
) -> list[Threshold]:
    """Return those thresholds that are tuned: of one category, or the `nth` alone (from 1); of these those between 0 and 1, if
    any is.
    """
    if nth is not None:
        return list(found[nth - 1 : nth]) if nth >= 1 else []
    mine = [each for each in found if category in (None, each.category, each.name)]
    return [each for each in mine if 0 < each.value < 1] or mine[:1]


@dataclass(frozen=True, slots=True)
class ThresholdPath:
    """The numbers that some thresholds of a condition may have, step by step, laxest first; `now` is the step that is written.
    `columns` are the numbers of each threshold.
    """

    text: str
    thresholds: tuple[Threshold, ...]
    steps: tuple[tuple[float, ...], ...]
    columns: tuple[tuple[float, ...], ...]
    now: int

    @property
    def axis(self) -> tuple[float, ...]:
        """The numbers of the first threshold, by which steps are shown."""
        return self.columns[0]

    def text_at(self, step: int) -> str:
        """Return the text of the condition at a step."""
        return replace_thresholds(self.text, list(zip(self.thresholds, self.steps[step], strict=True)))

    def counts(self, finding: Finding) -> bool:
        """Tell whether a finding's score is one that is compared."""
        return any(each.counts(finding) for each in self.thresholds)

    def reached_steps(self, findings: Sequence[Finding]) -> list[int]:
        """Return the steps after which a condition may hold no more for these findings, ascending: the last that each score
        reaches.
        """
        found: set[int] = set()
        for threshold, column in zip(self.thresholds, self.columns, strict=True):
            found.update(threshold.highest(column, each.score) for each in findings if threshold.counts(each))
        return sorted(found - {-1})


def build_path(text: str, tuned: Sequence[Threshold]) -> ThresholdPath:
    """Return the way of some thresholds of a condition, one or more."""
    now = tuple(each.value for each in tuned)
    steps = {now, *(_single_path() if len(tuned) == 1 else _joint_path(now))}
    # What is written may have more decimals than the steps beside it: each step is at least as strict as the one before.
    ordered = [
        step
        for step in steps
        if all(a <= b for a, b in zip(step, now, strict=True))
        or all(a >= b for a, b in zip(step, now, strict=True))
    ]
    ordered.sort(key=lambda step: (sum(step), step))
    return ThresholdPath(
        text, tuple(tuned), tuple(ordered), tuple(zip(*ordered, strict=True)), ordered.index(now)
    )


def _single_path() -> Iterator[tuple[float, ...]]:
    for at, (low, decimals) in enumerate(DECIMALS):
        high = DECIMALS[at + 1][0] if at + 1 < len(DECIMALS) else 1.0
        parts = 10**decimals
        for part in range(max(1, round(low * parts)), round(high * parts)):
            yield (part / parts,)


def _joint_path(now: Sequence[float]) -> Iterator[tuple[float, ...]]:
    bases = [_log_odds(min(max(each, LEAST), MOST)) for each in now]
    reach = math.ceil((_log_odds(MOST) - _log_odds(LEAST)) / STEP)
    for distance in range(-reach, reach + 1):
        yield tuple(_round_log_odds(base + distance * STEP) for base in bases)


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))


def _round_log_odds(log_odds: float) -> float:
    value = min(max(1 / (1 + math.exp(-log_odds)), LEAST), MOST)
    return round(value, max(decimals for low, decimals in DECIMALS if value >= low))
