"""Tells whether the operator's floor lets a value that was replaced stand in a reply again.

What a policy replaces by numbers (`with: vault`) is put back into the reply after that was judged, as it is the user's own. The
floor has not seen it there, and holds all the same: a value that one of its rules would replace or stop stays a placeholder.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.core.detection_round import judges
from guardrails.engine.core.rule_evaluation import Evaluation
from guardrails.engine.detector_task import Task
from guardrails.engine.model import JudgedContent, Request, RuleMatch
from guardrails.engine.redaction.vault import Vault
from guardrails.policy.compiled import CompiledPolicy
from guardrails.taxonomy import with_ancestors
from guardrails.types import CLEAN, Action, Detection, Finding, Mode, Place, Stage, Text

REPLY: Final = Place(Stage.OUTPUT, role="assistant")


def withhold_values(vault: Vault, before: Vault | None, floor: CompiledPolicy, request: Request) -> None:
    """Let no value be put back that the floor does not let stand; those that an earlier check handed out were seen to then."""
    known = {} if before is None else before.values
    for placeholder, value in dict(vault.values).items():
        if placeholder not in known and not may_stand(vault.category(placeholder), value, floor, request):
            vault.forget(placeholder)


def may_stand(category: str, value: str, floor: CompiledPolicy, request: Request) -> bool:
    """Tell whether a value of a category may stand in a reply as it is. Detectors that judge passages are not asked: they judge
    what stands around it, which was there before.
    """
    content, plan = Text(value, REPLY), floor.plan((Stage.OUTPUT,))
    findings: list[Finding] = []
    unknown: set[str] = set()
    for bound in (bound for tier in plan.tiers for bound in tier):
        answer = _answer(bound, content, category)
        findings += answer.findings
        if answer.error is not None:
            unknown.add(bound.name)
    judged = JudgedContent(content, plan, tuple(findings), frozenset(unknown))
    return not any(map(_changes, Evaluation(floor, [judged], request).run()))


def _answer(bound: BoundDetector, content: Text, category: str) -> Detection:
    """Return what a detector says of a value. One that finds such values is taken to find this one, though it may need the words
    around it for that.
    """
    if bound.passages or not judges(bound, content):
        return CLEAN
    task = Task(bound, [0], [content])
    if bound.stream is not None:
        task.run()
    else:
        task.answers = [CLEAN]
    found, names = task.answers[0], {name for own in bound.categories for name in with_ancestors(own)}
    if category not in names:
        return found
    whole = Finding(category, 1.0, bound.name, span=(0, len(content.text)))
    return replace(found, findings=(*found.findings, whole))


def _changes(fired: RuleMatch) -> bool:
    """Tell whether a rule does something else with a text than to number what it finds, which is put back as well."""
    numbers = fired.action is Action.REDACT and fired.rule.replacement.numbered
    return fired.rule.mode is Mode.ENFORCE and fired.action >= Action.REDACT and not numbers
