"""The process's one pool of daemon threads for work that may take long.

Two lanes of threads. `quick` work (a few thousand characters) takes milliseconds; `bulk` work (long texts, thousands of contents,
pictures) may take seconds and has threads of its own, so that a short text never waits for a long one. In each lane callers take
turns, and one caller holds at most half of the threads: nobody can take all of them.

A caller that runs out of time abandons its future: nobody joins, so neither a deadline nor the end of the process waits for a
stuck detector. An abandoned thread is counted and replaced, up to a bound; beyond it, and when the queue is full, new work is
refused with `Overloaded`, which is how load is shed. For work that is not abandoned the end of the process waits `END_S` at most,
as a thread in the middle of C++ code would take the process down with it.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from guardrails.errors import Overloaded
from guardrails.fork_safety import call_at_exit

END_S: Final = 3.0
"""Seconds that the end of the process waits for work that nobody has abandoned: what streams need is built in two."""

CALLER: Final[ContextVar[str]] = ContextVar("guardrails_caller", default="")
"""For whom work is submitted: a client of the proxy, by its key or address. Empty: the library's own caller, whose share of the
threads is not bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A function that waits for a thread, or runs on one."""

    future: Future[Any]
    function: Callable[[], Any]
    caller: str


class Lane:
    """The jobs of one kind: those that wait, by caller, and how many run. `threads` of them run at a time.

    Not safe by itself: the pool's lock guards it.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.size = 0
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._stuck = 0

    @property
    def working(self) -> int:
        """Jobs that run and that somebody waits for."""
        return self._running.total() - self._stuck

    @property
    def due(self) -> int:
        """How many jobs could begin, if there were threads."""
        return min(
            self.threads - self.working,
            sum(min(len(jobs), self._share(caller)) for caller, jobs in self._waiting.items()),
        )

    def waits(self, caller: str) -> int:
        """Return how many jobs of a caller wait."""
        return len(self._waiting.get(caller, ()))

    def push(self, job: Job) -> None:
        """Add a job behind the others of its caller."""
        self._waiting.setdefault(job.caller, deque()).append(job)
        self.size += 1

    def pop(self) -> Job | None:
        """Begin the next job: of the caller whose turn it is, among those that hold less than their share."""
        if self.working >= self.threads:
            return None
        caller = next(filter(self._share, self._waiting), None)
        if caller is None:
            return None
        jobs = self._waiting[caller]
        job = jobs.popleft()
        self._waiting.move_to_end(caller)
        if not jobs:
            del self._waiting[caller]
        self.size -= 1
        self._running[caller] += 1
        return job

    def remove(self, future: Future[Any]) -> None:
        """Forget a job that waits; its place in the queue is for those who still wait."""
        for caller, jobs in self._waiting.items():
            for job in jobs:
                if job.future is future:
                    jobs.remove(job)
                    self.size -= 1
                    if not jobs:
                        del self._waiting[caller]
                    return

    def clear(self) -> None:
        """Cancel all that wait."""
        for jobs in self._waiting.values():
            for job in jobs:
                job.future.cancel()
        self._waiting.clear()
        self.size = 0

    def stick(self) -> None:
        """Count a job that runs as stuck: nobody waits for it any more."""
        self._stuck += 1

    def finish(self, job: Job, *, stuck: bool) -> None:
        """Take the end of a job."""
        self._running[job.caller] -= 1
        if not self._running[job.caller]:
            del self._running[job.caller]
        self._stuck -= stuck

    def _share(self, caller: str) -> int:
        """Return how many more jobs of a caller may run."""
        return max(0, (self.threads + 1) // 2 - self._running[caller]) if caller else self.threads


class Workers:
    """The pool. `threads` work at a time at quick work, `bulk` (as many, if not said) at long work; `queue` more jobs wait in
    each lane, half of them of one caller at most; `spare` stuck threads are replaced.
    """

    def __init__(self, threads: int, queue: int, spare: int, bulk: int | None = None) -> None:
        self._queue, self._spare = queue, spare
        self._lanes = {False: Lane(threads), True: Lane(threads if bulk is None else bulk)}
        self._changed = threading.Condition()
        self._alive = 0
        self._idle = 0
        self._running: dict[Future[Any], tuple[Lane, Job]] = {}
        self._abandoned: set[Future[Any]] = set()
        self._ending = False

    @property
    def abandoned(self) -> int:
        """Threads that still run work which nobody waits for."""
        return len(self._abandoned)

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return sum(lane.size for lane in self._lanes.values())

    def submit(self, function: Callable[[], Any], *, bulk: bool = False) -> Future[Any]:
        """Queue a function for whom `CALLER` names; `bulk` work takes seconds rather than milliseconds.

        Raises:
            Overloaded: the queue is full, the caller's half of it is, or too many threads are stuck.
        """
        job = Job(Future(), function, CALLER.get())
        with self._changed:
            lane = self._lanes[bulk]
            if lane.size >= self._queue:
                raise Overloaded(f"{self._queue} checks are waiting for a worker already")
            if job.caller and lane.waits(job.caller) >= (self._queue + 1) // 2:
                raise Overloaded("too many checks of this client are waiting for a worker already")
            if len(self._abandoned) > self._spare:
                raise Overloaded(
                    f"{len(self._abandoned)} workers are stuck in detectors that ran out of time"
                )
            lane.push(job)
            self._grow()
            self._changed.notify()
        return job.future

    def _grow(self) -> None:
        most = sum(lane.threads for lane in self._lanes.values()) + len(self._abandoned)
        if self._alive >= most or self._idle >= sum(lane.due for lane in self._lanes.values()):
            return
        self._alive += 1
        threading.Thread(target=self._work, name="guardrails-worker", daemon=True).start()

    def abandon(self, future: Future[Any]) -> bool:
        """Stop waiting for a future: drop it if it has not begun, else count its thread as stuck until it
        returns. Returns whether it had begun.
        """
        dropped = future.cancel()
        with self._changed:
            if dropped:
                for lane in self._lanes.values():
                    lane.remove(future)
            elif future in self._running and future not in self._abandoned:
                self._abandoned.add(future)
                self._running[future][0].stick()
                self._grow()
                self._changed.notify()
        return not dropped

    def end(self, seconds: float) -> None:
        """Drop what has not begun, and wait so long for what has, but for what is stuck."""
        with self._changed:
            self._ending = True
            for lane in self._lanes.values():
                lane.clear()
            self._changed.wait_for(lambda: self._running.keys() <= self._abandoned, seconds)

    def _next(self) -> Job | None:
        for lane in self._lanes.values():  # quick work first
            if (job := lane.pop()) is not None:
                self._running[job.future] = (lane, job)
                return job
        return None

    def _take(self) -> Job | None:
        with self._changed:
            most = sum(lane.threads for lane in self._lanes.values())
            if self._alive - len(self._abandoned) > most:
                self._alive -= 1  # this thread was replaced while it was stuck
                self._changed.notify()
                return None
            self._idle += 1
            while (job := self._next()) is None:
                self._changed.wait()
            self._idle -= 1
            self._grow()
            return job

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                if job.future.set_running_or_notify_cancel():
                    self._run(job)
            finally:
                with self._changed:
                    self._running.pop(job.future)[0].finish(job, stuck=job.future in self._abandoned)
                    self._abandoned.discard(job.future)
                    if self._ending:
                        self._changed.notify_all()
            del job  # what it holds may be large, and the next job may be long in coming

    @staticmethod
    def _run(job: Job) -> None:
        try:
            job.future.set_result(job.function())
        except BaseException as error:  # the future carries it to whoever waits
            job.future.set_exception(error)


@cache
def workers() -> Workers:
    """Return the process's pool: for quick work twice the cores (models release Python's lock), for long work as many as cores
    (more would only take that lock from those who wait for an answer), queues of 256, as many spares as threads for quick work.
    """
    cores = os.cpu_count() or 1
    threads = max(4, 2 * cores)
    pool = Workers(threads, queue=256, spare=threads, bulk=max(2, cores))
    call_at_exit(pool.end, END_S)
    return pool


if hasattr(os, "register_at_fork"):  # threads stay behind in the parent, so a child needs a pool of its own
    os.register_at_fork(after_in_child=workers.cache_clear)
