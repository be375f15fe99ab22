"""Runs one check: detectors in tiers, then the rules, then what the verdict says. Fails closed.

The logic stands once, in `Pipeline.steps`, a generator that yields the tasks which may take long; `check` and
`acheck` drive it, on the caller's thread or its event loop. Detectors that cost microseconds for certain run
right there, those that wait for a service on the process's loop for that, the others on its workers, under the
policy's deadline: who misses it has failed, and its rules follow `on_error`. Between tiers the check stops as soon
as it is sure to block.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from time import perf_counter
from typing import Generic, TypeVar

from guardrails.cancellation import Token, within
from guardrails.detectors import BoundDetector
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import Leaves
from guardrails.engine.content.embedded_media import lift, name_deeper
from guardrails.engine.core.detection_round import Round, Task
from guardrails.engine.core.fast_path import Known, Quick, decoding
from guardrails.engine.core.findings_cache import CACHES, FindingsCache
from guardrails.engine.core.history import History
from guardrails.engine.core.observers import Evaluated, closely
from guardrails.engine.core.outcome import Outcome, concerned, settle
from guardrails.engine.core.rule_evaluation import Evaluation, Fired, Judged, Request
from guardrails.engine.core.worker_pool import workers
from guardrails.engine.media.film_settings import film_limits, sound_limits
from guardrails.engine.media.films import Watching, told, watched
from guardrails.engine.media.ocr_text import Reading
from guardrails.engine.media.picture_decoding import limits_of, opening, release
from guardrails.engine.redaction.media_redaction import UNCOVERED, Covered, Covering, wanted
from guardrails.engine.streaming.stream_plan import Gate, StreamLimits, gate
from guardrails.engine.tools.tool_context import PREPARED, Uses, preparation
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.names import FOLLOWED
from guardrails.remote.loop import submit
from guardrails.types import Action, Detection, Mode, Stage

T = TypeVar("T")
Steps = Generator[list[Task], None, Outcome]

INLINE_ON_LOOP = 20_000
"""Characters up to which an event loop may judge by itself: well under a millisecond for linear detectors."""

READINGS = 8
"""How often a conversation is read together without the turns that were left out, each time with fewer of them."""

CONTENTS_ON_LOOP = 200
"""Contents up to which it may: each costs some 50 microseconds beside its detectors."""


class Pipeline:
    """A compiled policy, and perhaps the operator's floor under it, ready to check leaves. Safe to share by
    threads. A `cache` that is given is shared with who gave it; `budget` is for each request, or answer.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        floor: CompiledPolicy | None = None,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.policy = policy
        self.budget = Budget() if budget is None else budget
        self.policies = (policy,) if floor is None else (policy, floor)
        self.cache = CACHES.new() if cache is None else cache
        self._quick = Quick(self.policies, self.cache)
        self.decoding = decoding(self.policies)
        self.follows = any(
            each.tools.untrusted and each.names.intersection(FOLLOWED) for each in self.policies
        )
        """Whether a rule asks for what untrusted tools returned."""
        self._extractors = tuple(bound for bound in self.bounds() if bound.extracts is not None)
        self._gates: dict[tuple[Stage, ...], Gate] = {}
        self._deadline_s = max(each.limits.deadline_ms for each in self.policies) / 1000.0

    def bounds(self) -> list[BoundDetector]:
        """Return every detector of the policies, each once."""
        return list({bound.digest: bound for each in self.policies for bound in each.detectors}.values())

    @property
    def limits(self) -> StreamLimits:
        """The limits of the policies for texts that grow: none of them sees less, or lets go on more, than it would alone."""
        limits = [policy.limits for policy in self.policies]
        return StreamLimits(
            max(each.characters for each in limits),
            min(each.max_hold for each in limits),
            all(each.on_limit == "hold" for each in limits),
        )

    def gate(self, stages: tuple[Stage, ...]) -> Gate:
        """Return what texts that grow wait for at these stages."""
        found = self._gates.get(stages)
        if found is None:
            found = self._gates[stages] = gate(self.policies, stages)
        return found

    def check(self, leaves: Leaves, request: Request, *, complete: bool = False) -> Outcome:
        """Judge leaves; blocks the calling thread for what needs workers. Raises `Overloaded` when those are
        full, and `RequestError` where leaves are over the budget.
        """
        self.budget.admits(leaves.found)
        return self.drive(self.judging(leaves, request, None, complete=complete))

    async def acheck(self, leaves: Leaves, request: Request, *, complete: bool = False) -> Outcome:
        """The twin of `check` that never blocks the event loop for longer than short texts take."""
        self.budget.admits(leaves.found)
        return await self.adrive(self.judging(leaves, request, INLINE_ON_LOOP, complete=complete))

    def judging(
        self, leaves: Leaves, request: Request, inline: int | None, *, complete: bool = False
    ) -> Steps:
        """Judge leaves as `steps` does, which where nothing is in them takes the short way."""
        if inline is not None and takes_long(leaves):
            yield []  # whoever drives this goes on where it holds nobody up
            inline = None
        known: Known = {}
        timings: dict[str, float] = {}
        if closely():  # the short way says nothing of how it came to its outcome
            return (yield from self.steps(leaves, request, known, timings, inline=inline, complete=complete))
        if (outcome := self._quick.allow(leaves, known, timings, inline)) is not None:
            return outcome
        return (yield from self.steps(leaves, request, known, timings, inline=inline, complete=complete))

    def drive(self, steps: Generator[list[Task], None, T]) -> T:
        """Return what steps return, and have the tasks that they yield run meanwhile, all before the deadline."""
        deadline = Token(perf_counter() + self._deadline_s)
        try:
            while True:
                with within(deadline):
                    tasks = next(steps)
                if not tasks:
                    continue
                futures, started = self._submit(tasks, deadline), perf_counter()
                try:
                    wait(futures, timeout=max(0.0, deadline.deadline - started) + patience(tasks))
                finally:
                    self._collect(tasks, futures)
                deadline.deadline += min(patience(tasks), perf_counter() - started)
        except StopIteration as stop:
            settled: T = stop.value
            return settled

    async def adrive(self, steps: Generator[list[Task], None, T]) -> T:
        """The twin of `drive` on an event loop; once steps yield no tasks, they are taken on a worker."""
        deadline = Token(perf_counter() + self._deadline_s)
        off_loop = False
        while True:
            taken = await _off_loop(steps, deadline) if off_loop else _step(steps, deadline)
            if isinstance(taken, Done):
                return taken.value
            if not taken:
                off_loop = True
                continue
            futures, started = self._submit(taken, deadline), perf_counter()
            awaited = [asyncio.wrap_future(future) for future in futures]
            try:
                await asyncio.wait(awaited, timeout=max(0.0, deadline.deadline - started) + patience(taken))
            finally:  # also where the caller was cancelled: nobody waits for the rest any more
                self._collect(taken, futures)
                for each in awaited:
                    each.cancel()
            deadline.deadline += min(patience(taken), perf_counter() - started)

    @staticmethod
    def _submit(tasks: Sequence[Task], deadline: Token) -> list[Future[None]]:
        futures: list[Future[None]] = []
        try:
            for task in tasks:
                if task.bound.adetect:
                    future = submit(task.arun())
                else:
                    task.token = Token(deadline.deadline + task.patience_s)
                    future = workers().submit(task.run, bulk=task.size > INLINE_ON_LOOP)
                futures.append(future)  # what was submitted must be known on errors
        except BaseException:
            for task, future in zip(tasks, futures, strict=False):
                give_up(task, future)
            raise
        return futures

    def _collect(self, tasks: Sequence[Task], futures: Sequence[Future[None]]) -> None:
        for task, future in zip(tasks, futures, strict=True):
            if not future.done():
                give_up(task, future)
                task.fail(f"not done after {self._deadline_s * 1000:.0f} ms")

    def steps(
        self,
        leaves: Leaves,
        request: Request,
        known: Mapping[int, Mapping[str, Detection]],
        timings: dict[str, float],
        *,
        inline: int | None,
        complete: bool,
    ) -> Steps:
        """Judge leaves; yields tasks for workers and expects them run when it is resumed.

        `known` are detections that were made already, by leaf and digest, `timings` what they took.
        `inline` is the number of characters up to which quick detectors run right here (None: always);
        `complete` runs every tier, also when a block is certain.
        """
        started = perf_counter() - sum(timings.values()) / 1000.0
        joins = bool(leaves.roles) and any(policy.joins_conversation for policy in self.policies)
        own, left_out = leaves.mark(), frozenset[int]()
        try:
            for _ in range(READINGS):  # what is blocked after the last one stays blocked
                if joins:
                    leaves.join_turns(left_out)
                outcome = yield from self._outcome(leaves, request, known, timings, inline, complete)
                gone = left_out.union(outcome.removed)
                if not joins or outcome.action is not Action.BLOCK or gone == left_out:
                    break
                # Turns that are taken out do not go on: the others are read together without them.
                left_out = gone
                leaves.cut(own)
        finally:
            for film in leaves.opened:
                film.release()
            release(leaves.found)
        outcome.timings["total"] = (perf_counter() - started) * 1000.0
        return outcome

    def _outcome(
        self,
        leaves: Leaves,
        request: Request,
        known: Mapping[int, Mapping[str, Detection]],
        timings: dict[str, float],
        inline: int | None,
        complete: bool,
        covers: bool = True,
    ) -> Steps:
        most = self.decoding[2]
        if lift(leaves, self.policies, most):
            self.budget.admits_pictures(leaves.found)
        films = yield from self._films(leaves, request, timings, inline, complete)
        read = yield from self._pictures(leaves, timings, inline)  # covers of sounds too
        known = {**known, **{film.index: film.detections() for film in films}}
        read |= {film.index for film in films if film.is_read}
        leaves.decode(*self.decoding)
        name_deeper(leaves, self.policies, most)
        requests = yield from self._known(leaves, request, inline)
        round_ = Round(self.policies, leaves.found, self.cache, known, timings, read)
        tiers = round_.tiers()
        skipped = any(film.ended_early for film in films)
        onlooker = closely() if covers else None  # what was covered is another check
        ran: list[Task] = []
        sure: int | None = None
        fired: list[list[Fired]] | None = None
        for position, tier in enumerate(tiers):
            tasks = round_.tasks(tier)
            yield from run(tasks, inline)
            round_.settle(tasks)
            ran += tasks
            pending = frozenset(tiers[position + 1 :])
            if pending and sure is None and (onlooker is not None or not complete):
                fired = self._evaluate(round_, requests, leaves, pending)
                if self._sure(fired, leaves):
                    sure = tier
                    if not complete:
                        skipped = True
                        break
        else:
            fired = self._evaluate(round_, requests, leaves, frozenset())
        assert fired is not None
        pictures = UNCOVERED
        if covers and not self._sure(fired, leaves):
            pictures = yield from self._covered(leaves, request, fired, timings, inline)
        outcome = settle(self.policies, leaves, round_, fired, request, pictures, complete=not skipped)
        if onlooker is not None:
            made = self._evaluations(round_, requests, leaves, frozenset())
            onlooker.evaluated(Evaluated(leaves, round_, ran, made, fired, sure, outcome))
        return outcome

    def _pictures(
        self, leaves: Leaves, timings: dict[str, float], inline: int | None
    ) -> Generator[list[Task], None, frozenset[int]]:
        """Decode pictures, and add what is written in them; return those that were read."""
        read_too = bool(self._extractors)
        seen, budget = self.cache.shapes, self.budget
        closed = opening(self.policies, leaves.found, read=read_too, seen=seen, budget=budget)
        if closed is not None:
            yield from run([closed.task], inline)
            closed.settle(leaves.found, timings)
        read: frozenset[int] = frozenset()
        for bound in self._extractors:
            reading = Reading(bound, leaves)
            if reading.task.leaves:
                yield from run([reading.task], inline)
                read |= reading.settle(leaves, timings)
        return read

    def _films(
        self, leaves: Leaves, request: Request, timings: dict[str, float], inline: int | None, complete: bool
    ) -> Generator[list[Task], None, list[Watching]]:
        """Watch films, and add what is written and said in them; one that is sure to be blocked is not watched any further."""
        films = watched(self.policies, leaves.found, self.cache.films)
        leaves.opened += films
        ended = False
        for film in films:
            try:
                while not (film.done or ended):
                    yield from run([film.task], inline)
                    film.settle(timings)
                    if not (complete or film.done) and self._stops(film, leaves, request):
                        ended = film.ended_early = True
            finally:
                film.close()
            told(film, leaves)
        return films

    def _stops(self, film: Watching, leaves: Leaves, request: Request) -> bool:
        """Tell whether what was found in a film so far blocks it, whatever comes."""
        alone = replace(leaves, found=[film.leaf(leaves)], unchecked=[], unknown=[])
        round_ = Round(self.policies, alone.found, None, {0: film.detections()}, {})
        for tier in round_.tiers():
            round_.tasks(tier)  # all is known
        fired = self._evaluate(round_, [request] * len(self.policies), alone, frozenset())
        sure = [
            [each for each in some if each.reason == "matched" and not each.rule.how.whole] for some in fired
        ]
        return self._sure(sure, alone)

    def _covered(
        self,
        leaves: Leaves,
        request: Request,
        fired: Sequence[Sequence[Fired]],
        timings: dict[str, float],
        inline: int | None,
    ) -> Generator[list[Task], None, Covered]:
        """Redact pictures, and judge each again before anybody sees it: what is still found in one stops it."""
        found = wanted(leaves.found, fired)
        if not found:
            return UNCOVERED
        limits = (limits_of(self.policies), film_limits(self.policies), sound_limits(self.policies))
        covering = Covering(leaves.found, found, *limits)
        yield from run([covering.task], inline)
        for index, again in covering.again(leaves, timings):
            outcome = yield from self._outcome(
                again, request, {}, timings, inline, complete=False, covers=False
            )
            release(again.found)
            if outcome.action >= Action.REDACT:
                covering.refuse(index)
        return covering.settled()

    def _known(
        self, leaves: Leaves, request: Request, inline: int | None
    ) -> Generator[list[Task], None, tuple[Request, ...]]:
        """Return the request for each policy, with what its conditions may read of the use of tools."""
        requests = []
        for policy in self.policies:
            names = policy.names.intersection(PREPARED)
            if not names:
                requests.append(request)
                continue
            uses = Uses(policy.tools, names, leaves.found, request.heard, self.decoding)
            yield from run([preparation(uses, INLINE_ON_LOOP)], inline)
            requests.append(replace(request, uses=uses))
        return tuple(requests)

    def _evaluate(
        self, round_: Round, requests: Sequence[Request], leaves: Leaves, pending: frozenset[int]
    ) -> list[list[Fired]]:
        """Return what fires, by policy. What depends on a pending tier is left out."""
        all_fired: list[list[Fired]] = []
        for evaluation in self._evaluations(round_, requests, leaves, pending):
            # Each policy has its own exceptions: the floor sees findings before those of the policy above it.
            fired = evaluation.run()
            if pending:  # what is still open, and what may yet find something to redact
                fired = [each for each in fired if each.reason != "error" and each.action is each.rule.then]
            all_fired.append(fired)
        return all_fired

    def _evaluations(
        self, round_: Round, requests: Sequence[Request], leaves: Leaves, pending: frozenset[int]
    ) -> list[Evaluation]:
        """Return what evaluates each policy."""
        evaluations = []
        for position, policy in enumerate(self.policies):
            items = []
            for index, plans in enumerate(round_.plans):
                plan = plans[position]
                findings, unknown = round_.of(index, plan, pending)
                leaf = leaves.found[index]
                items.append(Judged(round_.contents[index], plan, findings, unknown, leaf.again, leaf.across))
            evaluations.append(Evaluation(policy, items, requests[position]))
        return evaluations

    @staticmethod
    def _sure(fired: list[list[Fired]], leaves: Leaves) -> bool:
        """Tell whether the check will block whatever the other tiers say."""
        history = History(leaves)
        return any(
            each.action is Action.BLOCK
            and each.rule.mode is Mode.ENFORCE
            and not history.removable(concerned(each, leaves))
            for some in fired
            for each in some
        )


