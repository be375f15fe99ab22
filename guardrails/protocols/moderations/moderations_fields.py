"""What OpenAI's moderation API is asked in, the texts to judge out; and a verdict in, a result of that API out.

A result has OpenAI's thirteen categories and, under our own names, every other one that a rule asks for or that was found.
What nobody judged scores 0.0 and names no type of input that it was judged on; `unchecked` says why, where it is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.field_readers import by_table, by_type, keep, parts, text
from guardrails.engine.content.inline_media import pictured, uri
from guardrails.engine.content.places import ROLES
from guardrails.engine.model import Outcome
from guardrails.engine.streaming.stream_plan import reads
from guardrails.errors import RequestError
from guardrails.policy.compiled import CompiledPolicy, Rule, bind_single_finding
from guardrails.taxonomy import OPENAI, with_ancestors
from guardrails.types import (
    Action,
    Finding,
    FiredRule,
    Mode,
    Place,
    Severity,
    Stage,
    Text,
    Verdict,
)
from guardrails.wire.pointers import Path, pointer

MODEL_NAME = re.compile(r"[A-Za-z0-9_.:/@-]{0,128}")
"""The name of a model as requests say it; the answer repeats it, and nobody else reads it."""

KINDS = ("text", "image")
"""Types of input that the API knows, which are kinds of contents here."""

MOST = 1024
"""Texts that may be asked for at once."""

URL = by_table({"url": uri, "detail": keep})
PICTURE = pictured(by_table({"type": keep, "image_url": URL}))
PART = by_type({"text": by_table({"type": keep, "text": text}), "image_url": PICTURE})
CONTENT = parts(PART, {"text": ("text",)})
SAID: Mapping[str, type] = {"text": str, "image_url": Mapping}
"""Type of a part → what stands in the field of that name."""


def inputs(given: Any, stage: Stage) -> list[ContentTree]:
    """Return what there is to judge, for each result: one for a text, one for each of an array of texts, and one for an
    array of parts.

    Raises:
        RequestError: it is none of these.
    """
    place = Place(stage, role=ROLES[stage], path="/input")
    if isinstance(given, str):
        return [ContentTree(leaves=[Leaf(Text(given, place))])]
    if not isinstance(given, list) or not given:
        raise _invalid("must be a text, or an array of texts or of parts that is not empty", ("input",))
    if len(given) > MOST:
        raise RequestError("too_many_inputs", f"more than {MOST} inputs", "/input")
    if isinstance(given[0], str):
        wrong = next((at for at, each in enumerate(given) if not isinstance(each, str)), None)
        if wrong is not None:
            raise _invalid("must be a text, as the first is", ("input", wrong))
        paths = [replace(place, path=f"/input/{at}") for at in range(len(given))]
        return [
            ContentTree(leaves=[Leaf(Text(each, where))]) for each, where in zip(given, paths, strict=True)
        ]
    for at, each in enumerate(given):
        kind = each.get("type") if isinstance(each, Mapping) else None
        if not isinstance(kind, str) or kind not in SAID or not isinstance(each.get(kind), SAID[kind]):
            raise _invalid("must be a part of the type text or image_url", ("input", at))
    tree = ContentTree()
    CONTENT(tree, given, ("input",), place)
    return [tree]


def _invalid(message: str, path: Path) -> RequestError:
    return RequestError("invalid_input", message, pointer(path))


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What policies say of what was checked, or of one choice of it.

    Attributes:
        flagged: whether it may not pass as it is: an enforced rule blocks or redacts it.
        scores: category → the highest score, parents included, of what was found.
        guilty: the categories for which such a rule fires.
        rules: these rules, each with the categories that it fires for; none for one that other things make fire.
        judged: category → the types of input on which it was judged, for every category that a detector could have found.
    """

    flagged: bool
    scores: Mapping[str, float]
    guilty: frozenset[str]
    rules: Mapping[str, frozenset[str]]
    judged: Mapping[str, Sequence[str]]


