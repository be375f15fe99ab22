"""Batches rows of several callers, for a device that runs many rows at the cost of a few.

One thread runs the device. While it is at work, rows gather; when it is free, the next batch is made of what is there: no
timer waits, so that a lone row is run at once and a busy device always has full batches. Callers take turns row by row, so that a
long text does not hold up a short one, and rows of like length stand together, so that little is padded. How much may wait is
bounded by the engine's workers, each of which waits for its own rows.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from guardrails.cancellation import Cancelled, Token, current
from guardrails.fork_safety import reset_after_fork
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.windows import TokenRow

AHEAD = 4
"""Batches' worth of rows that are looked at to find some of like length."""

Waiting = tuple[TokenRow, "Future[Scores]", Token]


class Batcher:
    """Runs batches of at most `most` rows by `run` (rows in, one row of scores each out) on a thread of its own."""

    def __init__(self, run: Callable[[Sequence[TokenRow]], Scores], most: int) -> None:
        self._run = run
        self._most = most
        self._changed = threading.Condition()
        self._callers: deque[deque[Waiting]] = deque()
        self._taken: list[Waiting] = []
        self._started = False
        reset_after_fork(self)

    def reset_in_child(self) -> None:
        """Have no thread, and no rows of the parent's callers."""
        self._changed = threading.Condition()
        self._callers.clear()
        self._taken, self._started = [], False

    def map(self, rows: Sequence[TokenRow]) -> list[Scores]:
        """Return the scores of each row; raises what the device raised for one of them, and `Cancelled` once nobody waits for
        them any more: rows that were not run by then are not.
        """
        token = current()
        waiting: deque[Waiting] = deque((row, Future(), token) for row in rows)
        futures = [future for _, future, _ in waiting]
        if not waiting:
            return []
        with self._changed:
            if not self._started:
                self._started = True
                threading.Thread(target=self._work, name="guardrails-device", daemon=True).start()
            self._callers.append(waiting)
            self._changed.notify()
        return [future.result() for future in futures]

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._callers or self._taken):
                    self._changed.wait()
                batch = [each for each in self._next() if not _is_dropped(each)]
            if not batch:
                continue
            try:
                found = self._run([row for row, _, _ in batch])
                done = list(zip((future for _, future, _ in batch), found, strict=True))
            except BaseException as error:  # the callers raise it
                for _, future, _ in batch:
                    future.set_exception(error)
            else:
                for future, scores in done:
                    future.set_result(scores)

    def _next(self) -> list[Waiting]:
        """Take rows in turns, and return those nearest in length to the one that waits longest."""
        while self._callers and len(self._taken) < AHEAD * self._most:
            caller = self._callers.popleft()
            self._taken.append(caller.popleft())
            if caller:
                self._callers.append(caller)
        length = len(self._taken[0][0].ids)
        order = sorted(
            range(len(self._taken)), key=lambda at: (abs(len(self._taken[at][0].ids) - length), at)
        )
        chosen = set(order[: self._most])
        batch = [self._taken[at] for at in sorted(chosen)]
        self._taken = [each for at, each in enumerate(self._taken) if at not in chosen]
        return batch


def _is_dropped(waiting: Waiting) -> bool:
    """Tell whether nobody waits for a row any more, and tell that to whoever asked for it."""
    _, future, token = waiting
    if not token.cancelled:
        return False
    future.set_exception(Cancelled("the row is no longer wanted"))
    return True