def run(tasks: Sequence[Task], inline: int | None) -> Generator[list[Task], None, None]:
    """Run quick tasks here, where they have at most `inline` characters (None: always), and yield the others to be run."""
    characters = 0
    if inline is not None:
        characters = sum(len(getattr(content, "text", "")) for task in tasks for content in task.contents)
    here = inline is None or characters <= inline
    slow = []
    for task in tasks:
        if here and task.bound.inline:
            task.run()
        elif not (here and task.at_once()):
            slow.append(task)
    if slow:
        yield slow


def patience(tasks: Sequence[Task]) -> float:
    """Return the seconds that tasks may take besides the time that all have together; what they take of them costs the others
    nothing.
    """
    return max(task.patience_s for task in tasks)


def give_up(task: Task, future: Future[None]) -> None:
    """Stop waiting for a task: a request to a service is cancelled, a detector is told to stop, and its worker is counted as
    stuck until it does.
    """
    if task.bound.adetect:
        future.cancel()
    else:
        task.token.cancel()
        workers().abandon(future)


def takes_long(leaves: Leaves) -> bool:
    """Tell whether leaves are too many or too long for an event loop to judge, whatever is in them."""
    if len(leaves.found) > CONTENTS_ON_LOOP:
        return True
    return sum(len(getattr(leaf.content, "text", "")) for leaf in leaves.found) > INLINE_ON_LOOP


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What steps returned."""

    value: T


def _step(steps: Generator[list[Task], None, T], deadline: Token) -> list[Task] | Done[T]:
    """Return the tasks that steps yield next, or what they returned."""
    with within(deadline):
        try:
            return next(steps)
        except StopIteration as stop:
            return Done(stop.value)


async def _off_loop(steps: Generator[list[Task], None, T], deadline: Token) -> list[Task] | Done[T]:
    """Take the next step on a worker, in the caller's context."""
    step = partial(copy_context().run, _step, steps, deadline)
    future: Future[list[Task] | Done[T]] = workers().submit(step, bulk=True)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        deadline.cancel()
        workers().abandon(future)
        raise


DAY_S = 86_400


@lru_cache(maxsize=1)
def _iso_date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * DAY_S))


def today() -> str:
    """Return the day as an ISO date, in UTC, for exceptions that expire."""
    return _iso_date(int(time.time()) // DAY_S)
