"""Takes what is found in a growing text to the rules, finding by finding (`policy/streaming.py`): what is to be replaced, and
whether the text must stop. What exceptions or a length still leave open waits for the text behind it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.conditions.bindings import (
    context_value,
    evaluate_condition,
    hidden_categories,
    unknown_names,
)
from guardrails.engine.conditions.exceptions import FindingScene, apply_exceptions
from guardrails.engine.model import Request, Span
from guardrails.engine.streaming.stream_plan import StreamPlan, reads
from guardrails.policy.compiled import CompiledPolicy, Rule, bind_single_finding
from guardrails.policy.streaming import LENGTH
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Detection, Finding, Place, Text, UnavailableReason

TextSpans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class StreamStop:
    """Why a text stops: a rule and why it fires, or a kind of what could not be judged; and where: what stands before `at`
    may still be shown. `failure` is the kind of failure for which the rule could not be decided.
    """

    rule: Rule | None
    reason: str
    at: int
    kind: str = ""
    failure: UnavailableReason | None = None


@dataclass(slots=True)
class GrowingText:
    """A text as far as it came. Offsets are those of the whole text.

    Attributes:
        place: where it stands.
        most: characters of it that are judged.
        kept: what of it is still needed, from `base` on.
        length: of the text so far.
        mark: the place before which the text is settled.
        ended: whether all of it came.
        is_past: whether it is longer than what is judged.
    """

    place: Place
    most: int = sys.maxsize
    kept: str = ""
    base: int = 0
    length: int = 0
    mark: int = 0
    ended: bool = False
    is_past: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing more of it will be judged."""
        return self.ended or self.is_past

    @property
    def end(self) -> int:
        """Where what is judged so far ends."""
        return self.base + len(self.kept)

    def between(self, start: int, end: int) -> str:
        """Return what stands between two places that are still kept."""
        return self.kept[start - self.base : end - self.base]

    def forget(self, before: int) -> None:
        """Drop what stands before a place, if it is not dropped yet."""
        if before > self.base:
            self.kept, self.base = self.kept[before - self.base :], before


