"""The allow path: one text in which no detector finds anything, which is most of all traffic.

Without a finding, a failure or anything unchecked, only rules that can hold without findings could fire;
where a plan has none, the outcome is to allow, and nothing else needs to be built. As soon as there is
anything to say, what was detected so far goes on to the whole pipeline.

One pass over the patterns of all detectors together, for each way to read the text, clears it of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from guardrails.detectors import Bound
from guardrails.detectors.extractors import NOTHING, extract
from guardrails.detectors.patterns import Patterns
from guardrails.detectors.table import PatternError, PatternTable
from guardrails.engine.detect import sound
from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome
from guardrails.policy.compile import CompiledPolicy
from guardrails.text import normalized, revealed, surrogates_replaced
from guardrails.types import CLEAN, Action, Coverage, Detection, KindCoverage, Stage, Text

ALL_PATTERNS = "patterns"
"""The name under which timings hold the one pass over the patterns of all detectors."""


@dataclass(frozen=True, slots=True)
class Path:
    """What contents of some stages need: all `patterns` of which `filter`, one pass over all of them, finds anything, and
    the `others`.
    """

    patterns: tuple[Bound, ...]
    filter: PatternTable | None
    others: tuple[Bound, ...]


def decoding(policies: Sequence[CompiledPolicy]) -> tuple[int, int, int]:
    """Return how deep encodings are followed, how many payloads and how many characters: no floor is weakened by the
    policy above it.
    """
    limits = [policy.limits for policy in policies]
    return (
        max(each.encoding_depth for each in limits),
        max(each.encoded_payloads for each in limits),
        min(each.characters for each in limits),
    )


class Quick:
    """The allow path of some policies together."""

    def __init__(self, policies: Sequence[CompiledPolicy]) -> None:
        self._policies = policies
        self._limit = min(policy.limits.characters for policy in policies)
        self._decoding = decoding(policies)
        self._paths: dict[tuple[Stage, ...], Path | None] = {}

    def allow(
        self,
        leaves: Leaves,
        known: dict[str, Detection],
        timings: dict[str, float],
        limit: int | None = None,
    ) -> Outcome | None:
        """Return the outcome if all is clear, else None, and fill in what was detected and what it took.

        Args:
            leaves: what is checked.
            known: digest of a detector → its detection.
            timings: name of a detector → milliseconds.
            limit: characters up to which the caller's thread may do it (None: the policy's limit).
        """
        started = perf_counter()
        if len(leaves.found) != 1 or leaves.unchecked:
            return None
        content = leaves.found[0].content
        if not isinstance(content, Text) or len(content.text) > (limit or self._limit):
            return None
        place = content.place
        stages = (place.stage, *place.also)
        path = self._paths[stages] if stages in self._paths else self._path(stages)
        if path is None or len(content.text) > self._limit:
            return None
        batch = (content,)
        before = started
        detectors = path.others
        if path.filter is not None:
            found = _found(path.filter, content.text)
            clean = [bound for bound in path.patterns if found.isdisjoint(bound.categories)]
            known.update((bound.digest, CLEAN) for bound in clean)
            if len(clean) < len(path.patterns):
                some = (bound for bound in path.patterns if not found.isdisjoint(bound.categories))
                detectors = (*some, *path.others)
            before = perf_counter()
            timings[ALL_PATTERNS] = (before - started) * 1000.0
        for bound in detectors:
            detection = _asked(bound, batch)
            if detection is None:
                return None
            known[bound.digest] = detection if detection is CLEAN else sound(detection, content)
            after = perf_counter()
            timings[bound.name] = (after - before) * 1000.0
            before = after
            if detection is not CLEAN:
                return None
        if extract(content.text, *self._decoding) is not NOTHING:
            return None
        timings["total"] = (perf_counter() - started) * 1000.0
        coverage = Coverage({"text": KindCoverage(1, 1, len(content.text))}, (), tuple(leaves.unknown))
        return Outcome(Action.ALLOW, (), (), (), coverage, (), True, timings=timings)

    def _path(self, stages: tuple[Stage, ...]) -> Path | None:
        """Return what contents of these stages need, None if some detector is slow or a rule needs no finding."""
        plans = [policy.plan(stages) for policy in self._policies]
        bounds = {
            bound.digest: bound
            for plan in plans
            for tier in plan.tiers
            for bound in tier
            if "text" in bound.contents
        }
        at_once = all(bound.inline or bound.at_once is not None for bound in bounds.values())
        quick = at_once and not any(plan.always for plan in plans)
        # What may need a worker after all comes last.
        ordered = sorted(bounds.values(), key=lambda bound: not bound.inline)
        self._paths[stages] = _path(tuple(ordered)) if quick else None
        return self._paths[stages]


def _asked(bound: Bound, batch: tuple[Text]) -> Detection | None:
    """Return what a detector says, None where it needs a worker, or fails."""
    try:
        answers = (
            bound.detector.detect(batch) if bound.inline or bound.at_once is None else bound.at_once(batch)
        )
        return None if answers is None else answers[0]
    except KeyboardInterrupt:
        raise
    except BaseException:
        return None  # the pipeline asks again, and makes the failure part of the verdict


def _found(table: PatternTable, text: str) -> frozenset[str]:
    """Return the categories of the patterns that may be found in a text, in one of the ways to read it."""
    text = surrogates_replaced(text)
    views = revealed(text) if text.isascii() else (normalized(text), *revealed(text))
    readings = dict.fromkeys((text, *(view.text for view in views)))
    return frozenset().union(*(table.categories(reading) for reading in readings))


def _path(detectors: tuple[Bound, ...]) -> Path:
    """Put the patterns of several detectors into one filter: one pass costs little more than the dearest alone."""
    shared = [bound for bound in detectors if isinstance(bound.detector, Patterns)]
    tables = [bound.detector.table for bound in shared if isinstance(bound.detector, Patterns)]
    if len(shared) < 2 or not all(table.linear for table in tables):
        return Path((), None, detectors)
    try:
        together = PatternTable.union(tables)
    except PatternError:  # too large together, though each is not: search them one by one
        return Path((), None, detectors)
    others = tuple(bound for bound in detectors if not isinstance(bound.detector, Patterns))
    return Path(tuple(shared), together, others)
