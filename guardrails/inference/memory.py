"""Caches what was made of inputs last, such as the logits of rows that an encoder judged.

Two detectors of one policy read the same windows at the same time, and so do equal texts of two callers: an input that
somebody is at work on is waited for, not run twice.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from guardrails.cancellation import Cancelled, check, current
from guardrails.fork_safety import fork_safe_lock, reset_after_fork

Input = TypeVar("Input", bound=Hashable)
Result = TypeVar("Result")


class CacheRun(Generic[Input, Result]):
    """Inputs that one thread is at work on, for others that wait for them."""

    __slots__ = ("_done", "_error", "_found")

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._error: BaseException | None = None
        self._found: Mapping[Input, Result] = {}

    def finish(self, found: Mapping[Input, Result], error: BaseException | None = None) -> None:
        """Say what came of them."""
        self._found, self._error = found, error
        self._done.release()

    def wait(self) -> Mapping[Input, Result]:
        """Return the results, once they are there; raises what was raised in the place of them, or `Cancelled` if too late."""
        if not self._done.acquire(timeout=current().left_s):
            raise Cancelled("what others are at work on was not done in time")
        self._done.release()
        if self._error is not None:
            raise self._error
        return self._found


class ResultCache(Generic[Input, Result]):
    """The results of at most `most` inputs, those used longest ago forgotten first; safe to share by threads.

    Of inputs that differ in size `weigh` tells the size, and all that are kept together have `most` at most.
    """

    def __init__(self, most: int, weigh: Callable[[Input], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._held = 0
        self._lock = fork_safe_lock()
        self._kept: OrderedDict[Input, Result] = OrderedDict()
        self._running: dict[Input, CacheRun[Input, Result]] = {}
        reset_after_fork(self)

    def reset_in_child(self) -> None:
        """Wait for nothing that threads of the parent are at work on."""
        self._running = {}

    def has_running(self, inputs: Sequence[Input]) -> bool:
        """Tell whether another thread is at work on one of some inputs, for which `get` would wait."""
        with self._lock:
            return not self._running.keys().isdisjoint(inputs)

    def get(
        self, inputs: Sequence[Input], run: Callable[[Sequence[Input]], Sequence[Result]]
    ) -> dict[Input, Result]:
        """Return the results of inputs: known ones, those that others are at work on, and the rest by `run`.

        Raises what `run` raises, of this call or of the one that was waited for; `Cancelled` of this one alone.
        """
        found: dict[Input, Result] = {}
        mine: list[Input] = []
        others: dict[Input, CacheRun[Input, Result]] = {}
        own: CacheRun[Input, Result] = CacheRun()
        with self._lock:
            for each in inputs:
                if (known := self._kept.get(each)) is not None:
                    self._kept.move_to_end(each)
                    found[each] = known
                elif (running := self._running.setdefault(each, own)) is not own:
                    others[each] = running
                else:
                    mine.append(each)
        if mine:
            mine = [*dict.fromkeys(mine)]
            found |= self._run(mine, own, run)
        given_up: list[Input] = []
        for each, running in others.items():
            try:
                found[each] = running.wait()[each]
            except Cancelled:  # nobody waited for it there any more, but here somebody does
                given_up.append(each)
        if given_up:
            check()
            found.update(self.get(given_up, run))
        return found

    def _run(
        self,
        mine: Sequence[Input],
        own: CacheRun[Input, Result],
        run: Callable[[Sequence[Input]], Sequence[Result]],
    ) -> dict[Input, Result]:
        try:
            found = dict(zip(mine, run(mine), strict=True))
        except BaseException as error:
            with self._lock:
                for each in mine:
                    del self._running[each]
            own.finish({}, error)
            raise
        with self._lock:
            for each, result in found.items():
                del self._running[each]
                self._store(each, result)
        own.finish(found)
        return found

    def keep(self, each: Input, result: Result) -> Result:
        """Keep a result, and return it, before the others of its call are there: what was done of a call that is given up is not
        done again.
        """
        with self._lock:
            self._store(each, result)
        return result

    def _store(self, each: Input, result: Result) -> None:
        if each not in self._kept:
            self._held += self._weigh(each)
        self._kept[each] = result
        while self._held > self._most:
            oldest, _ = self._kept.popitem(last=False)
            self._held -= self._weigh(oldest)
