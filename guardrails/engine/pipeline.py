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
from functools import lru_cache
from time import perf_counter

from guardrails.detectors import Bound
from guardrails.engine.cache import FindingsCache
from guardrails.engine.detect import Round, Task
from guardrails.engine.evaluate import Evaluation, Fired, Judged, Request
from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome, concerned, removable, settle
from guardrails.engine.quick import Quick, decoding
from guardrails.engine.workers import workers
from guardrails.policy.compiled import CompiledPolicy
from guardrails.remote.loop import submit
from guardrails.types import Action, Detection, Mode

Steps = Generator[list[Task], None, Outcome]

INLINE_ON_LOOP = 20_000
"""Characters up to which an event loop may judge by itself: well under a millisecond for linear detectors."""


class Pipeline:
    """A compiled policy, and perhaps the operator's floor under it, ready to check leaves. Safe to share by
    threads.
    """

    def __init__(self, policy: CompiledPolicy, floor: CompiledPolicy | None = None) -> None:
        self.policy = policy
        self.policies = (policy,) if floor is None else (policy, floor)
        self.cache = FindingsCache()
        self._quick = Quick(self.policies)
        self._decoding = decoding(self.policies)
        self._deadline_s = min(each.limits.deadline_ms for each in self.policies) / 1000.0

    def bounds(self) -> list[Bound]:
        """Return every detector of the policies, each once."""
        return list({bound.digest: bound for each in self.policies for bound in each.detectors}.values())

    def check(self, leaves: Leaves, request: Request, *, complete: bool = False) -> Outcome:
        """Judge leaves; blocks the calling thread for what needs workers. Raises `Overloaded` when those are
        full.
        """
        known: dict[str, Detection] = {}
        timings: dict[str, float] = {}
        if (outcome := self._quick.allow(leaves, known, timings)) is not None:
            return outcome
        deadline = perf_counter() + self._deadline_s
        steps = self.steps(leaves, request, known, timings, inline=None, complete=complete)
        try:
            tasks = next(steps)
            while True:
                futures = self._submit(tasks)
                try:
                    wait(futures, timeout=max(0.0, deadline - perf_counter()))
                finally:
                    self._collect(tasks, futures)
                tasks = next(steps)
        except StopIteration as stop:
            settled: Outcome = stop.value
            return settled

    async def acheck(self, leaves: Leaves, request: Request, *, complete: bool = False) -> Outcome:
        """The twin of `check` that never blocks the event loop for longer than short texts take."""
        known: dict[str, Detection] = {}
        timings: dict[str, float] = {}
        if (outcome := self._quick.allow(leaves, known, timings, INLINE_ON_LOOP)) is not None:
            return outcome
        deadline = perf_counter() + self._deadline_s
        steps = self.steps(leaves, request, known, timings, inline=INLINE_ON_LOOP, complete=complete)
        try:
            tasks = next(steps)
            while True:
                futures = self._submit(tasks)
                awaited = [asyncio.wrap_future(future) for future in futures]
                try:
                    await asyncio.wait(awaited, timeout=max(0.0, deadline - perf_counter()))
                finally:  # also where the caller was cancelled: nobody waits for the rest any more
                    self._collect(tasks, futures)
                    for each in awaited:
                        each.cancel()
                tasks = next(steps)
        except StopIteration as stop:
            settled: Outcome = stop.value
            return settled

    @staticmethod
    def _submit(tasks: Sequence[Task]) -> list[Future[None]]:
        futures: list[Future[None]] = []
        try:
            for task in tasks:
                future = submit(task.arun()) if task.bound.adetect else workers().submit(task.run)
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
        known: Mapping[str, Detection],
        timings: dict[str, float],
        *,
        inline: int | None,
        complete: bool,
    ) -> Steps:
        """Judge leaves; yields tasks for workers and expects them run when it is resumed.

        `known` are detections of the only leaf that were made already, `timings` what they took.
        `inline` is the number of characters up to which quick detectors run right here (None: always);
        `complete` runs every tier, also when a block is certain.
        """
        started = perf_counter() - sum(timings.values()) / 1000.0
        joins = bool(leaves.roles) and any(policy.joins_conversation for policy in self.policies)
        own, left_out = leaves.mark(), frozenset[int]()
        while True:
            if joins:
                leaves.join_turns(left_out)
            outcome = yield from self._outcome(leaves, request, known, timings, inline, complete)
            gone = left_out.union(outcome.removed)
            if not joins or outcome.action is not Action.BLOCK or gone == left_out:
                break
            # Turns that are taken out do not go on: the others are read together without them.
            left_out = gone
            leaves.cut(own)
        outcome.timings["total"] = (perf_counter() - started) * 1000.0
        return outcome

    def _outcome(
        self,
        leaves: Leaves,
        request: Request,
        known: Mapping[str, Detection],
        timings: dict[str, float],
        inline: int | None,
        complete: bool,
    ) -> Steps:
        leaves.decode(*self._decoding)
        round_ = Round(self.policies, leaves.found, self.cache, known, timings)
        tiers = round_.tiers()
        skipped = False
        fired: list[list[Fired]] | None = None
        for position, tier in enumerate(tiers):
            tasks = round_.tasks(tier)
            slow = yield from self._run(tasks, inline)
            round_.settle(slow)
            pending = frozenset(tiers[position + 1 :])
            if pending and not complete:
                fired = self._evaluate(round_, request, leaves, pending)
                if self._sure(fired, leaves):
                    skipped = True
                    break
        if not skipped:
            fired = self._evaluate(round_, request, leaves, frozenset())
        assert fired is not None
        return settle(self.policies, leaves, round_, fired, request, complete=not skipped)

    @staticmethod
    def _run(tasks: list[Task], inline: int | None) -> Generator[list[Task], None, list[Task]]:
        """Run quick tasks here, have the others run, and return all."""
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
        return tasks

    def _evaluate(
        self, round_: Round, request: Request, leaves: Leaves, pending: frozenset[int]
    ) -> list[list[Fired]]:
        """Return what fires, by policy. What depends on a pending tier is left out."""
        all_fired: list[list[Fired]] = []
        for position, policy in enumerate(self.policies):
            items = []
            for index, plans in enumerate(round_.plans):
                plan = plans[position]
                findings, unknown = round_.of(index, plan, pending)
                leaf = leaves.found[index]
                items.append(Judged(round_.contents[index], plan, findings, unknown, leaf.again, leaf.across))
            # Each policy has its own exceptions: the floor sees findings before those of the policy above it.
            fired = Evaluation(policy, items, request).run()
            if pending:  # what is still open, and what may yet find something to redact
                fired = [each for each in fired if each.reason != "error" and each.action is each.rule.then]
            all_fired.append(fired)
        return all_fired

    @staticmethod
    def _sure(fired: list[list[Fired]], leaves: Leaves) -> bool:
        """Tell whether the check will block whatever the other tiers say."""
        return any(
            each.action is Action.BLOCK
            and each.rule.mode is Mode.ENFORCE
            and not removable(concerned(each, leaves), leaves)
            for some in fired
            for each in some
        )


def give_up(task: Task, future: Future[None]) -> None:
    """Stop waiting for a task: a request to a service is cancelled, a worker is counted as stuck until it returns."""
    if task.bound.adetect:
        future.cancel()
    else:
        workers().abandon(future)


DAY_S = 86_400


@lru_cache(maxsize=1)
def _iso_date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * DAY_S))


def today() -> str:
    """Return the day as an ISO date, in UTC, for exceptions that expire."""
    return _iso_date(int(time.time()) // DAY_S)
