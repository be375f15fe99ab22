"""Checks a content and explains the verdict, for people and as JSON.

    explanation = explain(guard, "write to jo@example.com", "output", user={"tier": "staff"})
    explanation.rules[0].tries[0].tree      # why the first rule fired, term by term

It is the check itself that is explained, not another one like it: the pipeline tells an observer how it evaluated
(`observers`), and all that is said here is read from that. Every detector is asked, also where a block is certain before; which
of them a check that may stop early would have spared is said. Everything is bounded, and what is left out is counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from guardrails.authoring.explain.explained_findings import (
    DetectorNote,
    NumberedFinding,
    note_detectors,
    number_findings,
)
from guardrails.authoring.explain.explained_redaction import RedactionNote, note_redaction
from guardrails.authoring.explain.explained_rules import RuleNote, note_rules
from guardrails.authoring.explain.explained_streaming import StreamingNote, note_streaming
from guardrails.authoring.explain.explained_texts import MarkedText, mark_texts
from guardrails.authoring.explain.word_importance import PASSES, ScoreImportance, measure_importance
from guardrails.engine.core.observers import CheckRecord, Observer, observe_checks
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.spelling import suggest_name
from guardrails.types import PolicyRef, Stage, Text, Verdict

LONGEST: Final = 100_000
"""Characters of a verdict's content, as JSON, that stand in an explanation."""

OWN: Final[Mapping[str, str]] = {
    "patterns": "one pass over the patterns of all detectors",
    "covering": "covering pictures and films, and judging them again",
    "films": "watching films, detectors included",
    "tools": "what is known of tools",
}
"""What timings name that is no detector."""


class CheckWitness(Observer):
    """Sees how one check was evaluated; `check` has it once it was."""

    wants_checks: ClassVar[bool] = True

    def __init__(self) -> None:
        self.check: CheckRecord | None = None

    def on_check(self, check: CheckRecord) -> None:
        """Take note; what comes last is how it was in the end."""
        self.check = check


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a verdict is as it is.

    Attributes:
        verdict: the verdict itself.
        floor: the operator's floor policy, if there is one.
        texts: what was judged, with the stretches that findings are about, or the words that raise them.
        findings: what was found, by number.
        raised: the words that raise the scores of classifiers.
        detectors: what each detector of the policies did.
        rules: a note on each rule, those that fired first, then those that nearly did.
        redaction: what was replaced, and what was not.
        streaming: how each rule would judge the text if it came in pieces.
        tiers: milliseconds of the detectors of each tier together, which may run at the same time.
        sure: the tier after which a block was certain, so that a check that may stop early stops there; None without one.
        left_out: how many texts and findings are not listed.
    """

    verdict: Verdict
    floor: PolicyRef | None
    texts: tuple[MarkedText, ...]
    findings: tuple[NumberedFinding, ...]
    raised: tuple[ScoreImportance, ...]
    detectors: tuple[DetectorNote, ...]
    rules: tuple[RuleNote, ...]
    redaction: RedactionNote
    streaming: tuple[StreamingNote, ...]
    tiers: Mapping[int, float]
    sure: int | None
    left_out: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as plain JSON values; the verdict is without its findings, which stand beside it, and without
        its content where that is longer than `LONGEST`.
        """
        verdict = self.verdict.to_dict()
        del verdict["findings"]
        size = len(json.dumps(verdict["content"]))
        if size > LONGEST:
            verdict["content"] = None
        return {
            "verdict": verdict,
            "floor": None if self.floor is None else self.floor.to_dict(),
            "texts": [each.to_dict() for each in self.texts],
            "findings": [each.to_dict() for each in self.findings],
            "raised": [each.to_dict() for each in self.raised],
            "detectors": [each.to_dict() for each in self.detectors],
            "rules": [each.to_dict() for each in self.rules],
            "redaction": self.redaction.to_dict(),
            "streaming": [each.to_dict() for each in self.streaming],
            "timings_ms": {
                **self.verdict.timings_ms,
                "tiers": {str(tier): took for tier, took in self.tiers.items()},
            },
            "sure_after_tier": self.sure,
            "left_out": {**self.left_out, "content": size if size > LONGEST else 0},
        }


def explain(
    guard: Guard,
    content: object,
    stage: str = "input",
    *,
    passes: int = PASSES,
    only: str | None = None,
    witness: CheckWitness | None = None,
    **context: Any,
) -> Explanation:
    """Check a content, and explain the verdict.

    Args:
        guard: whose policy is explained.
        content: as for `Guard.check`.
        stage: where it stands, likewise.
        passes: how many times a classifier may judge a passage again to find the words that raise its score; 0: not at all.
        only: the id of the one rule to explain.
        witness: who looks on, where somebody wants to see how far films are.
        context: the other arguments of `Guard.check`: `user`, `tenant`, `client`, `metadata`, `model`, `system`, `prompt`, ….

    Raises:
        GuardrailsError: no rule has the id `only`.
        ValueError: `passes` is too small to tell anything.
        TypeError, RequestError, GuardUnavailable: as `Guard.check`.
    """
    if only is not None:
        _check_rule_ids(guard, only)
    seen = witness or CheckWitness()
    with observe_checks(seen):
        verdict = guard.check(content, Stage(stage), complete=True, **context)
    assert seen.check is not None  # who looks closely is told of each check
    return _explain(guard, verdict, seen.check, passes, only)


def _explain(
    guard: Guard, verdict: Verdict, check: CheckRecord, passes: int, only: str | None
) -> Explanation:
    findings = number_findings(check)
    raised = measure_importance(check, findings, passes)
    texts, texts_left_out = mark_texts(check, findings, raised)
    contents = [leaf.content for leaf in check.tree.leaves]
    own = [content for content in contents if isinstance(content, Text) and content.place.origin is None]
    policies = guard.pipeline.policies
    return Explanation(
        verdict=verdict,
        floor=policies[1].ref if len(policies) > 1 else None,
        texts=tuple(texts),
        findings=tuple(findings.found),
        raised=tuple(raised),
        detectors=tuple(note_detectors(check, findings)),
        rules=tuple(note_rules(check, findings, only)),
        redaction=note_redaction(check, findings),
        streaming=tuple(note_streaming(guard.pipeline, {content.place.stage for content in own}, only)),
        tiers=_tiers(check),
        sure=check.sure,
        left_out={"texts": texts_left_out, "findings": findings.left_out},
    )


def _tiers(check: CheckRecord) -> dict[int, float]:
    """Return what the detectors of each tier took together."""
    found: dict[int, float] = {}
    for task in check.tasks:
        found[task.bound.tier] = found.get(task.bound.tier, 0.0) + task.took_ms
    return dict(sorted(found.items()))


def _check_rule_ids(guard: Guard, only: str) -> None:
    """Raise where no rule has an id."""
    ids = [rule.id for policy in guard.pipeline.policies for rule in policy.rules]
    if only not in ids:
        hint = suggest_name(only, ids)
        raise GuardrailsError(f"policy {guard.policy.ref.name!r} has no rule {only!r}{hint and f' - {hint}'}")
