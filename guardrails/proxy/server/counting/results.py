"""What came of a check, in the words that gateways' dashboards have for it."""

from __future__ import annotations

from typing import Literal

from guardrails.types import Action, Verdict

Result = Literal["allowed", "blocked", "masked", "bypassed", "unavailable", "would_block", "would_mask"]


def result_of(verdict: Verdict) -> Result:
    """Return what came of a check: what was done, or else that it passed although a detector failed, or else what rules in shadow
    would have done.
    """
    if verdict.unavailable is not None:
        return "unavailable"
    if verdict.action is Action.BLOCK:
        return "blocked"
    if verdict.action is Action.REDACT:
        return "masked"
    if verdict.errors:
        return "bypassed"
    if verdict.shadow:
        would = {rule.action for rule in verdict.shadow}
        if Action.BLOCK in would:
            return "would_block"
        if Action.REDACT in would:
            return "would_mask"
    return "allowed"
