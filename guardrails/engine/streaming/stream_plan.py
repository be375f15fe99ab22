"""The plan of a stream: the rules and detectors that a growing text waits for at some stages.

Waited for are the rules that could still change or stop the text, and the detectors that they read. What only records is
judged when the text is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from guardrails import taxonomy
from guardrails.detectors.binding import Begin, BoundDetector
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.types import Action, Mode, Stage

UNREAD: Final = "language"
"""The kind of what is left unchecked that detectors tell passage by passage."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long a text may become, how much of it may be held for what is open, and whether more is held rather than stopped."""

    characters: int
    max_hold: int
    holds: bool


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What texts of some stages wait for.

    Attributes:
        rules: of each policy, those that may redact or block.
        own: of each policy, the digests of its detectors: what others find is nothing to its rules.
        exact: detectors that say how far their findings are settled.
        streams: what begins a growing text for these, and which it stands for: detectors of the same policies.
        passages: detectors that judge one passage after the other.
        whole: why nothing goes out before the end: rule → reason; empty if nothing does that.
        stops: the kinds of what is left unchecked that stop a text.
    """

    rules: tuple[tuple[Rule, ...], ...]
    own: tuple[frozenset[str], ...]
    exact: tuple[BoundDetector, ...]
    streams: tuple[tuple[tuple[BoundDetector, ...], Begin], ...]
    passages: tuple[BoundDetector, ...]
    whole: dict[str, str]
    stops: frozenset[str]

    @property
    def decoded(self) -> tuple[BoundDetector, ...]:
        """The detectors that judge what stands encoded in the text as well."""
        return tuple(bound for bound in (*self.exact, *self.passages) if bound.decoded)


@dataclass(slots=True)
class StreamNeeds:
    """What texts of some stages wait for, before what begins growing texts for them is put together: the fields of a
    `StreamPlan`, detectors by digest.
    """

    rules: list[tuple[Rule, ...]] = field(default_factory=list)
    exact: dict[str, BoundDetector] = field(default_factory=dict)
    passages: dict[str, BoundDetector] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    stops: frozenset[str] = frozenset()

    def add(self, rule: Rule, bound: BoundDetector) -> None:
        """Add a detector that a rule reads."""
        if "text" not in bound.contents:
            return
        if bound.stream is not None:
            self.exact[bound.digest] = bound
        elif rule.then is Action.REDACT:
            reason = f"it redacts what detector {bound.name!r} finds, which needs the whole text"
            self.whole[rule.id] = reason
        elif bound.format_problems is not None:  # a passage of valid JSON is none, whatever the rule says
            self.whole[rule.id] = (
                f"detector {bound.name!r} needs the whole text, as a part of a valid one is not valid"
            )
        elif rule.stream == "segment" or bound.passages:
            self.passages[bound.digest] = bound
        else:
            self.whole[rule.id] = f"detector {bound.name!r} needs the whole text"


def find_stream_needs(policies: Sequence[CompiledPolicy], stages: tuple[Stage, ...]) -> StreamNeeds:
    """Return what texts at these stages wait for, as far as policies tell."""
    needs = StreamNeeds()
    needs.stops = frozenset(
        kind for policy in policies for kind, action in policy.unchecked.items() if action is Action.BLOCK
    )
    for policy in policies:
        plan = policy.plan(stages)
        bounds = [bound for tier in plan.tiers for bound in tier]
        if UNREAD in needs.stops:  # also for detectors of rules that only record
            needs.passages.update((bound.digest, bound) for bound in bounds if bound.passages)
        needs.rules.append(tuple(filter(is_waited_for, plan.rules)))
        for rule in needs.rules[-1]:
            if _is_of_pictures(rule, bounds):
                continue
            if rule.how.whole or (not rule.needs_findings and rule.then is Action.REDACT):
                needs.whole[rule.id] = rule.how.whole or "it may redact without a finding"
                continue
            for bound in bounds:
                if reads(rule, bound):
                    needs.add(rule, bound)
    return needs


def build_stream_plan(policies: Sequence[CompiledPolicy], stages: tuple[Stage, ...]) -> StreamPlan:
    """Return what texts at these stages wait for."""
    needs = find_stream_needs(policies, stages)
    own = tuple(frozenset(bound.digest for bound in policy.detectors) for policy in policies)
    of_same: dict[tuple[bool, ...], list[BoundDetector]] = {}
    for bound in needs.exact.values():
        of_same.setdefault(tuple(bound.digest in some for some in own), []).append(bound)
    return StreamPlan(
        rules=tuple(needs.rules),
        own=own,
        exact=tuple(needs.exact.values()),
        streams=tuple(each for bounds in of_same.values() for each in begin_streams(bounds)),
        passages=tuple(needs.passages.values()),
        whole=needs.whole,
        stops=needs.stops,
    )


def _is_of_pictures(rule: Rule, bounds: Sequence[BoundDetector]) -> bool:
    """Tell whether nothing that is found in a text can make a rule fire."""
    able = [bound for bound in bounds if reads(rule, bound)]
    return rule.needs_findings and bool(able) and not any("text" in bound.contents for bound in able)


def begin_streams(bounds: Sequence[BoundDetector]) -> Iterator[tuple[tuple[BoundDetector, ...], Begin]]:
    """Yield what begins a growing text for detectors: those of one class and one file do so together where they can."""
    merged: dict[tuple[type, str], dict[int, BoundDetector]] = {}
    for bound in bounds:
        if bound.merge_streams is not None:
            merged.setdefault((type(bound.detector), bound.family), {})[id(bound.detector)] = bound
    for own in merged.values():
        [merge, *_] = (bound.merge_streams for bound in own.values())
        assert merge is not None
        for group, begin in merge([bound.detector for bound in own.values()]):
            yield tuple(own[id(each)] for each in group), begin
    for bound in bounds:
        if bound.merge_streams is None and bound.stream is not None:
            yield (bound,), bound.stream


def is_waited_for(rule: Rule) -> bool:
    """Tell whether a text waits for a rule."""
    strictest = max(rule.then, rule.on_error) if rule.on_fail is None else Action.REDACT
    return rule.mode is Mode.ENFORCE and strictest >= Action.REDACT and rule.stream != "annotate"


@lru_cache(maxsize=4_096)
def _worth(categories: frozenset[str]) -> frozenset[str]:
    """Return every name that is worth at least as much as one of some categories."""
    return frozenset(name for category in categories for name in taxonomy.with_ancestors(category))


def reads(rule: Rule, bound: BoundDetector) -> bool:
    """Tell whether a rule depends on what a detector finds."""
    condition = rule.condition
    any_of = {*condition.scores, *(category for _, category in condition.counts)} | rule.redact
    given = _worth(bound.categories)
    named = any(name == bound.name and category in given for _, name, category in condition.detectors)
    if condition.detectors and not condition.scores and not condition.counts:
        return named  # what it redacts makes the condition hold by itself
    return named or not given.isdisjoint(any_of)
