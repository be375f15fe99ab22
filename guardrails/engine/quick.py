"""The allow path: one text in which no detector finds anything, which is most of all traffic.

Without a finding, a failure or anything unchecked, only rules that can hold without findings could fire;
where a plan has none, the outcome is to allow, and nothing else needs to be built. As soon as there is
anything to say, what was detected so far goes on to the whole pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from guardrails.detectors import Bound
from guardrails.engine.detect import sound
from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome
from guardrails.policy.compile import CompiledPolicy
from guardrails.types import CLEAN, Action, Coverage, Detection, KindCoverage, Stage, Text


class Quick:
    """The allow path of some policies together."""

    def __init__(self, policies: Sequence[CompiledPolicy]) -> None:
        self._policies = policies
        self._limit = min(policy.limits.characters for policy in policies)
        self._plans: dict[tuple[Stage, ...], tuple[Bound, ...] | None] = {}

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
        bounds = self._plans[stages] if stages in self._plans else self._plan(stages)
        if bounds is None or len(content.text) > self._limit:
            return None
        batch = (content,)
        before = started
        for bound in bounds:
            try:
                [detection] = bound.detector.detect(batch)
            except KeyboardInterrupt:
                raise
            except BaseException:
                return None  # the pipeline asks again, and makes the failure part of the verdict
            known[bound.digest] = detection if detection is CLEAN else sound(detection, content)
            after = perf_counter()
            timings[bound.name] = (after - before) * 1000.0
            before = after
            if detection is not CLEAN:
                return None
        timings["total"] = (before - started) * 1000.0
        coverage = Coverage({"text": KindCoverage(1, 1, len(content.text))}, (), tuple(leaves.unknown))
        return Outcome(Action.ALLOW, (), (), (), coverage, (), True, timings=timings)

    def _plan(self, stages: tuple[Stage, ...]) -> tuple[Bound, ...] | None:
        """Return the detectors that contents of these stages need, None if some are slow or a rule needs no
        finding.
        """
        plans = [policy.plan(stages) for policy in self._policies]
        bounds = {
            bound.digest: bound
            for plan in plans
            for tier in plan.tiers
            for bound in tier
            if "text" in bound.contents
        }
        quick = all(bound.inline for bound in bounds.values()) and not any(plan.always for plan in plans)
        self._plans[stages] = tuple(bounds.values()) if quick else None
        return self._plans[stages]
