"""Runs one check: detectors in tiers, then the rules, then what the verdict says. Fails closed.

The logic stands once, in `Pipeline.steps`, a generator that yields the tasks which may take long; `check` and
`acheck` drive it, on the caller's thread or its event loop. Detectors that cost microseconds for certain run right
there, the others on the process's workers, under the policy's deadline: who misses it has failed, and its rules
follow `on_error`. Between tiers the check stops as soon as it is sure to block.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future, wait
from time import perf_counter

from guardrails.detectors import Bound
from guardrails.engine.cache import FindingsCache
from guardrails.engine.detect import Round, Task
from guardrails.engine.evaluate import Evaluation, Fired, Judged, Request
from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome, settle
from guardrails.engine.workers import workers
from guardrails.policy.compile import CompiledPolicy
from guardrails.types import Action, Mode

Steps = Generator[list[Task], None, Outcome]

INLINE_ON_LOOP = 20_000
"""Characters up to which an event loop may judge by itself: well under a millisecond for linear detectors."""


class Pipeline:
    """A compiled policy, and perhaps the operator's floor under it, ready to check leaves. Safe to share by threads."""

    def __init__(self, policy: CompiledPolicy, floor: CompiledPolicy | None = None) -> None:
        self.policy = policy
        self.policies = (policy,) if floor is None else (policy, floor)
        self.cache = FindingsCache()
        self._deadline_s = min(each.limits.deadline_ms for each in self.policies) / 1000.0

    def bounds(self) -> list[Bound]:
        """Return every detector of the policies, each once."""
        return list({bound.digest: bound for each in self.policies for bound in each.detectors}.values())

    def check(self, leaves: Leaves, request: Request, *, complete: bool = False) -> Outcome:
        """Judge leaves; blocks the calling thread for what needs workers. Raises `Overloaded` when those are full."""
        deadline = perf_counter() + self._deadline_s
        steps = self.steps(leaves, request, inline=None, complete=complete)
        try:
            tasks = next(steps)
            while True:
                futures = self._submit(tasks)
                wait(futures, timeout=max(0.0, deadline - perf_counter()))
                self._collect(tasks, futures)
                tasks = next(steps)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    async def acheck(self, leaves: Leaves, request: Request, *, complete: bool = False) -> Outcome:
        """The twin of `check` that never blocks the event loop for longer than short texts take."""
        deadline = perf_counter() + self._deadline_s
        steps = self.steps(leaves, request, inline=INLINE_ON_LOOP, complete=complete)
        try:
            tasks = next(steps)
            while True:
                futures = self._submit(tasks)
                await asyncio.wait(
                    [asyncio.wrap_future(future) for future in futures], timeout=max(0.0, deadline - perf_counter())
                )
                self._collect(tasks, futures)
                tasks = next(steps)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    @staticmethod
    def _submit(tasks: Sequence[Task]) -> list[Future[None]]:
        futures: list[Future[None]] = []
        try:
            for task in tasks:
                futures.append(workers().submit(task.run))  # noqa: PERF401 - what was submitted must be known on errors
        except BaseException:
            for future in futures:
                workers().abandon(future)
            raise
        return futures

    def _collect(self, tasks: Sequence[Task], futures: Sequence[Future[None]]) -> None:
        for task, future in zip(tasks, futures, strict=True):
            if not future.done():
                workers().abandon(future)
                task.fail(f"not done after {self._deadline_s * 1000:.0f} ms")

    def steps(self, leaves: Leaves, request: Request, *, inline: int | None, complete: bool) -> Steps:
        """Judge leaves; yields tasks for workers and expects them run when it is resumed.

        `inline` is the number of characters up to which quick detectors run right here (None: always);
        `complete` runs every tier, also when a block is certain.
        """
        started = perf_counter()
        if leaves.roles and any(policy.joins_conversation for policy in self.policies):
            leaves.join_turns()
        round_ = Round(self.policies, leaves.found, self.cache)
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
        outcome = settle(self.policies, leaves, round_, fired, request, complete=not skipped)
        outcome.timings["total"] = (perf_counter() - started) * 1000.0
        return outcome

    @staticmethod
    def _run(tasks: list[Task], inline: int | None) -> Generator[list[Task], None, list[Task]]:
        """Run quick tasks here, have the others run, and return all."""
        characters = 0
        if inline is not None:
            characters = sum(len(getattr(content, "text", "")) for task in tasks for content in task.contents)
        here = inline is None or characters <= inline
        slow = [task for task in tasks if not (here and task.bound.inline)]
        for task in tasks:
            if here and task.bound.inline:
                task.run()
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
                items.append(
                    Judged(round_.contents[index], plan, findings, unknown, bool(leaf.pieces), leaf.across)
                )
            # The floor sees findings before exceptions.
            fired = Evaluation(policy, items, request, exempt=position == 0).run()
            all_fired.append([each for each in fired if each.reason != "error"] if pending else fired)
        return all_fired

    @staticmethod
    def _sure(fired: list[list[Fired]], leaves: Leaves) -> bool:
        """Tell whether the check will block whatever the other tiers say."""
        return any(
            each.action is Action.BLOCK
            and each.rule.mode is Mode.ENFORCE
            and all((leaves.found[i].content.place.message or 0) >= leaves.current_from for i in each.members)
            for some in fired
            for each in some
        )


def today() -> str:
    """Return the day as an ISO date, in UTC, for exceptions that expire."""
    return time.strftime("%Y-%m-%d", time.gmtime())
