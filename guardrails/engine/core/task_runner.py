"""Runs the tasks that the steps of a check yield: on workers, on the loop of services, and under one deadline.

Steps are a generator that yields the tasks which may take long, and no tasks (`QUICK_WORK`, `LONG_WORK`) where it would hold an
event loop up itself;
`drive` and `adrive` are the two ways to take it, on the caller's thread or its event loop. Detectors that cost microseconds for
certain run right in the steps (`run_tasks`). Those that end at the deadline by themselves run on the thread that goes on with the
steps, and spare the way to another one and back. Who misses the deadline has failed, and its rules follow `on_error`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter, thread_time
from typing import Final, Generic, TypeVar

from guardrails.cancellation import Token, within
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.core.worker_pool import workers
from guardrails.engine.detector_task import Task
from guardrails.engine.loop_calls import LoopThread
from guardrails.errors import GuardUnavailable
from guardrails.processor.work_meter import METER
from guardrails.remote.loop import submit
from guardrails.types import Text

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

LEAST_QUEUE_S: Final = 0.2
"""Seconds that a task may wait for a thread however short the deadline is: on a busy machine a thread that is free takes some
milliseconds to begin."""


class TaskRunner:
    """Drives steps to their end; all tasks of one check have `deadline_s` seconds together, of which the time does not count in
    which they wait for a thread. For one of those a task waits `deadline_s` at most, or `LEAST_QUEUE_S` where that is longer.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._queue_s = max(deadline_s, LEAST_QUEUE_S)

    def drive(self, steps: Generator[list[Task], None, T]) -> T:
        """Return what steps return, and have the tasks that they yield run meanwhile, all before the deadline."""
        deadline = Token(perf_counter() + self._deadline_s)
        try:
            while True:
                with within(deadline):
                    tasks = next(steps)
                if not tasks:
                    continue
                if must_run_here(tasks):
                    run_in_row(tasks, deadline)
                    continue
                if are_cancellable(tasks):
                    self._run_in_turn(tasks, deadline)
                    continue
                batch = self._submit(tasks, deadline)
                try:
                    while (left := batch.seconds_left()) > 0:
                        wait(batch.futures, timeout=left)
                finally:
                    batch.collect(self._deadline_s)
                deadline.set_deadline(deadline.deadline + batch.free_time())
        except StopIteration as stop:
            settled: T = stop.value
            return settled

    async def adrive(self, steps: Generator[list[Task], None, T], *, least_queue_s: float = 0.0) -> T:
        """The twin of `drive` on an event loop; once steps yield no tasks, they are taken on a worker. The step behind tasks that
        end by themselves is taken by the worker that has run them.

        Args:
            steps: what is driven.
            least_queue_s: seconds that a task may wait for a thread, where that is longer than `deadline_s`: of what has begun.

        Raises:
            GuardUnavailable: no thread comes to a task in time.
        """
        deadline = Token(perf_counter() + self._deadline_s)
        lane: list[Task] | None = None
        first: list[Task] = []
        meter = METER.get()
        while True:
            if first or lane is not None:
                taken = await self._step_off_loop(
                    steps, deadline, least_queue_s, first, bulk=lane is LONG_WORK
                )
                first = []
                if isinstance(taken, StepResult):
                    return taken.value
            else:
                began = 0.0 if meter is None else thread_time()
                try:
                    with within(deadline):
                        taken = next(steps)
                except StopIteration as stop:
                    settled: T = stop.value
                    return settled
                finally:
                    if meter is not None:
                        meter.cpu_s += thread_time() - began
            if not taken:
                lane = taken
                continue
            if are_cancellable(taken):
                first = taken
                continue
            batch = self._submit(taken, deadline, least_queue_s)
            awaited = [asyncio.wrap_future(future) for future in batch.futures]
            try:
                while (left := batch.seconds_left()) > 0:
                    await asyncio.wait(awaited, timeout=left)
            finally:  # also where the caller was cancelled: nobody waits for the rest any more
                batch.collect(self._deadline_s)
                for each in awaited:
                    each.cancel()
            deadline.set_deadline(deadline.deadline + batch.free_time())

    def _run_in_turn(self, tasks: Sequence[Task], deadline: Token) -> None:
        """Run tasks on this thread, which for its turn waits as they would for a thread."""
        asked = perf_counter()
        has_time = deadline.deadline > asked
        with workers().turn(within_s=self._deadline_s, wait_s=self._queue_s if has_time else 0.0) as has_turn:
            deadline.set_deadline(deadline.deadline + perf_counter() - asked)
            if has_turn:
                run_in_row(tasks, deadline)
                return
        for task in tasks:
            task.give_up(self._deadline_s, begun=not has_time)

    def _submit(self, tasks: Sequence[Task], deadline: Token, least_queue_s: float = 0.0) -> Batch:
        now = perf_counter()
        work_s, within_s = max(0.0, deadline.deadline - now), max(self._deadline_s, least_queue_s)
        batch = Batch(tasks, now, work_s, max(self._queue_s, least_queue_s))
        try:
            for task in tasks:
                if task.bound.adetect:
                    task.started = now
                    future = submit(task.arun())
                else:
                    task.token, task.started = Token(), None
                    run = partial(task.run_within, batch.work_s + task.patience_s)
                    future = workers().submit(run, bulk=task.size > BULK_CHARACTERS, within_s=within_s)
                batch.futures.append(future)  # what was submitted must be known on errors
        except BaseException:
            for task, future in zip(tasks, batch.futures, strict=False):
                give_up(task, future)
            raise
        return batch

    async def _step_off_loop(
        self,
        steps: Generator[list[Task], None, T],
        deadline: Token,
        least_queue_s: float,
        first: Sequence[Task],
        *,
        bulk: bool,
    ) -> list[Task] | StepResult[T]:
        """Run tasks that end by themselves, and take the next step, on a worker, in the caller's context.

        Tasks to which no worker comes in time have failed, and the step is taken here.

        Raises:
            GuardUnavailable: no worker comes to a step without tasks in time.
        """
        submitted, queue_s = perf_counter(), max(self._queue_s, least_queue_s)
        lender = LoopThread.running()

        def step() -> list[Task] | StepResult[T]:
            deadline.set_deadline(deadline.deadline + perf_counter() - submitted)
            tasks = first
            while True:
                run_in_row(tasks, deadline)
                taken = lender.lend(partial(_step, steps, deadline))
                if isinstance(taken, StepResult) or not are_cancellable(taken):
                    return taken
                tasks = taken

        future: Future[list[Task] | StepResult[T]] = workers().submit(
            partial(copy_context().run, step), bulk=bulk, within_s=max(self._deadline_s, least_queue_s)
        )
        is_late = False

        def drop() -> None:
            nonlocal is_late
            is_late = future.cancel()  # unless it has begun

        timer = asyncio.get_running_loop().call_later(queue_s, drop)
        try:
            return await asyncio.wrap_future(future)
        except BaseException as error:
            caller = asyncio.current_task()
            has_left = caller is None or caller.cancelling() > 0
            if not (is_late and isinstance(error, asyncio.CancelledError)) or has_left:
                if not future.done() or future.cancelled():
                    deadline.cancel()
                    workers().abandon(future)
                raise
            workers().abandon(future)
        finally:
            timer.cancel()
        if not first:
            raise GuardUnavailable(f"no worker was free for {queue_s:g} s")
        for task in first:
            task.give_up(self._deadline_s, begun=False)
        return _step(steps, deadline)


