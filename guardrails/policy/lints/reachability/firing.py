"""Decides whether a rule can fire at some stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guardrails.policy.lints.issue import LintContext, RuleRow
from guardrails.policy.lints.reachability.truth import KINDS, Env, TooMany, Trials
from guardrails.types import Stage

WRITTEN = frozenset({Stage.OUTPUT, Stage.TOOL_CALL})
"""What only a model writes."""

TOOL_STAGES = frozenset({Stage.TOOL_DEFINITION, Stage.TOOL_CALL, Stage.TOOL_RESULT})


def fixed_context(row: RuleRow) -> dict[str, object]:
    """Return the context that has one value for a rule, whoever asks."""
    known: dict[str, object] = {} if TOOL_STAGES & row.rule.on else {"tool.name": "", "tool.server": ""}
    return known | ({"message.role": "assistant"} if row.rule.on <= WRITTEN else {})


def make_trials(
    scene: LintContext, row: RuleRow, *others: RuleRow, stages: frozenset[Stage] | None = None
) -> Trials:
    """Return what the conditions of some rules are tried with, together: at the stages of the first, unless others are given."""
    rows = (row, *others)
    given = scene.possible_findings_of([each.rule.id for each in rows], stages or row.rule.on)
    if any(each.rule.scope != "part" for each in rows):
        given = tuple(replace(each, kinds=frozenset(KINDS)) for each in given)
    return Trials([scene.shapes[each.rule.id] for each in rows], given, fixed_context(row))


def run_trials(scene: LintContext, row: RuleRow) -> list[tuple[Env, bool]] | None:
    """Return all that the condition of a rule is tried with, and whether it holds; None where that is too much."""
    holds = scene.shapes[row.rule.id].holds
    try:
        return [(env, bool(holds(env))) for env in make_trials(scene, row)]
    except TooMany:
        return None


def can_fire(
    scene: LintContext, row: RuleRow, stages: frozenset[Stage], known: Mapping[str, object] | None = None
) -> bool:
    """Tell whether a rule can fire at some of these stages; True where that is too much to try."""
    holds = scene.shapes[row.rule.id].holds
    found = scene.trial_results[row.rule.id]
    if found is None:
        return True
    if known is None and stages == row.rule.on:
        return any(there for _, there in found)
    return any(holds({**env, **known} if known else env) for env in make_trials(scene, row, stages=stages))


def display_stages(stages: frozenset[Stage]) -> str:
    """Return names of stages for a message."""
    return ", ".join(stage.value for stage in Stage if stage in stages)
