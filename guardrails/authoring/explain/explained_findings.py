"""Notes what detectors did and found in one check, with findings by number.

Findings are numbered, the highest score first, and named by their number everywhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import Leaf
from guardrails.engine.core.observers import CheckRecord
from guardrails.engine.streaming.stream_plan import reads
from guardrails.types import Audio, Finding, Media, Text, Unchecked, Video

FINDINGS: Final = 200
"""Findings that are listed, those with the highest scores."""

QUOTED: Final = 200
"""Characters of what was found that are quoted."""

WHY: Final[Mapping[str, str]] = {
    "not_at_stage": "no rule at this stage reads what it finds",
    "wrong_kind": "it does not judge content of this kind",
    "decoded": "it does not judge what stood encoded in something else",
    "not_opened": "the picture could not be opened",
    "nothing": "there was nothing to judge",
}
"""Why a detector was not asked of a part."""


@dataclass(frozen=True, slots=True)
class NumberedFinding:
    """A finding with its `number`, the leaf that it is in, what it is about (`quote`; `whole`: all of the text), and the text
    that it was found in, where that stood encoded, or is what was read or joined (`within`), or what fills a slot (`fills`).
    """

    number: int
    leaf: int
    finding: Finding
    quote: str | None
    whole: bool = False
    within: str | None = None
    fills: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return the finding as in a verdict, numbered and quoted."""
        more = {"text": self.quote, "whole": self.whole, "within": self.within, "fills": self.fills}
        return {"number": self.number, **self.finding.to_dict(), **more}


@dataclass(frozen=True, slots=True)
class DetectorNote:
    """What one detector did. `state` is `ran`, `cached`, `watched` (films: frame by frame), `read` (what is written in pictures
    or said), `failed` or `not_run`; `why` says why not. `parts` counts the parts by what became of them: `ran`, `cached`,
    `watched`, `failed` or a key of `WHY`. `spared`: a check that may stop early would not have asked it. `rules` are those that
    read what it finds.
    """

    name: str
    state: str
    tier: int
    took_ms: float | None
    findings: int
    parts: Mapping[str, int]
    rules: tuple[str, ...]
    spared: bool = False
    errors: tuple[str, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()

    @property
    def why(self) -> str | None:
        """Why it was not asked."""
        if self.state != "not_run":
            return None
        return "; ".join(WHY[name] for name in self.parts) or WHY["nothing"]

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain JSON values."""
        return {
            "name": self.name,
            "state": self.state,
            "why": self.why,
            "tier": self.tier,
            "took_ms": self.took_ms,
            "findings": self.findings,
            "parts": dict(self.parts),
            "rules": list(self.rules),
            "spared": self.spared,
            "errors": list(self.errors),
            "unchecked": [entry.to_dict() for entry in self.unchecked],
        }


@dataclass(slots=True)
class CheckFindings:
    """All findings of a check; `numbers` has those that are listed, by leaf and finding, `left_out` counts the others; `counts`
    has how many each detector found.
    """

    found: list[NumberedFinding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    numbers: dict[tuple[int, Finding], int] = field(default_factory=dict)
    left_out: int = 0

    def numbers_of(self, pairs: Sequence[tuple[int, Finding]]) -> tuple[int, ...]:
        """Return the numbers of findings; those that are not listed have none."""
        return tuple(sorted({self.numbers[pair] for pair in pairs if pair in self.numbers}))


def number_findings(check: CheckRecord) -> CheckFindings:
    """Number the findings of a check."""
    pairs = dict.fromkeys(
        (index, finding)
        for evaluation in check.evaluations
        for index, item in enumerate(evaluation.items)
        for finding in item.findings
    )
    ranked = sorted(pairs, key=lambda pair: (-pair[1].score, pair[0]))
    out = CheckFindings(left_out=max(0, len(ranked) - FINDINGS))
    out.counts.update(finding.detector for _, finding in ranked)
    for number, (index, finding) in enumerate(ranked[:FINDINGS], 1):
        out.numbers[index, finding] = number
        leaf = check.tree.leaves[index]
        out.found.append(
            NumberedFinding(number, index, finding, *_quote_finding(leaf, finding), fills=leaf.is_filling)
        )
    return out


def _quote_finding(leaf: Leaf, finding: Finding) -> tuple[str | None, bool, str | None]:
    content = leaf.content
    if not isinstance(content, Text) or finding.span is None:
        return None, False, None
    quote = content.text[slice(*finding.span)]
    whole = len(quote) == len(content.text)
    return shorten(quote), whole, shorten(content.text) if leaf.again else None


def shorten(text: str, most: int = QUOTED) -> str:
    """Return a text, of a long one the beginning."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def note_detectors(check: CheckRecord, findings: CheckFindings) -> list[DetectorNote]:
    """Return what each detector of the policies did."""
    bounds: dict[str, BoundDetector] = {}
    for evaluation in check.evaluations:
        bounds.update((bound.digest, bound) for bound in evaluation.policy.detectors)
    ran = {(task.bound.digest, index) for task in check.tasks for index in task.leaves}
    return [_note_detector(check, bound, ran, findings.counts[bound.name]) for bound in bounds.values()]


def _note_detector(
    check: CheckRecord, bound: BoundDetector, ran: set[tuple[str, int]], findings: int
) -> DetectorNote:
    parts = Counter(_part(check, bound, index, ran) for index in range(len(check.tree.leaves)))
    detections = [found[bound.digest] for found in check.round.found if bound.digest in found]
    took = check.outcome.timings.get(bound.name)
    rules = [
        rule.id
        for evaluation in check.evaluations
        for rule in evaluation.policy.rules
        if bound in evaluation.policy.detectors and reads(rule, bound)
    ]
    errors = dict.fromkeys(detection.error for detection in detections if detection.error is not None)
    return DetectorNote(
        name=bound.name,
        state=_state(bound, parts, took),
        tier=bound.tier,
        took_ms=took,
        findings=findings,
        parts=parts,
        rules=tuple(dict.fromkeys(rules)),
        spared=check.sure is not None and bound.tier > check.sure and bool(parts["ran"] or parts["failed"]),
        errors=tuple(errors),
        unchecked=tuple(dict.fromkeys(each for detection in detections for each in detection.unchecked)),
    )


def _part(check: CheckRecord, bound: BoundDetector, index: int, ran: set[tuple[str, int]]) -> str:
    """Return what became of one part for a detector."""
    content = check.tree.leaves[index].content
    detection = check.round.found[index].get(bound.digest)
    if detection is not None:
        if detection.error is not None:
            return "failed"
        if (bound.digest, index) in ran:
            return "ran"
        return "watched" if isinstance(content, Video | Audio) else "cached"
    plans = check.round.plans[index]
    if not any(each.digest == bound.digest for plan in plans for tier in plan.tiers for each in tier):
        return "not_at_stage"
    if not (bound.decoded or content.place.origin is None):
        return "decoded"
    opened = isinstance(content, Media) and bound.pixels and content.kind in bound.contents
    return "not_opened" if opened else "wrong_kind"


def _state(bound: BoundDetector, parts: Mapping[str, int], took: float | None) -> str:
    for state in ("failed", "ran", "watched", "cached"):
        if parts[state]:
            return state
    if (bound.extracts is not None or bound.hears is not None) and took is not None:
        return "read"
    return "not_run"