@dataclass(slots=True)
class Batch:
    """Tasks that run together.

    Attributes:
        tasks: what is asked.
        since: when they were submitted.
        work_s: for how long each may be at work, apart from its own patience.
        queue_s: for how long each may wait for a thread.
        futures: of the tasks, in their order.
    """

    tasks: Sequence[Task]
    since: float
    work_s: float
    queue_s: float
    futures: list[Future[None]] = field(default_factory=list)

    def seconds_left(self) -> float:
        """Return for how long it may still be waited for what is not done; 0 where all is done."""
        now, left = perf_counter(), 0.0
        for task, future in zip(self.tasks, self.futures, strict=True):
            if not future.done():
                until = self.since + (self.queue_s if self.work_s + task.patience_s > 0.0 else 0.0)
                if task.started is not None:
                    until = task.started + self.work_s + task.patience_s
                left = max(left, until - now)
        return left

    def free_time(self) -> float:
        """Return how much of the time until now does not count: when no task ran yet, and what patience bears."""
        now = perf_counter()
        worked = max(
            (task.took_ms / 1000.0 or now - task.started for task in self.tasks if task.started is not None),
            default=0.0,
        )
        return max(0.0, now - self.since - worked) + min(extra_time(self.tasks), worked)

    def collect(self, deadline_s: float) -> None:
        """Give up what is not done: its contents have an error."""
        for task, future in zip(self.tasks, self.futures, strict=True):
            if not future.done():
                give_up(task, future)
                # What has not begun waited for a worker, unless others of the check had taken all the time.
                task.give_up(deadline_s, begun=task.started is not None or not self.work_s)


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


def are_cancellable(tasks: Sequence[Task]) -> bool:
    """Tell whether there are tasks, and all of them end by themselves soon after the deadline."""
    cancellable = bool(tasks) and all(task.bound.cancellable for task in tasks)
    return cancellable and sum(task.size for task in tasks) <= INLINE_ON_LOOP


def must_run_here(tasks: Sequence[Task]) -> bool:
    """Tell whether this is a worker whose detector asks a guard itself, and none of the tasks is a service's. It waits for no
    other worker: all of them may be about to ask, and wait for each other. Whoever gave it its own task ends the wait.
    """
    return workers().has_this_thread and not any(task.bound.adetect for task in tasks)


def run_in_row(tasks: Sequence[Task], deadline: Token) -> None:
    """Run tasks on this thread, one after the other, before one deadline."""
    for task in tasks:
        task.token, task.started = deadline, perf_counter()
        task.run()


def extra_time(tasks: Sequence[Task]) -> float:
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


def choose_lane(tree: ContentTree) -> list[Task] | None:
    """Return what steps yield where leaves are too much for an event loop to judge, whatever is in them; None where not."""
    contents, characters = len(tree.leaves), 0
    for leaf in tree.leaves:
        if isinstance(leaf.content, Text):
            characters += len(leaf.content.text)
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
