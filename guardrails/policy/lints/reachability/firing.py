"""Whether a rule can fire at some stages."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.policy.lints.scene.scene import LintContext, RuleRow
from guardrails.types import Stage


def can_fire(
    scene: LintContext, row: RuleRow, stages: frozenset[Stage], known: Mapping[str, object] | None = None
) -> bool:
    """Tell whether a rule can fire at some of these stages; True where that is too much to try."""
    holds = scene.shapes[row.rule.id].holds
    found = scene.answers[row.rule.id]
    if found is None:
        return True
    if known is None and stages == row.rule.on:
        return any(there for _, there in found)
    return any(holds({**env, **known} if known else env) for env in scene.trials(row, stages=stages))


def display_stages(stages: frozenset[Stage]) -> str:
    """Return names of stages for a message."""
    return ", ".join(stage.value for stage in Stage if stage in stages)
