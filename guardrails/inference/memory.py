"""Caches the logits of the rows that an encoder judged last.

Two detectors of one policy read the same windows at the same time, and so do equal texts of two callers: a row that
somebody is at work on is waited for, not run twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from guardrails.cancellation import Cancelled, check
from guardrails.fork_safety import fork_safe_lock
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.windows import TokenRow


class LogitCache:
    """The logits of at most `most` rows, those used longest ago forgotten first; safe to share by threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = fork_safe_lock()
        self._kept: OrderedDict[TokenRow, Scores] = OrderedDict()
        self._running: dict[TokenRow, Future[Scores]] = {}

    def logits(
        self, rows: Sequence[TokenRow], run: Callable[[Sequence[TokenRow]], Sequence[Scores]]
    ) -> dict[TokenRow, Scores]:
        """Return the logits of rows: known ones, those that others are at work on, and the rest by `run`.

        Raises what `run` raises, of this call or of the one that was waited for; `Cancelled` of this one alone.
        """
        found: dict[TokenRow, Scores] = {}
        mine: dict[TokenRow, Future[Scores]] = {}
        others: dict[TokenRow, Future[Scores]] = {}
        with self._lock:
            for row in dict.fromkeys(rows):
                if (known := self._kept.get(row)) is not None:
                    self._kept.move_to_end(row)
                    found[row] = known
                elif (running := self._running.get(row)) is not None:
                    others[row] = running
                else:
                    mine[row] = self._running[row] = Future()
        if mine:
            found.update(self._run(mine, run))
        given_up: list[TokenRow] = []
        for row, running in others.items():
            try:
                found[row] = running.result()
            except Cancelled:  # nobody waited for it there any more, but here somebody does
                given_up.append(row)
        if given_up:
            check()
            found.update(self.logits(given_up, run))
        return found

    def _run(
        self, mine: dict[TokenRow, Future[Scores]], run: Callable[[Sequence[TokenRow]], Sequence[Scores]]
    ) -> dict[TokenRow, Scores]:
        try:
            found = dict(zip(mine, run(list(mine)), strict=True))
        except BaseException as error:
            with self._lock:
                for row, future in mine.items():
                    del self._running[row]
                    future.set_exception(error)
            raise
        with self._lock:
            for row, future in mine.items():
                del self._running[row]
                self._kept[row] = found[row]
                future.set_result(found[row])
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
