"""The process's one pool of daemon threads for work that may take long: functions in, futures out.

A caller that runs out of time abandons its future: nobody joins, so neither a deadline nor the end of the process waits for a
stuck detector. An abandoned thread is counted and replaced, up to a bound; beyond it, and when the queue is full, new work is
refused with `Overloaded`, which is how load is shed. For work that is not abandoned the end of the process waits `END_S` at most,
as a thread in the middle of C++ code would take the process down with it.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, Final

from guardrails.errors import Overloaded

END_S: Final = 1.0
"""Seconds that the end of the process waits for work that nobody has abandoned."""

Job = tuple["Future[Any]", Callable[[], Any]]


class Workers:
    """The pool. `threads` work at a time, `queue` more jobs wait, `spare` stuck threads are replaced."""

    def __init__(self, threads: int, queue: int, spare: int) -> None:
        self._threads, self._queue, self._spare = threads, queue, spare
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._alive = 0
        self._idle = 0
        self._running: set[Future[Any]] = set()
        self._abandoned: set[Future[Any]] = set()
        self._ending = False

    @property
    def abandoned(self) -> int:
        """Threads that still run work which nobody waits for."""
        return len(self._abandoned)

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return len(self._jobs)

    def submit(self, function: Callable[[], Any]) -> Future[Any]:
        """Queue a function; raise `Overloaded` when the queue is full or too many threads are stuck."""
        future: Future[Any] = Future()
        with self._changed:
            if len(self._jobs) >= self._queue:
                raise Overloaded(f"{self._queue} checks are waiting for a worker already")
            if len(self._abandoned) > self._spare:
                raise Overloaded(
                    f"{len(self._abandoned)} workers are stuck in detectors that ran out of time"
                )
            self._jobs.append((future, function))
            self._grow()
            self._changed.notify()
        return future

    def _grow(self) -> None:
        if self._idle >= len(self._jobs) or self._alive - len(self._abandoned) >= self._threads:
            return
        self._alive += 1
        threading.Thread(target=self._work, name="guardrails-worker", daemon=True).start()

    def abandon(self, future: Future[Any]) -> None:
        """Stop waiting for a future: drop it if it has not begun, else count its thread as stuck until it
        returns.
        """
        dropped = future.cancel()
        with self._changed:
            if dropped:  # its place in the queue is for those who still wait
                self._jobs = deque(job for job in self._jobs if job[0] is not future)
            elif future in self._running:
                self._abandoned.add(future)
                self._grow()

    def end(self, seconds: float) -> None:
        """Drop what has not begun, and wait so long for what has, but for what is stuck."""
        with self._changed:
            self._ending = True
            while self._jobs:
                self._jobs.pop()[0].cancel()
            self._changed.wait_for(lambda: self._running <= self._abandoned, seconds)

    def _take(self) -> Job | None:
        with self._changed:
            if self._alive - len(self._abandoned) > self._threads:
                self._alive -= 1  # this thread was replaced while it was stuck
                return None
            self._idle += 1
            while not self._jobs:
                self._changed.wait()
            self._idle -= 1
            future, function = self._jobs.popleft()
            self._running.add(future)
            return future, function

    def _work(self) -> None:
        while (job := self._take()) is not None:
            future, function = job
            try:
                if future.set_running_or_notify_cancel():
                    self._run(future, function)
            finally:
                with self._changed:
                    self._running.discard(future)
                    self._abandoned.discard(future)
                    if self._ending:
                        self._changed.notify_all()
            del job, future, function  # what they hold may be large, and the next job may be long in coming

    @staticmethod
    def _run(future: Future[Any], function: Callable[[], Any]) -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # the future carries it to whoever waits
            future.set_exception(error)


@cache
def workers() -> Workers:
    """Return the process's pool: twice the cores (models release the lock), a queue of 256, as many spares as
    threads.
    """
    threads = max(4, 2 * (os.cpu_count() or 1))
    pool = Workers(threads, queue=256, spare=threads)
    atexit.register(pool.end, END_S)
    return pool


if hasattr(os, "register_at_fork"):  # threads stay behind in the parent, so a child needs a pool of its own
    os.register_at_fork(after_in_child=workers.cache_clear)
