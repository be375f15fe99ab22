"""Evaluates one growing text: what is to be replaced, up to where that is certain, and whether it must stop.

Each detector says how far its findings are settled, or judges passage by passage; each finding is taken to the rules by
itself (`policy/streaming.py`). `StreamEvaluator.mark` is the place before which nothing that comes can change what becomes of the
text. What may take long is yielded as tasks, as in `Pipeline.steps`. Work: linear in the text.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.capabilities import PassageStream
from guardrails.detectors.encodings.extractors import DerivedText
from guardrails.detectors.encodings.payload_stream import PayloadStream
from guardrails.engine.conditions.bindings import (
    context_value,
    evaluate_condition,
    hidden_categories,
    unknown_names,
)
from guardrails.engine.conditions.exceptions import (
    FindingScene,
    Reread,
    Rereading,
    RereadScores,
    apply_exceptions,
    find_reread,
)
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.embedded_media import MediaHold, add_embedded_media, media_kinds
from guardrails.engine.core.pipeline import Pipeline
from guardrails.engine.core.task_runner import run_tasks
from guardrails.engine.core.worker_pool import workers
from guardrails.engine.detector_task import Task
from guardrails.engine.model import Request, Span
from guardrails.engine.streaming.detector_streams import (
    DetectorStream,
    StreamCall,
    WorkerPassageStream,
    ask_safely,
    begin_passages,
)
from guardrails.engine.streaming.stream_plan import StreamPlan, reads
from guardrails.inference.safety.passages import split_passages
from guardrails.policy.compiled import CompiledPolicy, Rule, bind_single_finding
from guardrails.policy.streaming import LENGTH
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Detection, Finding, Place, Text, UnavailableReason

LOG = logging.getLogger("guardrails")

CONTEXT: Final = 400
"""Characters before a passage back to which the passages before it are read with it."""

Steps = Generator[list[Task], None, None]
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


class StreamEvaluator:
    """One growing text, as one voice of an answer. One that is `joined` is read in addition to its parts, which have the limit
    of length and are judged passage by passage.

    Attributes:
        length: of the text so far.
        mark: the place before which the text is settled.
        stop: why the text must not go on, None as long as it may.
        spans: what is to be replaced and was not fetched yet; offsets are those of the whole text.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        place: Place,
        request: Request,
        context: Mapping[str, str] | None = None,
        *,
        joined: bool = False,
    ) -> None:
        self._place, self._request, self._context = place, request, context
        self._policies = pipeline.policies
        self._plan: StreamPlan = pipeline.stream_plan((place.stage, *place.also))
        self._limits = pipeline.limits
        self._most = sys.maxsize if joined else self._limits.characters
        self._streams = [DetectorStream(bounds, begin, context) for bounds, begin in self._plan.streams]
        self._by_passages = not joined and bool(self._plan.passages)
        self._passages: list[tuple[BoundDetector, PassageStream | None]] = [
            (bound, begin_passages(bound, context)) for bound in self._plan.passages if self._by_passages
        ]
        self._payloads = PayloadStream(*pipeline.decoding) if self._plan.decoded else None
        self._pipeline = pipeline
        self._hold = MediaHold() if media_kinds(self._policies, (place.stage, *place.also)) else None
        self._text, self._base = "", 0
        self._waiting = ""
        """What came and was given to nobody yet, as no passage that is due has ended with it."""
        self._starts = [0]
        self._open: list[tuple[Rule, Finding | None, int, TextSpans]] = []
        self._excepted: list[tuple[Rule, Finding, int, TextSpans]] = []
        """What waits for the text behind it, on which exceptions depend."""
        excepting = [each for rules in self._plan.rules for rule in rules for each in rule.exceptions]
        self._reach = max((each.reach + 1 for each in excepting), default=0)
        self._rereads = any(each.matches is not None for each in excepting)
        self._ended = self._is_past = self._is_judging = False
        self.length = self.mark = 0
        self.stop: StreamStop | None = None
        self.spans: list[Span] = []
        self._begin()

    def _begin(self) -> None:
        """Take the rules that need no finding to their condition."""
        for rule in (rule for rules in self._plan.rules for rule in rules):
            if not rule.needs_findings and not rule.how.whole and rule.then is not Action.REDACT:
                self._decide(rule, None, 0, ())

    @property
    def is_whole(self) -> bool:
        """Whether the text is held to its end."""
        return bool(self._plan.whole) or any(stream.is_held for stream in self._streams)

    def steps(self, delta: str, inline: int | None, *, last: bool = False) -> Steps:
        """Take a part, or with `last` the end; yields what is to be run for it.

        Raises:
            ValueError: the text has ended, or what was yielded for an earlier part was not run.
        """
        if self._ended or self._is_judging:
            raise ValueError("the stream has failed" if self._is_judging else "the stream has ended")
        self._ended = last
        room = max(0, self._most - self.length)
        self.length += len(delta)
        if len(delta) > room:
            self._past("limit")
        if self.stop is not None:
            return
        if not self._is_past:
            # What lies past the limit is not judged; where that does not stop the text, it ends there for all detectors.
            self._is_past = len(delta) > room
            last = last or self._is_past
            self._waiting += delta[:room]
            # For ever, if nobody goes on: what was not judged must not count as settled.
            self._is_judging = True
            is_shown = self._by_passages and not last and self.mark >= self._starts[-1]
            if is_shown and not (yield from self._find_ends(inline)):
                self._is_judging = False
                return  # all that was judged is shown, and nothing else could be, whatever is found
            delta, self._waiting = self._waiting, ""
            yield from self._judge(delta, inline, last=last)
            self._is_judging = False
        self._reconsider(last=self._ended)
        self._settle(last=self._ended)

    def _judge(self, delta: str, inline: int | None, *, last: bool) -> Steps:
        before = self.mark
        self._text += delta
        yield from self._feed(delta, inline, last=last)
        if self._hold is not None:
            for opener, start, end in self._hold.feed(delta, last=last):
                carrying = opener + self._text[start - self._base : end - self._base]
                yield from self._judge_carried(carrying, start, inline)
        if self._by_passages:
            yield from self._judge_passages(inline, last=last)
        if self._payloads is not None:
            hidden = self._payloads.feed(delta, before) if delta else []
            hidden += self._payloads.flush(before) if last else []
            if self._payloads.left:
                self._past("limit")
            if hidden:
                yield from self._judge_hidden(hidden, inline)

    def _feed(self, delta: str, inline: int | None, *, last: bool) -> Steps:
        """Have detectors take a part."""
        calls: list[tuple[DetectorStream, StreamCall[list[Detection]]]] = []
        for stream in self._streams:
            if stream.is_held:
                continue
            feed = partial(stream.feed, delta, last=last)
            if stream.on_worker:
                calls.append((stream, StreamCall(stream.bounds[0], feed)))
            else:
                self._take_part(stream, ask_safely(feed))
        if calls:
            yield from run_tasks([call for _, call in calls], inline)
            for stream, call in calls:
                self._take_part(stream, call.answer)

    def _take_part(self, stream: DetectorStream, said: Sequence[Detection] | None) -> None:
        """Take what detectors say of a part; where they fail, the text is held until the check of the whole says what that
        means.
        """
        if said is None:
            names = ", ".join(bound.name for bound in stream.bounds)
            LOG.warning("the stream of detector %s failed: the text is held until its end", names)
            stream.is_held = True
            return
        for detection in said:
            self._take(stream.bounds, detection)

    def _settle(self, *, last: bool) -> None:
        marks = [self.length, *(at for _, _, at, _ in (*self._open, *self._excepted))]
        if not last and not self._is_past:
            marks += [stream.settled for stream in self._streams if not stream.is_held]
            if self._by_passages:
                marks.append(self._starts[-1])
            if self._payloads is not None:
                marks.append(self._payloads.settled)
            if self._hold is not None and self._hold.at is not None:
                marks.append(self._hold.at)
        if self.stop is not None:
            marks.append(self.stop.at)
        mark = max(self.mark, min(marks))
        if last or not self.is_whole:
            self.mark = mark
            if self.length - mark > self._limits.max_hold and not self._limits.holds:
                self._past("limit", sure=True)
        keep = (min(mark, self._starts[0]) if self._by_passages else mark) - self._reach - self._base
        if keep > 0:
            self._text = self._text[keep:]
            self._base += keep

    def _past(self, kind: str, *, sure: bool = False) -> None:
        """Stop where something is left unjudged, of a kind that stops a text."""
        if sure or kind in self._plan.stops:
            self._stop(StreamStop(None, "unchecked", self.mark, kind))

    def _stop(self, stop: StreamStop) -> None:
        """Stop the text, at the first place of all at which it is."""
        before = self.stop
        # Of two that stop at one place, that counts which is certain.
        if before is None or (stop.at, stop.failure is not None) < (before.at, before.failure is not None):
            self.stop = stop

    def _take(self, bounds: Sequence[BoundDetector], detection: Detection, at: int = 0) -> None:
        """Take what detectors say; findings without a span stand for the text from `at` on."""
        if detection.error is not None:
            for bound in bounds:
                self._fail(bound, detection.reason)
        for entry in detection.unchecked:
            self._past(entry.kind)
        for finding in detection.findings:
            self._find(bounds[0], finding, at if finding.span is None else finding.span[0])

    def _fail(self, bound: BoundDetector, reason: UnavailableReason) -> None:
        """Take a failure to the rules that depend on the detector."""
        failed = frozenset((bound.name,))
        for policy, rules in self._theirs(bound):
            for rule in rules:
                if not reads(rule, bound):
                    continue
                values = rule.condition.zeros()
                for name in unknown_names(rule.condition, hidden_categories(policy, failed), failed):
                    values.pop(name, None)
                holds = evaluate_condition(rule.condition, values | self._leaves(rule))
                if holds is None and rule.on_error is Action.BLOCK:
                    self._stop(StreamStop(rule, "error", self.mark, failure=reason))

    def _theirs(self, bound: BoundDetector) -> Iterator[tuple[CompiledPolicy, list[Rule]]]:
        """Yield the policies that have a detector, each with its rules that are decided finding by finding."""
        for policy, own, rules in zip(self._policies, self._plan.own, self._plan.rules, strict=True):
            if bound.digest in own:
                yield policy, [rule for rule in rules if not rule.how.whole]

    def _find(
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
        for _, rules in self._theirs(bound):
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
            here = replace(finding, span=(start - self._base, end - self._base))
            scene = FindingScene(Text(self._text, self._place), self._request)
            counted = apply_exceptions(rule, here, scene)
        if counted is not None:
            self._decide(rule, replace(finding, score=counted.score), at, over)

    def _is_known(self, rule: Rule, end: int) -> bool:
        """Tell whether the text behind a place is there, as far as the exceptions of a rule depend on it."""
        reach = max(each.reach for each in rule.exceptions)
        is_whole = self._ended or self._is_past
        return is_whole or self._base + len(self._text) > end + reach

    def _decide(self, rule: Rule, finding: Finding | None, at: int, over: TextSpans) -> None:
        holds = self._holds(rule, finding)
        if holds is None and not self._knows_length(rule):
            self._open.append((rule, finding, at, over))
        elif holds is None and rule.on_error is Action.BLOCK:
            self._stop(StreamStop(rule, "error", at))
        elif holds and rule.then is Action.BLOCK:
            self._stop(StreamStop(rule, "matched", at))
        elif holds and rule.then is Action.REDACT and finding is not None:
            if not over:
                self._stop(StreamStop(rule, "matched", at))
            elif not rule.redact.isdisjoint(with_ancestors(finding.category)):
                rest = "".join(map(self._between, over[1:]))
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
        length = min(self.length, self._most) if self._knows_length(rule) else None
        place = Text("", self._place)
        return rule.condition.bind_context(
            lambda name: length if name == LENGTH else context_value(name, place, self._request)
        )

    def _knows_length(self, rule: Rule) -> bool:
        is_whole = self._ended or self._is_past
        return is_whole or LENGTH not in rule.condition.context or self.length > rule.how.longest

    def _between(self, stretch: tuple[int, int]) -> str:
        """Return what stands in a stretch that is not settled yet."""
        start, end = stretch
        return self._text[start - self._base : end - self._base]

    def _reconsider(self, *, last: bool) -> None:
        """Decide what waited for what comes behind it, or for the length of the text."""
        waited, self._excepted = self._excepted, []
        for rule, finding, at, over in waited:
            self._except(rule, finding, at, over)
        known = [each for each in self._open if last or self._knows_length(each[0])]
        if known:
            self._open = [each for each in self._open if each not in known]
            for each in known:
                self._decide(*each)

    def _judge_passages(self, inline: int | None, *, last: bool) -> Steps:
        """Judge the passages that have ended, each with those before it."""
        begin, ends = self._starts[-1], (yield from self._find_ends(inline, last=last))
        if not ends:
            return
        first = self._starts[0]
        contents: list[tuple[int, Text]] = []
        for end in ends:
            text = self._text[self._starts[0] - self._base : end - self._base]
            contents.append((self._starts[-1], Text(text, self._place, self._context)))
            self._starts.append(end)
            while end - self._starts[0] > CONTEXT and len(self._starts) > 1:
                del self._starts[0]
        follows = [
            (begin, Text(self._text[begin - self._base : ends[-1] - self._base], self._place, self._context))
        ]
        read = Text(self._text[first - self._base : ends[-1] - self._base], self._place, self._context)
        forks = [None if stream is None else ask_safely(stream.fork) for _, stream in self._passages]
        tasks = [
            _task(bound, contents) if fork is None else _task(bound, follows, fork)
            for (bound, _), fork in zip(self._passages, forks, strict=True)
        ]
        yield from run_tasks(tasks, inline)
        for at, (task, fork) in enumerate(zip(tasks, forks, strict=True)):
            taken = contents if fork is None else [(begin, read)]
            bound = self._passages[at][0]  # the task's own goes on from passage to passage
            yield from self._take_passages(bound, task, taken, inline, follows=fork is not None)
            if fork is not None:
                failed = any(answer.error is not None for answer in task.answers)
                self._passages[at] = bound, begin_passages(bound, self._context) if failed else fork

    def _find_ends(self, inline: int | None, *, last: bool = False) -> Generator[list[Task], None, list[int]]:
        """Return where the passages end that are to be judged now; none where all who judge them would rather wait."""
        begin = self._starts[-1]
        rest = self._text[begin - self._base :] + self._waiting
        ends = [begin + end for _, end in split_passages(rest)]
        if last:
            return ends
        del ends[-1:]
        # What is held must not come to be too much for the sake of saving work.
        if not ends or begin == 0 or 2 * (begin + len(rest) - self.mark) >= self._limits.max_hold:
            return ends
        size, busy = ends[-1] - begin, workers().waiting > 0
        for bound, stream in self._passages:
            if stream is None:
                return ends
            ask = partial(stream.is_due, size, busy=busy)
            if isinstance(stream, WorkerPassageStream):
                call = StreamCall(bound, ask)
                yield from run_tasks([call], inline)
                is_due = call.answer
            else:
                is_due = ask_safely(ask)
            if is_due is not False:
                return ends
        return []

    def _take_passages(
        self,
        bound: BoundDetector,
        task: Task,
        contents: Sequence[tuple[int, Text]],
        inline: int | None,
        *,
        follows: bool,
    ) -> Steps:
        """Take what a detector says of texts that end a stretch of this one which begins at a place, or that follow there;
        each is given with what stands before it.
        """
        for (at, read), answer in zip(contents, task.answers, strict=True):
            self._take((task.bound,), replace(answer, findings=()))
            rereads: Mapping[Reread, RereadScores] = {}
            if answer.findings and self._rereads:
                whole = [replace(each, span=None) for each in answer.findings]
                rereads = yield from self._reread(bound, whole, read, inline)
            for finding in answer.findings:
                # A passage is read with others, so that a finding stands for it as a whole.
                start = finding.span[0] if follows and finding.span is not None else 0
                scene = FindingScene(read, self._request, rereads=rereads)
                self._find(task.bound, replace(finding, span=None), at + start, scene)

    def _reread(
        self, bound: BoundDetector, findings: Iterable[Finding], read: Text, inline: int | None
    ) -> Generator[list[Task], None, dict[Reread, RereadScores]]:
        """Have a text judged again without the phrases that exceptions are for; return what was said of it."""
        scene = FindingScene(read, self._request)
        wanted: dict[Reread, Text] = {}
        for finding in findings:
            names = with_ancestors(finding.category)
            for rule in (rule for _, rules in self._theirs(bound) for rule in rules):
                if rule.exceptions and not rule.condition.categories.isdisjoint(names):
                    reread = find_reread(rule, finding, scene)
                    wanted |= {} if reread is None else {reread: read}
        rereading = Rereading(wanted, (bound,))
        yield from run_tasks(rereading.tasks, inline)
        return dict(rereading.settle())

    def _judge_carried(self, text: str, at: int, inline: int | None) -> Steps:
        """Judge the pictures that a stretch carries, for which it was held; what may not pass as it is stops the text there."""
        tree = ContentTree(leaves=[Leaf(Text(text, self._place, self._context))])
        add_embedded_media(tree, self._policies, self._most)
        del tree.leaves[0]
        if tree.leaves or tree.unchecked:
            outcome = yield from self._pipeline.check_steps(tree, self._request, inline)
            if outcome.action >= Action.REDACT:
                self._stop(StreamStop(None, "unchecked", at, "part"))

    def _judge_hidden(self, hidden: Iterable[DerivedText], inline: int | None) -> Steps:
        """Judge what stood encoded in the text."""
        payloads = [*hidden]
        contents: list[Any] = [
            Text(each.text, replace(self._place, origin=each.origin), self._context) for each in payloads
        ]
        places = [*range(len(contents))]
        tasks = [Task(bound, places, contents) for bound in self._plan.decoded]
        yield from run_tasks(tasks, inline)
        for task in tasks:
            for derived, content, answer in zip(payloads, contents, task.answers, strict=True):
                self._take((task.bound,), replace(answer, findings=()))
                rereads: Mapping[Reread, RereadScores] = {}
                if answer.findings and self._rereads:
                    rereads = yield from self._reread(task.bound, answer.findings, content, inline)
                for finding in answer.findings:
                    if finding.span is not None and not derived.hides(finding.span):
                        continue
                    scene = FindingScene(content, self._request, rereads=rereads)
                    over = () if finding.span is None else derived.originals(finding.span)
                    self._find(task.bound, finding, over[0][0] if over else self.mark, scene, over)


def _task(
    bound: BoundDetector, contents: Sequence[tuple[int, Text]], stream: PassageStream | None = None
) -> Task:
    """Return the task of judging texts, by a detector or by its stream."""
    if stream is not None:
        bound = replace(bound, detector=stream, at_once=None, adetect=None)
    return Task(bound, [*range(len(contents))], [content for _, content in contents])
