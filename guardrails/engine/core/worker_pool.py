"""The process's one pool of daemon threads for work that may take long.

Two lanes of threads. `quick` work (a few thousand characters) takes milliseconds; `bulk` work (long texts, thousands of contents,
pictures) may take seconds and has threads of its own, so that a short text never waits for a long one. In each lane callers take
turns, and one caller holds at most half of the threads: nobody can take all of them.

A caller that runs out of time abandons its future: nobody joins, so neither a deadline nor the end of the process waits for a
stuck detector. An abandoned thread is replaced, up to a bound; one that goes on for longer than any window of a model takes
counts as stuck, and beyond a bound of those new work is refused.

Who waits for quick work anyway, and does it in pieces that end at its deadline, does it on its own thread when its `turn` comes:
that spares two switches of threads, which cost more than what is judged in between.

The queue is bounded in time: who asks says how long it may wait, and is refused at once with `GuardUnavailable` where the jobs
before it take longer, by what such jobs took lately and by how long the first of them waits already. For work that is not
abandoned the end of the process waits `END_S` at most, as a thread in the middle of C++ code would take the process down with it.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from math import ceil, inf
from time import perf_counter
from typing import Any, Final

from guardrails.errors import GuardUnavailable
from guardrails.fork_safety import call_at_exit
from guardrails.processor.cores import count_cores
from guardrails.processor.fair_lanes import Job, Lane
from guardrails.processor.work_meter import METER

END_S: Final = 3.0
"""Seconds that the end of the process waits for work that nobody has abandoned: what streams need is built in two."""

CORES: Final = count_cores()
"""Read when this is imported: what asks for work may be an event loop, which must not read files."""

STUCK_S: Final = 2.0
"""Seconds after which work that nobody waits for, and that goes on all the same, counts as stuck."""

LONGEST_RETRY_S: Final = 60
"""Seconds after which who is refused is told to come back, at most."""

CALLER: Final[ContextVar[str]] = ContextVar("guardrails_caller", default="")
"""For whom work is submitted: a client of the proxy, by its key or address. Empty: the library's own caller, whose share of the
threads is not bounded."""


_OWN: Final = threading.local()
"""What is known of a thread: of those of a pool, which one that is."""


@dataclass(slots=True)
class Turn:
    """A turn at quick work (`Workers.turn`); the block is told whether it has come in time, and counts as one of the jobs."""

    pool: Workers
    job: Job
    comes: threading.Lock
    wait_s: float
    begun: float = 0.0

    def __enter__(self) -> bool:
        try:
            has_come = self.comes.acquire(timeout=min(self.wait_s, threading.TIMEOUT_MAX))
            self.begun = perf_counter()
            return has_come
        except BaseException:  # interrupted
            self.pool.leave(self.job, self.job.since)
            raise

    def __exit__(self, *_: object) -> None:
        self.pool.leave(self.job, self.begun)


class Workers:
    """The pool. `threads` work at a time at quick work, `bulk` (as many, if not said) at long work; `queue` more jobs wait in
    each lane, half of them of one caller at most; `spare` stuck threads are replaced. What is abandoned is stuck after `stuck_s`.
    """

    def __init__(
        self, threads: int, queue: int, spare: int, bulk: int | None = None, *, stuck_s: float = STUCK_S
    ) -> None:
        self._queue, self._spare, self._stuck_s = queue, spare, stuck_s
        self._lanes = {False: Lane(threads), True: Lane(threads if bulk is None else bulk)}
        self._changed = threading.Condition()
        self._alive = 0
        self._idle = 0
        self._running: dict[Future[Any], tuple[Lane, Job]] = {}
        self._ready: deque[Job] = deque()
        """Jobs that have begun, for the next threads."""
        self._abandoned: dict[Future[Any], float] = {}
        self._ending = False

    @property
    def threads(self) -> int:
        """How many jobs of quick work run at a time."""
        return self._lanes[False].threads

    @property
    def abandoned(self) -> int:
        """Threads that still run work which nobody waits for."""
        return len(self._abandoned)

    @property
    def has_this_thread(self) -> bool:
        """Whether the calling thread is one of the pool's, which has had its turn."""
        return getattr(_OWN, "pool", None) is self

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return sum(lane.size for lane in self._lanes.values())

    @property
    def stuck(self) -> int:
        """Threads whose work nobody has waited for since long: cancelled work ends within a window of a model."""
        since = perf_counter() - self._stuck_s
        return sum(when <= since for when in tuple(self._abandoned.values()))

    @property
    def delay_s(self) -> float:
        """For how many seconds quick work waits for a thread by now, that of whoever waits longest."""
        with self._changed:
            return self._lanes[False].delay(perf_counter())

    def expected_wait(self, caller: str, *, bulk: bool = False) -> float:
        """Return the seconds that quick work of a caller, or `bulk` work, would wait for a thread."""
        lane = self._lanes[bulk]
        if lane.is_idle:
            return 0.0
        with self._changed:
            return lane.expected_wait(caller, perf_counter())

    def submit(
        self, function: Callable[[], Any], *, bulk: bool = False, within_s: float = inf
    ) -> Future[Any]:
        """Queue a function for whom `CALLER` names; `bulk` work takes seconds rather than milliseconds.

        Raises:
            GuardUnavailable: it would wait for longer than `within_s`, the queue is full, the caller's half of it is, or too many
                threads are stuck.
        """
        job = Job(Future(), function, CALLER.get(), METER.get(), perf_counter())
        with self._changed:
            self._push(job, self._lanes[bulk], within_s)
            self._grow()
            self._changed.notify()
        return job.future

    def turn(self, *, within_s: float = inf, wait_s: float = inf) -> Turn:
        """Ask for a turn at quick work, for the calling thread to do it by itself.

        Args:
            within_s: as for `submit`.
            wait_s: for how long it may wait for its turn.

        Raises:
            GuardUnavailable: as `submit`.
        """
        comes, lane = threading.Lock(), self._lanes[False]
        job = Job(Future(), comes.release, CALLER.get(), METER.get(), perf_counter(), is_turn=True)
        with self._changed:
            if lane.is_free(job.caller) and not self._abandoned:  # most often: there is nothing to wait for
                lane.begin(job)
                self._running[job.future] = (lane, job)
            else:
                comes.acquire()
                self._push(job, lane, within_s)
                self._begin_waiting()
        return Turn(self, job, comes, wait_s)

    def leave(self, job: Job, begun: float) -> None:
        """Take the end of a turn that began at a time, or that nobody waits for any more."""
        with self._changed:
            if job.future in self._running:
                self._finish(job, begun)
                self._begin_waiting()
            else:
                self._lanes[False].remove(job.future)

    def _push(self, job: Job, lane: Lane, within_s: float) -> None:
        """Queue a job; raises `GuardUnavailable`."""
        if (wait := lane.expected_wait(job.caller, job.since)) > within_s:
            raise GuardUnavailable(
                f"checks wait {wait:.1f} s for a worker already", min(LONGEST_RETRY_S, ceil(wait))
            )
        if lane.size >= self._queue:
            raise GuardUnavailable(f"{self._queue} checks are waiting for a worker already")
        if job.caller and lane.waits(job.caller) >= (self._queue + 1) // 2:
            raise GuardUnavailable("too many checks of this client are waiting for a worker already")
        if (stuck := self.stuck) > self._spare:
            raise GuardUnavailable(f"{stuck} workers are stuck in detectors that ran out of time")
        lane.push(job)

    def _begin_waiting(self) -> None:
        """Begin the jobs whose turn it is, on the threads of who asked, or ready for threads of the pool."""
        while (job := self._next()) is not None:
            self._ready.append(job)
            self._grow()
            self._changed.notify()

    def _grow(self) -> None:
        # One more than are replaced for good, so that it shows that they are too many.
        most = sum(lane.threads for lane in self._lanes.values()) + min(len(self._abandoned), self._spare + 1)
        due = len(self._ready) + sum(lane.due for lane in self._lanes.values())
        if self._alive >= most or self._idle >= due:
            return
        self._alive += 1
        threading.Thread(target=self._work, name="guardrails-worker", daemon=True).start()

    def abandon(self, future: Future[Any]) -> None:
        """Stop waiting for a future: drop it if it has not begun, else count its thread as stuck until it
        returns.
        """
        dropped = future.cancel()
        with self._changed:
            if dropped:
                for lane in self._lanes.values():
                    lane.remove(future)
            elif future in self._running and future not in self._abandoned:
                self._abandoned[future] = perf_counter()
                self._running[future][0].stick()
                self._begin_waiting()
                self._grow()
                self._changed.notify()

    def end(self, seconds: float) -> None:
        """Drop what has not begun, and wait so long for what has, but for what is stuck."""
        with self._changed:
            self._ending = True
            for lane in self._lanes.values():
                lane.clear()
            self._changed.wait_for(lambda: self._running.keys() <= self._abandoned.keys(), seconds)

    def _next(self) -> Job | None:
        """Begin the jobs whose turn it is, up to one that needs a thread of the pool."""
        for lane in self._lanes.values():  # quick work first
            while (job := lane.pop()) is not None:
                self._running[job.future] = (lane, job)
                if not job.is_turn:
                    return job
                job.function()
        return None

    def _finish(self, job: Job, begun: float) -> None:
        """Take the end of a job."""
        stuck = self._abandoned.pop(job.future, None) is not None
        lane, _ = self._running.pop(job.future)
        lane.finish(job, perf_counter() - begun, stuck=stuck)
        if self._ending:
            self._changed.notify_all()

    def _take(self) -> Job | None:
        with self._changed:
            most = sum(lane.threads for lane in self._lanes.values())
            if self._alive - len(self._abandoned) > most:
                self._alive -= 1  # this thread was replaced while it was stuck
                self._changed.notify()
                return None
            self._idle += 1
            while (job := self._ready.popleft() if self._ready else self._next()) is None:
                self._changed.wait()
            self._idle -= 1
            self._grow()
            return job

    def _work(self) -> None:
        _OWN.pool = self
        while (job := self._take()) is not None:
            begun = perf_counter()
            try:
                if job.future.set_running_or_notify_cancel():
                    self._run(job)
            finally:
                with self._changed:
                    self._finish(job, begun)
            del job  # what it holds may be large, and the next job may be long in coming

    @staticmethod
    def _run(job: Job) -> None:
        try:
            with nullcontext() if job.meter is None else job.meter.measure():
                result = job.function()
            job.future.set_result(result)
        except BaseException as error:  # the future carries it to whoever waits
            job.future.set_exception(error)


@cache
def workers() -> Workers:
    """Return the process's pool: for quick work twice the cores (models release Python's lock), for long work as many as cores
    (more would only take that lock from those who wait for an answer), queues of 4,096, which only bound memory, and as many
    spares as threads for quick work.
    """
    threads = max(4, 2 * CORES)
    pool = Workers(threads, queue=4_096, spare=threads, bulk=max(2, CORES))
    call_at_exit(pool.end, END_S)
    return pool


if hasattr(os, "register_at_fork"):  # threads stay behind in the parent, so a child needs a pool of its own
    os.register_at_fork(after_in_child=workers.cache_clear)