class Moderation:
    """What policies say at some stages, as results of the moderation API. Cheap to make, but not for every text.

    Args:
        policies: whose verdicts become results.
        stages: that the verdicts are on.
    """

    def __init__(self, policies: Sequence[CompiledPolicy], *stages: Stage) -> None:
        plans = [policy.plan(stages) for policy in policies]
        self._rules = [rule for plan in plans for rule in plan.rules]
        self._able: dict[str, list[BoundDetector]] = {}
        for bound in (bound for plan in plans for tier in plan.tiers for bound in tier):
            for name in {name for category in bound.categories for name in with_ancestors(category)}:
                self._able.setdefault(name, []).append(bound)
        asked = {name for rule in self._rules for name in rule.condition.categories | rule.redact}
        self._own = asked.difference(OPENAI.values())

    def result(
        self, verdict: Verdict, tree: ContentTree, outcome: Outcome | None = None, choice: int | None = None
    ) -> dict[str, Any]:
        """Return a verdict as a result: flagged where an enforced rule blocks or redacts, so that the policy would not let the
        input pass as it is; a category is true where what was found of it makes such a rule fire.

        Args:
            verdict: of a check in which all detectors ran (`complete=True`).
            tree: what was checked.
            outcome: of that check, which knows what is touched, where only one choice of an answer is asked for.
            choice: that one.
        """
        told = self.said(verdict, tree, outcome, choice)
        own = sorted(self._own.union(told.scores).difference(OPENAI.values()))
        names = {**OPENAI, **{name: name for name in own}}
        said: dict[str, Any] = {
            "flagged": told.flagged,
            "categories": {shown: name in told.guilty for shown, name in names.items()},
            "category_scores": {shown: told.scores.get(name, 0.0) for shown, name in names.items()},
            "category_applied_input_types": {
                shown: list(told.judged.get(name, ())) for shown, name in names.items()
            },
        }
        if verdict.coverage.unchecked:
            said["unchecked"] = [entry.to_dict() for entry in verdict.coverage.unchecked]
        if verdict.coverage.not_seen:
            said["not_seen"] = list(verdict.coverage.not_seen)
        return said

    def said(
        self, verdict: Verdict, tree: ContentTree, outcome: Outcome | None = None, choice: int | None = None
    ) -> PolicyResult:
        """Return what a verdict says, of everything or of one choice (see `result`)."""
        scores: dict[str, float] = {}
        for finding in verdict.findings:
            if _belongs(finding.choice_index, choice):
                for name in with_ancestors(finding.category):
                    scores[name] = max(scores.get(name, 0.0), finding.score)
        flagged = verdict.action >= Action.REDACT and _is_touched(tree, outcome, choice)
        rules: dict[str, frozenset[str]] = {}
        for rule, grounds in self._grounds(verdict).items() if flagged else ():
            own = [finding for finding in grounds if _belongs(finding.choice_index, choice)]
            if own or not grounds:
                rules[rule] = frozenset(name for each in own for name in with_ancestors(each.category))
        # What cannot be edited are names and addresses, such as a picture's: no text that was sent to be judged.
        given = {
            leaf.content.kind
            for leaf in tree.leaves
            if leaf.editable and _belongs(leaf.content.place.choice_index, choice)
        }
        counts = verdict.coverage.kinds
        whole = {kind for kind in given if kind in counts and counts[kind].checked == counts[kind].parts}
        failed = {error.detector for error in verdict.errors}
        return PolicyResult(
            flagged=flagged,
            scores=scores,
            guilty=frozenset().union(*rules.values()),
            rules=rules,
            judged={
                name: self._judged_on(name, given, ())
                if name in scores
                else self._judged_on(name, whole, failed)
                for name in self._able
            },
        )

    def _grounds(self, verdict: Verdict) -> dict[str, list[Finding]]:
        """Return for each rule that blocks or redacts the findings for which it does: those that are enough alone, all where
        none is.
        """
        grounds: dict[str, list[Finding]] = {
            each.id: [] for each in verdict.rules if each.action >= Action.REDACT
        }
        for rule in self._rules:
            if rule.id in grounds:
                wanted = rule.condition.categories | rule.redact
                named = [
                    each for each in verdict.findings if not wanted.isdisjoint(with_ancestors(each.category))
                ]
                grounds[rule.id] += [each for each in named if _is_enough(rule, each)] or named
        return grounds

    def _judged_on(self, name: str, kinds: Collection[str], failed: Collection[str]) -> list[str]:
        """Return on which of these types of input a category was judged: none where a detector of it failed."""
        able = self._able.get(name, [])
        if any(bound.name in failed for bound in able):
            return []
        return [kind for kind in KINDS if kind in kinds and any(kind in bound.contents for bound in able)]


def _belongs(to: int | None, choice: int | None) -> bool:
    """Tell whether what stands in a choice, or outside of all, is of one choice; all of it is of none in particular."""
    return choice is None or to is None or to == choice


def _is_touched(tree: ContentTree, outcome: Outcome | None, choice: int | None) -> bool:
    """Tell whether what an outcome blocks or changes is of a choice; what belongs to none is of each."""
    touched = () if outcome is None else (*outcome.blocked, *outcome.edits)
    return (
        choice is None
        or not touched
        or any(
            index < 0 or _belongs(tree.leaves[index].content.place.choice_index, choice) for index in touched
        )
    )


def deciding(policies: Sequence[CompiledPolicy]) -> frozenset[str]:
    """Return the detectors on which it depends whether something is flagged, by name."""
    return frozenset(
        bound.name
        for policy in policies
        for rule in policy.rules
        if rule.mode is Mode.ENFORCE and rule.then >= Action.REDACT
        for bound in policy.detectors
        if reads(rule, bound)
    )


def stricter(outcome: Outcome, rule: str, needed: Container[str]) -> Outcome:
    """Return an outcome that lets nothing pass of what is flagged: what a policy would change, or leave out, is blocked, and
    where nobody knows, because a detector failed, all is.

    Args:
        outcome: of a check.
        rule: the name under which the verdict tells why.
        needed: the detectors without which nobody knows (`deciding`).
    """
    failed = any(error.detector in needed for error in outcome.errors)
    if not failed and not outcome.edits and outcome.action is not Action.REDACT:
        return outcome
    why = FiredRule(
        rule,
        Action.BLOCK,
        None,
        Severity.HIGH,
        ("moderation",),
        Mode.ENFORCE,
        "error" if failed else "matched",
    )
    blocked = outcome.blocked.union(outcome.edits)
    return replace(
        outcome,
        action=Action.BLOCK,
        rules=tuple(sorted((*outcome.rules, why), key=lambda each: -each.action)),
        blocked=blocked | {-1} if failed or not blocked else blocked,
        edits={},
        removed=(),
    )


def _is_enough(rule: Rule, finding: Finding) -> bool:
    bound = bind_single_finding(rule.condition, finding.category, finding.score, finding.detector)
    return rule.condition.evaluate(bound) is True
