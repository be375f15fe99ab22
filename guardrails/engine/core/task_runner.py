"""Runs the tasks that the steps of a check yield: on workers, on the loop of services, and under one deadline.

Steps are a generator that yields the tasks which may take long, and no tasks (`QUICK_WORK`, `LONG_WORK`) where it would hold an
event loop up itself;
`drive` and `adrive` are the two ways to take it, on the caller's thread or its event loop. Detectors that cost microseconds for
certain run right in the steps (`run_tasks`). Who misses the deadline has failed, and its rules follow `on_error`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final, Generic, TypeVar

from guardrails.cancellation import Token, within
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.core.worker_pool import workers
from guardrails.engine.detector_task import Task
from guardrails.remote.loop import submit

T = TypeVar("T")

INLINE_ON_LOOP = 4_000
"""Characters up to which an event loop may judge by itself: prose takes some 4 milliseconds, the dearest text known ten times as
long (`benchmarks/cost_per_character.py`)."""

CONTENTS_ON_LOOP = 50
"""Contents up to which it may: each costs some 50 microseconds beside its detectors."""

BULK_CHARACTERS = 20_000
BULK_CONTENTS = 200
"""What takes some tenths of a second, and from there on waits for a thread with others of its kind (`worker_pool`)."""

QUICK_WORK: Final[list[Task]] = []
LONG_WORK: Final[list[Task]] = []
"""What steps yield, themselves and not lists that equal them, to go on off the event loop, by how long they take."""


class TaskRunner:
    """Drives steps to their end; all tasks of one check have `deadline_s` seconds together."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s

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
                    wait(futures, timeout=max(0.0, deadline.deadline - started) + extra_time(tasks))
                finally:
                    self._collect(tasks, futures, had_time=started < deadline.deadline)
                deadline.deadline += min(extra_time(tasks), perf_counter() - started)
        except StopIteration as stop:
            settled: T = stop.value
            return settled

    async def adrive(self, steps: Generator[list[Task], None, T]) -> T:
        """The twin of `drive` on an event loop; once steps yield no tasks, they are taken on a worker."""
        deadline = Token(perf_counter() + self._deadline_s)
        lane: list[Task] | None = None
        while True:
            if lane is None:
                taken = _step(steps, deadline)
            else:
                taken = await _off_loop(steps, deadline, bulk=lane is LONG_WORK)
            if isinstance(taken, StepResult):
                return taken.value
            if not taken:
                lane = taken
                continue
            futures, started = self._submit(taken, deadline), perf_counter()
            awaited = [asyncio.wrap_future(future) for future in futures]
            try:
                await asyncio.wait(awaited, timeout=max(0.0, deadline.deadline - started) + extra_time(taken))
            finally:  # also where the caller was cancelled: nobody waits for the rest any more
                self._collect(taken, futures, had_time=started < deadline.deadline)
                for each in awaited:
                    each.cancel()
            deadline.deadline += min(extra_time(taken), perf_counter() - started)

    @staticmethod
    def _submit(tasks: Sequence[Task], deadline: Token) -> list[Future[None]]:
        futures: list[Future[None]] = []
        try:
            for task in tasks:
                if task.bound.adetect:
                    future = submit(task.arun())
                else:
                    task.token = Token(deadline.deadline + task.patience_s)
                    future = workers().submit(task.run, bulk=task.size > BULK_CHARACTERS)
                futures.append(future)  # what was submitted must be known on errors
        except BaseException:
            for task, future in zip(tasks, futures, strict=False):
                give_up(task, future)
            raise
        return futures

    def _collect(self, tasks: Sequence[Task], futures: Sequence[Future[None]], *, had_time: bool) -> None:
        """Give up what is not done. What has not begun waited for a worker, unless others of the check had taken all the time."""
        for task, future in zip(tasks, futures, strict=True):
            if not future.done():
                task.give_up(self._deadline_s, begun=give_up(task, future) or not had_time)


def run_tasks(tasks: Sequence[Task], inline: int | None) -> Generator[list[Task], None, None]:
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


def extra_time(tasks: Sequence[Task]) -> float:
    """Return the seconds that tasks may take besides the time that all have together; what they take of them costs the others
    nothing.
    """
    return max(task.patience_s for task in tasks)


def give_up(task: Task, future: Future[None]) -> bool:
    """Stop waiting for a task: a request to a service is cancelled, a detector is told to stop, and its worker is counted as
    stuck until it does. Returns whether work had begun.
    """
    if task.bound.adetect:
        future.cancel()
        return True
    task.token.cancel()
    return workers().abandon(future)


def choose_lane(tree: ContentTree) -> list[Task] | None:
    """Return what steps yield where leaves are too much for an event loop to judge, whatever is in them; None where not."""
    contents = len(tree.leaves)
    characters = sum(len(getattr(leaf.content, "text", "")) for leaf in tree.leaves)
    if contents > BULK_CONTENTS or characters > BULK_CHARACTERS:
        return LONG_WORK
    return QUICK_WORK if contents > CONTENTS_ON_LOOP or characters > INLINE_ON_LOOP else None


@dataclass(frozen=True, slots=True)
class StepResult(Generic[T]):
    """What steps returned."""

    value: T


def _step(steps: Generator[list[Task], None, T], deadline: Token) -> list[Task] | StepResult[T]:
    """Return the tasks that steps yield next, or what they returned."""
    with within(deadline):
        try:
            return next(steps)
        except StopIteration as stop:
            return StepResult(stop.value)


async def _off_loop(
    steps: Generator[list[Task], None, T], deadline: Token, *, bulk: bool
) -> list[Task] | StepResult[T]:
    """Take the next step on a worker, in the caller's context."""
    step = partial(copy_context().run, _step, steps, deadline)
    future: Future[list[Task] | StepResult[T]] = workers().submit(step, bulk=bulk)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        deadline.cancel()
        workers().abandon(future)
        raise
