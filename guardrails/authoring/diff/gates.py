"""Evaluates the gates for a change of policy: which limits are exceeded, and which samples are too small to show it.

A limit is a count (`0`, `12`) or a share of the rows (`0.1%`). What could not be judged counts against every gate. A share is
shown by a sample only where 95 % certainty stands behind it: by the rule of three where nothing was counted (exactly,
1 - 0.05^(1/n); Hanley and Lippman-Hand, JAMA 1983), else by the upper bound of Wilson's interval (JASA 1927), one-sided.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.diff.traffic.effects import TURNS, ChangeEffects
from guardrails.authoring.evaluate import metrics
from guardrails.errors import GuardrailsError

DOUBT: Final = 0.05
"""How likely it may be that the share is larger than what the sample shows."""

Z: Final = 1.6448536269514722
"""The quantile of the normal distribution for that, on one side."""

GATES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "max_new_blocks": (("new_block",), "blocked now"),
    "max_new_redactions": (("new_redaction",), "redacted now"),
    "max_new_allows": (("new_allow",), "stopped or redacted before, and less now"),
    "max_changes": (tuple(TURNS), "decided otherwise"),
}
"""Gate → the turns that it counts, and what these are."""

_LIMIT: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})\s*(%?)")


@dataclass(frozen=True, slots=True)
class GateLimit:
    """The most of something: `share` of the rows, in 0..1, or a `count`."""

    text: str
    share: float | None = None
    count: int | None = None


def parse_limit(text: str) -> GateLimit:
    """Return the limit that a text is.

    Raises:
        GuardrailsError: it is neither a count nor a percentage.
    """
    found = _LIMIT.fullmatch(text.strip())
    if found is not None and found[2] and float(found[1]) <= 100:
        return GateLimit(text.strip(), share=float(found[1]) / 100)
    if found is not None and not found[2] and found[1].isdigit():
        return GateLimit(text.strip(), count=int(found[1]))
    raise GuardrailsError(f"{text!r} is no limit: give a count such as 12, or a percentage such as 0.1%")


@dataclass(frozen=True, slots=True)
class GateResult:
    """How traffic stands to a gate: `count` of `rows` with what could not be judged among it, `upper` the share that the
    sample does not rule out, and `needed` the rows without any that would show the limit.
    """

    gate: str
    limit: GateLimit
    count: int
    failed: int
    rows: int

    @property
    def exceeded(self) -> bool:
        """Whether it is more than the limit."""
        worst = self.count + self.failed
        if self.limit.share is not None:
            return worst / max(self.rows, 1) > self.limit.share
        return worst > (self.limit.count or 0)

    @property
    def upper(self) -> float:
        """The share that lies above the true one with 95 % certainty."""
        return upper_bound(self.count + self.failed, self.rows)

    @property
    def thin(self) -> bool:
        """Whether the sample is too small to show that the limit is kept."""
        share = self.limit.share
        return share is not None and 0 < share < 1 and not self.exceeded and self.upper > share

    @property
    def needed(self) -> int | None:
        """The rows that would show it, were none of them counted; None where no number does."""
        return rows_needed(self.limit.share)

    @property
    def reason(self) -> str:
        """What is to be said of it."""
        failed = f", and {self.failed:,} that could not be judged" if self.failed else ""
        told = f"{self.count:,} of {self.rows:,} rows {GATES[self.gate][1]}{failed}"
        name = f"--{self.gate.replace('_', '-')} {self.limit.text}"
        if self.exceeded:
            return f"{name} is exceeded: {told}"
        if not self.thin:
            return f"{name} is kept: {told}"
        most = f"it may be {self.upper:.2%}" if self.upper >= 0.0001 else "it may be more"
        more = f"; {self.needed:,} rows without any would" if self.needed else ""
        return f"{self.rows:,} rows cannot show {name}: {told}, {most}{more}"

    def to_dict(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {
            "gate": self.gate,
            "limit": self.limit.text,
            "count": self.count,
            "failed": self.failed,
            "rows": self.rows,
            "upper": round(self.upper, 8),
            "exceeded": self.exceeded,
            "thin": self.thin,
            "needed": self.needed,
            "reason": self.reason,
        }


def upper_bound(count: int, rows: int) -> float:
    """Return the share that lies above the true one with 95 % certainty, where `count` of `rows` were counted."""
    if rows <= 0 or count >= rows:
        return 1.0
    if count == 0:
        return float(1.0 - DOUBT ** (1.0 / rows))
    share, square = count / rows, Z * Z
    middle = share + square / (2 * rows)
    width = Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows))
    return min(1.0, (middle + width) / (1 + square / rows))


def rows_needed(share: float | None) -> int | None:
    """Return the rows, none of them counted, that show a share with 95 % certainty; None where no number does."""
    if share is None or not 0 < share < 1:
        return None
    return metrics.rows_needed(share, 1 - DOUBT)


def evaluate_gates(limits: Mapping[str, GateLimit], effects: ChangeEffects) -> list[GateResult]:
    """Return how the effects of a change stand to the gates that have a limit."""
    return [
        GateResult(
            gate, limits[gate], sum(effects.turns[each] for each in turns), effects.failed, effects.rows
        )
        for gate, (turns, _) in GATES.items()
        if gate in limits
    ]
