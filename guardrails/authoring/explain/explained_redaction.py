"""Notes what redaction replaced in one check, and what was found and stayed, and why.

A stretch is replaced once, by the first rule that wants it (severity, then order in the file), however many findings share it. In
pictures and films what is found is covered, so there is no new text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.explain.explained_findings import CheckFindings, NumberedFinding, shorten
from guardrails.engine.conditions.bindings import stages_of
from guardrails.engine.conditions.exceptions import is_covered, is_expired
from guardrails.engine.core.observers import CheckRecord
from guardrails.engine.model import Change, Span
from guardrails.policy.compiled import Rule, bind_single_finding
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Media, Mode, Text

SHOWN: Final = 200
"""Stretches and findings that are listed."""


@dataclass(frozen=True, slots=True)
class ReplacementNote:
    """A stretch of a text and what stands there now; `with_` is how the rule replaces. Of what only looks like something that was
    handed out there is no rule. `merged` are further findings that it took the place of, `rules` those of all of them.
    """

    path: str
    span: tuple[int, int]
    before: str
    after: str
    rule: str | None
    with_: str | None
    findings: tuple[int, ...]
    rules: tuple[str, ...]

    @property
    def merged(self) -> bool:
        """Whether several findings share it."""
        return len(self.findings) > 1

    def to_dict(self) -> dict[str, object]:
        """Return the stretch as plain JSON values."""
        return {
            "path": self.path,
            "span": list(self.span),
            "before": self.before,
            "after": self.after,
            "rule": self.rule,
            "with": self.with_,
            "findings": list(self.findings),
            "rules": list(self.rules),
        }


@dataclass(frozen=True, slots=True)
class CoverNote:
    """A finding in a picture or film that a rule has covered, and how; `done` is False where that was not possible."""

    path: str
    finding: int
    rule: str
    how: str
    done: bool

    def to_dict(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {
            "path": self.path,
            "finding": self.finding,
            "rule": self.rule,
            "how": self.how,
            "done": self.done,
        }


@dataclass(frozen=True, slots=True)
class UnredactedNote:
    """A finding that a rule would redact, and that stays as it is."""

    finding: int
    rule: str
    why: str

    def to_dict(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {"finding": self.finding, "rule": self.rule, "why": self.why}


@dataclass(frozen=True, slots=True)
class RedactionNote:
    """All that redaction did and did not; `left_out` counts what is not listed."""

    replaced: tuple[ReplacementNote, ...] = ()
    covered: tuple[CoverNote, ...] = ()
    kept: tuple[UnredactedNote, ...] = ()
    left_out: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain JSON values."""
        return {
            "replaced": [each.to_dict() for each in self.replaced],
            "covered": [each.to_dict() for each in self.covered],
            "kept": [each.to_dict() for each in self.kept],
            "left_out": self.left_out,
        }


def note_redaction(check: CheckRecord, findings: CheckFindings) -> RedactionNote:
    """Return what redaction did."""
    changes = [
        _note_replacement(check, findings, index, change)
        for index, some in sorted(check.outcome.changes.items())
        for change in sorted(some, key=lambda change: change.start)
    ]
    covered = [*_note_covers(check, findings)]
    done = {number for each in changes for number in each.findings} | {each.finding for each in covered}
    kept = [
        UnredactedNote(found.number, rule.id, why)
        for position, evaluation in enumerate(check.evaluations)
        for rule in evaluation.policy.rules
        if rule.then is Action.REDACT
        for found in findings.found
        if found.number not in done and (why := _why(check, position, rule, found))
    ]
    lists = (changes, covered, kept)
    return RedactionNote(
        tuple(changes[:SHOWN]),
        tuple(covered[:SHOWN]),
        tuple(kept[:SHOWN]),
        sum(max(0, len(each) - SHOWN) for each in lists),
    )


def _note_replacement(
    check: CheckRecord, findings: CheckFindings, index: int, change: Change
) -> ReplacementNote:
    content = check.tree.leaves[index].content
    assert isinstance(content, Text)
    first = min((span.rule for span in change.spans), key=lambda rule: rule.order, default=None)
    numbers = {number for span in change.spans for number in _numbers(findings, span)}
    return ReplacementNote(
        content.place.path,
        (change.start, change.end),
        shorten(content.text[change.start : change.end]),
        change.new,
        None if first is None else first.id,
        None if first is None else first.replacement.name,
        tuple(sorted(numbers)),
        tuple(dict.fromkeys(span.rule.id for span in change.spans)),
    )


def _numbers(findings: CheckFindings, span: Span) -> Iterator[int]:
    """Yield the numbers of a finding; a span does not say in which leaf that was found."""
    return (found.number for found in findings.found if found.finding == span.finding)


def _note_covers(check: CheckRecord, findings: CheckFindings) -> Iterator[CoverNote]:
    """Yield what is covered in pictures and films."""
    fired = (each for some in check.fired for each in some if each.rule.mode is Mode.ENFORCE)
    for each in fired:
        for index, finding in each.replace:
            content = check.tree.leaves[index].content
            number = findings.numbers.get((index, finding))
            if isinstance(content, Media) and number is not None:
                film = content.kind != "image"
                how = each.rule.cover_film if film else each.rule.cover
                done = index in check.outcome.edits
                yield CoverNote(content.place.path, number, each.rule.id, how, done)


def _why(check: CheckRecord, position: int, rule: Rule, found: NumberedFinding) -> str | None:
    """Return why a rule does not redact a finding, None where it has nothing to do with it."""
    evaluation, finding, leaf = check.evaluations[position], found.finding, found.leaf
    content = evaluation.items[leaf].content
    if rule.redact.isdisjoint(with_ancestors(finding.category)) or not rule.on.intersection(
        stages_of(content)
    ):
        return None
    if rule.mode is Mode.SHADOW:
        return "the rule is only recorded (mode: shadow)"
    scene = evaluation.scene(rule, leaf)
    for exception in rule.exceptions:
        if not is_expired(exception, evaluation.request) and is_covered(exception, finding, scene):
            return f"exception {exception.id!r} removes it for this rule"
    fired = [each for each in check.fired[position] if each.rule is rule]
    if any((leaf, finding) in each.replace for each in fired):
        return "it stands where nothing may be changed, so the rule blocks"
    if any(each.reason == "error" for each in fired):
        return f"the rule depends on what is not known (on_error: {rule.on_error})"
    bound = bind_single_finding(rule.condition, finding.category, finding.score, finding.detector)
    if rule.alone and not any(bound.values()):
        return f"its condition does not read what detector {finding.detector!r} finds"
    if not fired:
        return "the rule does not fire"
    if any(each.action is Action.BLOCK for each in fired):
        return "not all that the rule found says what to replace, so the rule blocks"
    return "its score alone does not make the condition hold"
