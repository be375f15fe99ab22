"""Runs work in parts, with no more parts at a time than there are cores, whoever asks.

Who asks works on its own parts, and daemon threads help where cores are free; between parts a core goes to whoever waits,
so that a short text never waits for all windows of a long one. Parts of a caller whose work is cancelled are not begun.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from time import thread_time
from typing import Any, TypeVar

from guardrails.cancellation import Cancelled, check, current
from guardrails.processor.cores import count_cores
from guardrails.processor.work_meter import METER

Part = TypeVar("Part")
Result = TypeVar("Result")


class Slots:
    """So many places, given in the order in which they are asked for: who lets one go and wants it again waits behind the others.
    Raises `Cancelled` where the time is up before a place is free.

    `threading.Semaphore` gives no order: a thread that works part after part would keep its place as long as it has parts.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._turns: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for a place."""
        return len(self._turns)

    def __enter__(self) -> None:
        with self._lock:
            if self._free and not self._turns:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._turns.append(turn)
        try:
            if not turn.acquire(timeout=current().left_s):  # released by who hands the place over
                raise Cancelled("no core was free in time")
        except BaseException:  # interrupted, too
            with self._lock:
                if turn in self._turns:
                    self._turns.remove(turn)
                    raise
            self._release()
            raise

    def __exit__(self, *error: object) -> None:
        self._release()

    def _release(self) -> None:
        with self._lock:
            if self._turns:
                self._turns.popleft().release()
            else:
                self._free += 1


class _Call:
    """The parts of one caller, taken one by one by whoever has time."""

    def __init__(self, function: Callable[[Any], Any], parts: Sequence[Any]) -> None:
        self._function = function
        self._parts = parts
        self._lock = threading.Lock()
        self._next = 0
        self._left = len(parts)
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._token = current()
        self._meter = METER.get()
        self._results: list[Any] = [None] * len(parts)

    def step(self, slots: Slots) -> bool:
        """Do the next part; False when none is left to begin."""
        with slots:
            with self._lock:
                at = self._next
                if at >= len(self._parts):
                    return False
                self._next += 1
            try:
                if self._error is None:
                    self._token.check()
                    self._results[at] = self._function(self._parts[at])
            except BaseException as error:  # the caller raises it
                self._error = error
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._done.set()
        return True

    def help(self, slots: Slots) -> bool:
        """Do the next part on a thread that is not the caller's, whose work is measured all the same."""
        began = thread_time()
        try:
            return self.step(slots)
        finally:
            if self._meter is not None:
                self._meter.cpu_s += thread_time() - began

    def results(self) -> list[Any]:
        """Wait for what others still do, and return all results; raises what a part raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._results


class WorkerPool:
    """`cores` parts run at a time, of all callers together."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._slots = Slots(cores)
        self._unstarted = cores - 1
        self._calls: deque[_Call] = deque()
        self._changed = threading.Condition()

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """Return what the function makes of each part; raises what it raises, and `Cancelled` once nobody waits any more."""
        if len(parts) < 2:  # nobody could help
            return [self._do(function, part) for part in parts]
        call = _Call(function, parts)
        if self._cores > 1:
            self._offer(call)
        while call.step(self._slots):
            pass
        return call.results()

    def _do(self, function: Callable[[Part], Result], part: Part) -> Result:
        """Return what the function makes of the only part of a caller."""
        with self._slots:
            check()
            return function(part)

    def _offer(self, call: _Call) -> None:
        with self._changed:
            self._calls.append(call)
            if self._unstarted:  # threads begin with the first work that can be shared
                self._unstarted -= 1
                threading.Thread(target=self._help, name="guardrails-inference", daemon=True).start()
            self._changed.notify()

    def _help(self) -> None:
        while True:
            with self._changed:
                while not self._calls:
                    self._changed.wait()
                call = self._calls.popleft()
            if call.help(self._slots):
                with self._changed:
                    self._calls.append(call)  # behind the other callers
                    self._changed.notify()


@cache
def get_pool() -> WorkerPool:
    """Return the process's pool."""
    return WorkerPool(count_cores())


if hasattr(os, "register_at_fork"):  # threads stay behind in the parent, so a child needs a pool of its own
    os.register_at_fork(after_in_child=get_pool.cache_clear)