class RuleDecisions:
    """The rules over one growing text.

    Args:
        policies: whose rules count.
        plan: which rules these are, by policy.
        text: what grows; whoever gives it keeps it up to date.
        request: the request that the text belongs to.

    Attributes:
        stop: why the text must not go on, None as long as it may.
        spans: what is to be replaced and was not fetched yet.
        reach: characters behind a finding, and before it, that exceptions look at.
        rereads: whether exceptions have texts judged again without a phrase.
    """

    def __init__(
        self, policies: Sequence[CompiledPolicy], plan: StreamPlan, text: GrowingText, request: Request
    ) -> None:
        self._policies, self._plan, self._text, self._request = policies, plan, text, request
        self._open: list[tuple[Rule, Finding | None, int, TextSpans]] = []
        self._excepted: list[tuple[Rule, Finding, int, TextSpans]] = []
        """What waits for the text behind it, on which exceptions depend."""
        excepting = [each for rules in plan.rules for rule in rules for each in rule.exceptions]
        self.reach = max((each.reach + 1 for each in excepting), default=0)
        self.rereads = any(each.matches is not None for each in excepting)
        self.stop: StreamStop | None = None
        self.spans: list[Span] = []
        self._begin()

    @property
    def waiting(self) -> list[int]:
        """Where what waits stands: the text is not settled from there on."""
        return [at for _, _, at, _ in (*self._open, *self._excepted)]

    def _begin(self) -> None:
        """Take the rules that need no finding to their condition."""
        for rule in (rule for rules in self._plan.rules for rule in rules):
            if not rule.needs_findings and not rule.how.whole and rule.then is not Action.REDACT:
                self._decide(rule, None, 0, ())

    def leave_unjudged(self, kind: str, *, sure: bool = False) -> None:
        """Stop where something is left unjudged, of a kind that stops a text."""
        if sure or kind in self._plan.stops:
            self.stop_at(StreamStop(None, "unchecked", self._text.mark, kind))

    def stop_at(self, stop: StreamStop) -> None:
        """Stop the text, at the first place of all at which it is."""
        before = self.stop
        # Of two that stop at one place, that counts which is certain.
        if before is None or (stop.at, stop.failure is not None) < (before.at, before.failure is not None):
            self.stop = stop

    def take(self, bounds: Sequence[BoundDetector], detection: Detection, at: int = 0) -> None:
        """Take what detectors say; findings without a span stand for the text from `at` on."""
        if detection.error is not None:
            for bound in bounds:
                self._fail(bound, detection.reason)
        for entry in detection.unchecked:
            self.leave_unjudged(entry.kind)
        for finding in detection.findings:
            self.find(bounds[0], finding, at if finding.span is None else finding.span[0])

    def _fail(self, bound: BoundDetector, reason: UnavailableReason) -> None:
        """Take a failure to the rules that depend on the detector."""
        failed = frozenset((bound.name,))
        for policy, rules in self.theirs(bound):
            for rule in rules:
                if not reads(rule, bound):
                    continue
                values = rule.condition.zeros()
                for name in unknown_names(rule.condition, hidden_categories(policy, failed), failed):
                    values.pop(name, None)
                holds = evaluate_condition(rule.condition, values | self._leaves(rule))
                if holds is None and rule.on_error is Action.BLOCK:
                    self.stop_at(StreamStop(rule, "error", self._text.mark, failure=reason))

    def theirs(self, bound: BoundDetector) -> Iterator[tuple[CompiledPolicy, list[Rule]]]:
        """Yield the policies that have a detector, each with its rules that are decided finding by finding."""
        for policy, own, rules in zip(self._policies, self._plan.own, self._plan.rules, strict=True):
            if bound.digest in own:
                yield policy, [rule for rule in rules if not rule.how.whole]

    def find(
        self,
        bound: BoundDetector,
        finding: Finding,
        at: int,
        within: FindingScene | None = None,
        over: TextSpans = (),
    ) -> None:
        """Take a finding, which stands at a place, to the rules. If that is none of this text by itself, `within` is what
        exceptions are decided by; if it stood encoded in the text, `over` are the stretches that hid it, and the span of the
        finding is that of what was hidden, as in the check of the whole.
        """
        over = over or (() if finding.span is None or within is not None else (finding.span,))
        names = with_ancestors(finding.category)
        for _, rules in self.theirs(bound):
            for rule in rules:
                if not rule.condition.categories.isdisjoint(names):
                    self._except(rule, finding, at, over, within)

    def _except(
        self, rule: Rule, finding: Finding, at: int, over: TextSpans, within: FindingScene | None = None
    ) -> None:
        """Take a finding to a rule as exceptions leave it, once the text on which they depend is there."""
        counted: Finding | None = finding
        if rule.exceptions and within is not None:
            counted = apply_exceptions(rule, finding, within)
        elif rule.exceptions and finding.span is not None:
            if not self._is_known(rule, finding.span[1]):
                self._excepted.append((rule, finding, at, over))
                return
            start, end = finding.span
            here = replace(finding, span=(start - self._text.base, end - self._text.base))
            scene = FindingScene(Text(self._text.kept, self._text.place), self._request)
            counted = apply_exceptions(rule, here, scene)
        if counted is not None:
            self._decide(rule, replace(finding, score=counted.score), at, over)

    def _is_known(self, rule: Rule, end: int) -> bool:
        """Tell whether the text behind a place is there, as far as the exceptions of a rule depend on it."""
        reach = max(each.reach for each in rule.exceptions)
        return self._text.is_whole or self._text.end > end + reach

    def _decide(self, rule: Rule, finding: Finding | None, at: int, over: TextSpans) -> None:
        holds = self._holds(rule, finding)
        if holds is None and not self._knows_length(rule):
            self._open.append((rule, finding, at, over))
        elif holds is None and rule.on_error is Action.BLOCK:
            self.stop_at(StreamStop(rule, "error", at))
        elif holds and rule.then is Action.BLOCK:
            self.stop_at(StreamStop(rule, "matched", at))
        elif holds and rule.then is Action.REDACT and finding is not None:
            if not over:
                self.stop_at(StreamStop(rule, "matched", at))
            elif not rule.redact.isdisjoint(with_ancestors(finding.category)):
                rest = "".join(self._text.between(*each) for each in over[1:])
                self.spans += [
                    Span(*each, rule, finding, not nth, "" if nth else rest) for nth, each in enumerate(over)
                ]

    def _holds(self, rule: Rule, finding: Finding | None) -> bool | None:
        if finding is None:
            values = rule.condition.zeros()
        else:
            values = bind_single_finding(rule.condition, finding.category, finding.score, finding.detector)
        return evaluate_condition(rule.condition, values | self._leaves(rule))

    def _leaves(self, rule: Rule) -> dict[str, object]:
        """Return the context that a rule reads, but for a length that may still change what it says."""
        length = min(self._text.length, self._text.most) if self._knows_length(rule) else None
        place = Text("", self._text.place)
        return rule.condition.bind_context(
            lambda name: length if name == LENGTH else context_value(name, place, self._request)
        )

    def _knows_length(self, rule: Rule) -> bool:
        return (
            self._text.is_whole
            or LENGTH not in rule.condition.context
            or self._text.length > rule.how.longest
        )

    def reconsider(self, *, last: bool) -> None:
        """Decide what waited for what comes behind it, or for the length of the text."""
        waited, self._excepted = self._excepted, []
        for rule, finding, at, over in waited:
            self._except(rule, finding, at, over)
        known = [each for each in self._open if last or self._knows_length(each[0])]
        if known:
            self._open = [each for each in self._open if each not in known]
            for each in known:
                self._decide(*each)
