"""Notes how each rule would judge the same text if it were streamed.

A text that grows goes out as it is judged, as far as no rule that may redact or block could still change it
(`engine/streaming/stream_plan.py`). One rule that needs the whole of it holds all of it, so the reason is worth knowing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.engine.core.pipeline import Pipeline
from guardrails.engine.streaming.stream_plan import StreamNeeds, find_stream_needs, is_waited_for, reads
from guardrails.policy.compiled import Rule
from guardrails.types import Action, Mode, Stage

HOWS: Final[Mapping[str, str]] = {
    "whole": "the text is held to its end",
    "segment": "the text goes out passage by passage, each after it was judged",
    "settled": "the text goes out as far as nothing that follows can change what is found",
    "annotate": "the text goes out at once, and is judged beside it",
    "recorded": "the rule changes nothing, and the text does not wait for it",
}
"""How a text that grows waits for a rule; the one that holds it longest first."""


@dataclass(frozen=True, slots=True)
class StreamingNote:
    """How a text at one stage waits for a rule: `how` is a key of `HOWS`, `why` says more, `detectors` are those waited for, and
    `patterns` those of their patterns that may hold any length of it (only of a rule that is asked for by its id).
    """

    rule: str
    stage: Stage
    how: str
    why: str
    detectors: tuple[str, ...]
    patterns: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the note as plain JSON values."""
        return {
            "rule": self.rule,
            "stage": self.stage.value,
            "how": self.how,
            "why": self.why,
            "detectors": list(self.detectors),
            "patterns": list(self.patterns),
        }


def note_streaming(
    pipeline: Pipeline, stages: Iterable[Stage], only: str | None = None
) -> list[StreamingNote]:
    """Return how texts at these stages wait for each rule, or for those called `only`; those that hold most come first."""
    order = [*HOWS]
    needs = {stage: find_stream_needs(pipeline.policies, (stage,)) for stage in stages}
    found = [
        _of(rule, stage, needs[stage], patterns=only is not None)
        for stage in Stage
        if stage in needs
        for rule in _rules(pipeline, stage)
        if only in (None, rule.id)
    ]
    return sorted(found, key=lambda each: order.index(each.how))


def _rules(pipeline: Pipeline, stage: Stage) -> Iterator[Rule]:
    return (rule for policy in pipeline.policies for rule in policy.rules if stage in rule.on)


def _of(rule: Rule, stage: Stage, needs: StreamNeeds, *, patterns: bool) -> StreamingNote:
    if not is_waited_for(rule):
        acts = rule.mode is Mode.ENFORCE and max(rule.then, rule.on_error) >= Action.REDACT
        how = "annotate" if acts else "recorded"
        return StreamingNote(rule.id, stage, how, HOWS[how], ())
    if rule.id in needs.whole:
        return StreamingNote(rule.id, stage, "whole", needs.whole[rule.id], ())
    passages = [bound.name for bound in needs.passages.values() if reads(rule, bound)]
    exact = [bound for bound in needs.exact.values() if reads(rule, bound)]
    how = "segment" if passages else "settled"
    names = (*passages, *(bound.name for bound in exact))
    return StreamingNote(rule.id, stage, how, HOWS[how], names, tuple(_open(exact)) if patterns else ())


def _open(bounds: Iterable[BoundDetector]) -> Iterator[str]:
    """Yield a line for each pattern that may hold any length of a text; to find them takes a while."""
    for bound in bounds:
        if isinstance(bound.detector, PatternsDetector):
            yield from (f"{bound.name}: {line}" for line in StreamRows(bound.detector.table).explain())
