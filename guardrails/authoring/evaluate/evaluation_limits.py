"""Limits that a measured policy must keep, such as `f1=0.8`, `hate:recall=90%` or a most of false alarms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.evaluate.measurements import Measurement, PolicyEvaluation
from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.errors import GuardrailsError
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.names import ConditionNames
from guardrails.spelling import suggest_name

FIGURES: Final = ("precision", "recall", "f1", "auprc", "accuracy")
"""Figures that are the better the higher they are."""

_LEAST: Final = re.compile(rf"(?:([^:=\s]+):)?({'|'.join(FIGURES)})\s*=\s*([0-9]*\.?[0-9]+)\s*(%?)")
_MOST: Final = re.compile(r"(?:([^:=\s]+):)?\s*([0-9]*\.?[0-9]+)\s*(%?)")


class LimitError(GuardrailsError):
    """A limit that is none, or of something that is not measured; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class FigureLimit:
    """A figure of the decision (`subject` is ""), of a rule or of a category, and how low (`fpr`: how high) it may be."""

    subject: str
    figure: str
    value: float

    def __str__(self) -> str:
        sign = "<=" if self.figure == "fpr" else ">="
        return f"{self.subject or 'decision'} {self.figure} {sign} {self.value:g}"

    def broken(self, result: PolicyEvaluation) -> str | None:
        """Return how a result breaks the limit, None where it is kept; what has no rows to stand on breaks it."""
        named: Mapping[str, Measurement] = {**result.categories, **result.rules, "": result.decision}
        measured = named.get(self.subject, Measurement(ConfusionCounts()))
        value = measured.auprc if self.figure == "auprc" else getattr(measured.counts, self.figure)
        if value is None:
            return f"{self}: no labelled rows to tell"
        kept = value <= self.value + 1e-9 if self.figure == "fpr" else value >= self.value - 1e-9
        return None if kept else f"{self}: it is {value:.4g}"


def parse_minimum(text: str) -> FigureLimit:
    """Read a limit below which a figure may not be, such as `f1=0.8`, `hate.block:recall=90%`; raise `LimitError`."""
    found = _LEAST.fullmatch(text.strip().lower())
    if found is None:
        raise LimitError(f"{text!r}: give f1=0.8, or hate:recall=90%; figures are {', '.join(FIGURES)}")
    return FigureLimit(found[1] or "", found[2], _share(text, found[3], found[4]))


def parse_maximum(text: str) -> FigureLimit:
    """Read the most of false alarms, such as `1%` or `hate.block:0.01`; raise `LimitError`."""
    found = _MOST.fullmatch(text.strip().lower())
    if found is None:
        raise LimitError(f"{text!r}: give a share such as 1%, or hate:0.01 for a rule or category")
    return FigureLimit(found[1] or "", "fpr", _share(text, found[2], found[3]))


def _share(text: str, amount: str, percent: str) -> float:
    value = float(amount) / (100 if percent else 1)
    if value > 1:
        raise LimitError(f"{text!r}: {amount}{percent} is more than all; write 1% or 0.01")
    return value


def check_limits(limits: Iterable[FigureLimit], policy: CompiledPolicy) -> None:
    """Raise `LimitError` for a limit of something that is neither a rule of a policy nor a category that it finds."""
    given = ConditionNames({bound.name: bound.categories for bound in policy.detectors}).categories
    known = [*(rule.id for rule in policy.rules), *sorted(given)]
    for limit in limits:
        if limit.subject and limit.subject not in known:
            hint = suggest_name(limit.subject, known) or "name one that `guardrails eval` shows"
            raise LimitError(
                f"{limit.subject!r} is no rule of policy {policy.ref.name}, and no category that it finds; {hint}"
            )


def find_broken_limits(limits: Iterable[FigureLimit], result: PolicyEvaluation) -> list[str]:
    """Return how a result breaks limits, each in a line."""
    return [told for limit in limits if (told := limit.broken(result)) is not None]
