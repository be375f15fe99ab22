"""Evaluates one growing text: what is to be replaced, up to where that is certain, and whether it must stop.

Each detector says how far its findings are settled, or judges passage by passage; each finding is taken to the rules by
itself (`policy/streaming.py`). `StreamEvaluator.mark` is the place before which nothing that comes can change what becomes of the
text. What may take long is yielded as tasks, as in `Pipeline.steps`. Work: linear in the text.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.capabilities import PassageStream
from guardrails.detectors.encodings.extractors import DerivedText
from guardrails.detectors.encodings.payload_stream import PayloadStream
from guardrails.engine.conditions.exceptions import (
    FindingScene,
    Reread,
    Rereading,
    RereadScores,
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
from guardrails.engine.streaming.rule_decisions import GrowingText, RuleDecisions, StreamStop
from guardrails.engine.streaming.stream_plan import StreamPlan
from guardrails.inference.safety.passages import split_passages
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Detection, Finding, Place, Text

LOG = logging.getLogger("guardrails")

CONTEXT: Final = 400
"""Characters before a passage back to which the passages before it are read with it."""

Steps = Generator[list[Task], None, None]
TextSpans = Sequence[tuple[int, int]]


class StreamEvaluator:
    """One growing text, as one voice of an answer. One that is `joined` is read in addition to its parts, which have the limit
    of length and are judged passage by passage.

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
        self._request, self._context = request, context
        self._plan: StreamPlan = pipeline.stream_plan((place.stage, *place.also))
        self._limits = pipeline.limits
        self._text = GrowingText(place, sys.maxsize if joined else self._limits.characters)
        self._streams = [DetectorStream(bounds, begin, context) for bounds, begin in self._plan.streams]
        self._by_passages = not joined and bool(self._plan.passages)
        self._passages: list[tuple[BoundDetector, PassageStream | None]] = [
            (bound, begin_passages(bound, context)) for bound in self._plan.passages if self._by_passages
        ]
        self._payloads = PayloadStream(*pipeline.decoding) if self._plan.decoded else None
        self._pipeline = pipeline
        self._hold = MediaHold() if media_kinds(pipeline.policies, (place.stage, *place.also)) else None
        self._waiting = ""
        """What came and was given to nobody yet, as no passage that is due has ended with it."""
        self._starts = [0]
        self._is_judging = False
        self._decisions = RuleDecisions(pipeline.policies, self._plan, self._text, request)

    @property
    def length(self) -> int:
        """The length of the text so far."""
        return self._text.length

    @property
    def mark(self) -> int:
        """The place before which the text is settled."""
        return self._text.mark

    @property
    def stop(self) -> StreamStop | None:
        """Why the text must not go on, None as long as it may."""
        return self._decisions.stop

    def take_spans(self) -> list[Span]:
        """Return what is to be replaced and was not fetched yet; offsets are those of the whole text."""
        taken, self._decisions.spans = self._decisions.spans, []
        return taken

    @property
    def is_whole(self) -> bool:
        """Whether the text is held to its end."""
        return bool(self._plan.whole) or any(stream.is_held for stream in self._streams)

    def steps(self, delta: str, inline: int | None, *, last: bool = False) -> Steps:
        """Take a part, or with `last` the end; yields what is to be run for it.

        Raises:
            ValueError: the text has ended, or what was yielded for an earlier part was not run.
        """
        if self._text.ended or self._is_judging:
            raise ValueError("the stream has failed" if self._is_judging else "the stream has ended")
        self._text.ended = last
        room = max(0, self._text.most - self._text.length)
        self._text.length += len(delta)
        if len(delta) > room:
            self._decisions.leave_unjudged("limit")
        if self._decisions.stop is not None:
            return
        if not self._text.is_past:
            # What lies past the limit is not judged; where that does not stop the text, it ends there for all detectors.
            self._text.is_past = len(delta) > room
            last = last or self._text.is_past
            self._waiting += delta[:room]
            # For ever, if nobody goes on: what was not judged must not count as settled.
            self._is_judging = True
            is_shown = self._by_passages and not last and self._text.mark >= self._starts[-1]
            if is_shown and not (yield from self._find_ends(inline)):
                self._is_judging = False
                return  # all that was judged is shown, and nothing else could be, whatever is found
            delta, self._waiting = self._waiting, ""
            yield from self._judge(delta, inline, last=last)
            self._is_judging = False
        self._decisions.reconsider(last=self._text.ended)
        self._settle(last=self._text.ended)

    def _judge(self, delta: str, inline: int | None, *, last: bool) -> Steps:
        before = self._text.mark
        self._text.kept += delta
        yield from self._feed(delta, inline, last=last)
        if self._hold is not None:
            for opener, start, end in self._hold.feed(delta, last=last):
                carrying = opener + self._text.between(start, end)
                yield from self._judge_carried(carrying, start, inline)
        if self._by_passages:
            yield from self._judge_passages(inline, last=last)
        if self._payloads is not None:
            hidden = self._payloads.feed(delta, before) if delta else []
            hidden += self._payloads.flush(before) if last else []
            if self._payloads.left:
                self._decisions.leave_unjudged("limit")
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
            self._decisions.take(stream.bounds, detection)

    def _settle(self, *, last: bool) -> None:
        marks = [self._text.length, *self._decisions.waiting]
        if not last and not self._text.is_past:
            marks += [stream.settled for stream in self._streams if not stream.is_held]
            if self._by_passages:
                marks.append(self._starts[-1])
            if self._payloads is not None:
                marks.append(self._payloads.settled)
            if self._hold is not None and self._hold.at is not None:
                marks.append(self._hold.at)
        if self._decisions.stop is not None:
            marks.append(self._decisions.stop.at)
        mark = max(self._text.mark, min(marks))
        if last or not self.is_whole:
            self._text.mark = mark
            if self._text.length - mark > self._limits.max_hold and not self._limits.holds:
                self._decisions.leave_unjudged("limit", sure=True)
        needed = min(mark, self._starts[0]) if self._by_passages else mark
        self._text.forget(needed - self._decisions.reach)

    def _judge_passages(self, inline: int | None, *, last: bool) -> Steps:
        """Judge the passages that have ended, each with those before it."""
        begin, ends = self._starts[-1], (yield from self._find_ends(inline, last=last))
        if not ends:
            return
        first = self._starts[0]
        contents: list[tuple[int, Text]] = []
        for end in ends:
            text = self._text.between(self._starts[0], end)
            contents.append((self._starts[-1], Text(text, self._text.place, self._context)))
            self._starts.append(end)
            while end - self._starts[0] > CONTEXT and len(self._starts) > 1:
                del self._starts[0]
        follows = [(begin, Text(self._text.between(begin, ends[-1]), self._text.place, self._context))]
        read = Text(self._text.between(first, ends[-1]), self._text.place, self._context)
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
        rest = self._text.between(begin, self._text.end) + self._waiting
        ends = [begin + end for _, end in split_passages(rest)]
        if last:
            return ends
        del ends[-1:]
        # What is held must not come to be too much for the sake of saving work.
        if not ends or begin == 0 or 2 * (begin + len(rest) - self._text.mark) >= self._limits.max_hold:
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
            self._decisions.take((task.bound,), replace(answer, findings=()))
            rereads: Mapping[Reread, RereadScores] = {}
            if answer.findings and self._decisions.rereads:
                whole = [replace(each, span=None) for each in answer.findings]
                rereads = yield from self._reread(bound, whole, read, inline)
            for finding in answer.findings:
                # A passage is read with others, so that a finding stands for it as a whole.
                start = finding.span[0] if follows and finding.span is not None else 0
                scene = FindingScene(read, self._request, rereads=rereads)
                self._decisions.find(task.bound, replace(finding, span=None), at + start, scene)

    def _reread(
        self, bound: BoundDetector, findings: Iterable[Finding], read: Text, inline: int | None
    ) -> Generator[list[Task], None, dict[Reread, RereadScores]]:
        """Have a text judged again without the phrases that exceptions are for; return what was said of it."""
        scene = FindingScene(read, self._request)
        wanted: dict[Reread, Text] = {}
        for finding in findings:
            names = with_ancestors(finding.category)
            for rule in (rule for _, rules in self._decisions.theirs(bound) for rule in rules):
                if rule.exceptions and not rule.condition.categories.isdisjoint(names):
                    reread = find_reread(rule, finding, scene)
                    wanted |= {} if reread is None else {reread: read}
        rereading = Rereading(wanted, (bound,))
        yield from run_tasks(rereading.tasks, inline)
        return dict(rereading.settle())

    def _judge_carried(self, text: str, at: int, inline: int | None) -> Steps:
        """Judge the pictures that a stretch carries, for which it was held; what may not pass as it is stops the text there."""
        tree = ContentTree(leaves=[Leaf(Text(text, self._text.place, self._context))])
        add_embedded_media(tree, self._pipeline.policies, self._text.most)
        del tree.leaves[0]
        if tree.leaves or tree.unchecked:
            outcome = yield from self._pipeline.check_steps(tree, self._request, inline)
            if outcome.action >= Action.REDACT:
                self._decisions.stop_at(StreamStop(None, "unchecked", at, "part"))

    def _judge_hidden(self, hidden: Iterable[DerivedText], inline: int | None) -> Steps:
        """Judge what stood encoded in the text."""
        payloads = [*hidden]
        contents: list[Any] = [
            Text(each.text, replace(self._text.place, origin=each.origin), self._context) for each in payloads
        ]
        places = [*range(len(contents))]
        tasks = [Task(bound, places, contents) for bound in self._plan.decoded]
        yield from run_tasks(tasks, inline)
        for task in tasks:
            for derived, content, answer in zip(payloads, contents, task.answers, strict=True):
                self._decisions.take((task.bound,), replace(answer, findings=()))
                rereads: Mapping[Reread, RereadScores] = {}
                if answer.findings and self._decisions.rereads:
                    rereads = yield from self._reread(task.bound, answer.findings, content, inline)
                for finding in answer.findings:
                    if finding.span is not None and not derived.hides(finding.span):
                        continue
                    scene = FindingScene(content, self._request, rereads=rereads)
                    over = () if finding.span is None else derived.originals(finding.span)
                    self._decisions.find(
                        task.bound, finding, over[0][0] if over else self._text.mark, scene, over
                    )


def _task(
    bound: BoundDetector, contents: Sequence[tuple[int, Text]], stream: PassageStream | None = None
) -> Task:
    """Return the task of judging texts, by a detector or by its stream."""
    if stream is not None:
        bound = replace(bound, detector=stream, at_once=None, adetect=None)
    return Task(bound, [*range(len(contents))], [content for _, content in contents])
