"""Caches what was made of inputs last, such as the logits of rows that an encoder judged.

Two detectors of one policy read the same windows at the same time, and so do equal texts of two callers: an input that
somebody is at work on is waited for, not run twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from guardrails.cancellation import Cancelled, check
from guardrails.fork_safety import fork_safe_lock, reset_after_fork

Input = TypeVar("Input", bound=Hashable)
Result = TypeVar("Result")


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
        self._running: dict[Input, Future[Result]] = {}
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
        mine: dict[Input, Future[Result]] = {}
        others: dict[Input, Future[Result]] = {}
        with self._lock:
            for each in dict.fromkeys(inputs):
                if (known := self._kept.get(each)) is not None:
                    self._kept.move_to_end(each)
                    found[each] = known
                elif (running := self._running.get(each)) is not None:
                    others[each] = running
                else:
                    mine[each] = self._running[each] = Future()
        if mine:
            found.update(self._run(mine, run))
        given_up: list[Input] = []
        for each, running in others.items():
            try:
                found[each] = running.result()
            except Cancelled:  # nobody waited for it there any more, but here somebody does
                given_up.append(each)
        if given_up:
            check()
            found.update(self.get(given_up, run))
        return found

    def _run(
        self, mine: dict[Input, Future[Result]], run: Callable[[Sequence[Input]], Sequence[Result]]
    ) -> dict[Input, Result]:
        try:
            found = dict(zip(mine, run(list(mine)), strict=True))
        except BaseException as error:
            with self._lock:
                for each, future in mine.items():
                    del self._running[each]
                    future.set_exception(error)
            raise
        with self._lock:
            for each, future in mine.items():
                del self._running[each]
                self._kept[each] = found[each]
                self._held += self._weigh(each)
                future.set_result(found[each])
            while self._held > self._most:
                oldest, _ = self._kept.popitem(last=False)
                self._held -= self._weigh(oldest)
        return found
