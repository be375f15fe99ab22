"""What is promised to requests and not done yet, as the seconds that the machine will be at work for it.

Short and long work have a backlog each, as they have threads of their own (`engine.core.worker_pool`). Where there is some of
both, each gets half of the machine: what is short waits for as much long work as there is short work before it, and never for
all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guardrails.proxy.access.capacity.fairness import bound_for

SMALL_S: Final = 1e-3
"""Backlog of a client that is forgotten."""

LEAST_SCALE: Final = 1e-9
"""How little may be left of what the parts of clients are written down in, before they are begun anew."""


class Backlog:
    """Work of one kind.

    Attributes:
        seconds: for which the machine would be at work if it did nothing else.
    """

    __slots__ = ("_held", "_scale", "seconds")

    def __init__(self) -> None:
        self.seconds, self._scale = 0.0, 1.0
        self._held: dict[str, float] = {}

    @property
    def clients(self) -> int:
        """How many clients have some of it."""
        return len(self._held)

    def add(self, caller: str, seconds: float) -> None:
        """Add work of a client, or take it away."""
        backlog, own = self.seconds + seconds, self._held.get(caller, 0.0) + seconds / self._scale
        self.seconds = backlog if backlog > 0.0 else 0.0
        self._held[caller] = own if own > 0.0 else 0.0

    def drain(self, seconds: float) -> None:
        """Take away what was done, of each client in proportion."""
        left = self.seconds - seconds
        if left <= 0.0 or self._scale < LEAST_SCALE:
            self.seconds, self._scale = left if left > 0.0 else 0.0, 1.0
            if self._held:  # parts of clients may be left, where one took less than was promised for it
                self._held.clear()
        else:
            self._scale *= left / self.seconds
            self.seconds = left

    def before(self, caller: str, turn_s: float) -> float:
        """Return for how many seconds new work of a client waits, as clients take turns: of each other one as much comes first as
        the client has itself, and a turn.
        """
        most = self._held.get(caller, 0.0) + turn_s / self._scale
        return min(self.seconds, self._scale * sum(min(held, most) for held in self._held.values()))

    def bound_for(self, caller: str, bound_s: float) -> float:
        """Return up to where a client may go of the seconds that one may wait."""
        return bound_for(caller, self._held, self.seconds / self._scale, bound_s)

    def forget_small(self) -> None:
        """Forget clients of which next to nothing is left."""
        for caller in [name for name, held in self._held.items() if held * self._scale < SMALL_S]:
            del self._held[caller]


class RequestBacklog:
    """Work of both kinds, which shrinks as time passes.

    Attributes:
        short: work that is done in a moment.
        long: work that takes longer.
        busy_s: seconds in which there was some, when `advance` was told that they count.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.short, self.long = Backlog(), Backlog()
        self.busy_s = 0.0
        self._clock, self._now = clock, clock()

    def advance(self, *, counts: bool) -> None:
        """Take away what was done since the last time; `counts` says whether the time counts in which that was."""
        now = self._clock()
        passed, self._now = now - self._now, now
        short_s, long_s = self.short.seconds, self.long.seconds
        if counts:
            self.busy_s += min(passed, short_s + long_s)
        if long_s:
            self.short.drain(max(passed / 2, passed - long_s))
            self.long.drain(max(passed / 2, passed - short_s))
        else:
            self.short.drain(passed)
            self.long.drain(passed)

    def wait_of(self, caller: str, turn_s: float, *, long: bool) -> float:
        """Return for how many seconds new work of a client would wait, by the last `advance`; others have turns of `turn_s`."""
        short_s = self.short.before(caller, turn_s)
        return short_s + (self.long.before(caller, turn_s) if long else min(short_s, self.long.seconds))

    def wait_s(self, *, long: bool = False) -> float:
        """Return for how many seconds new work of a kind would wait behind that of all; may be asked from any thread."""
        short_s, long_s = self.short.seconds, self.long.seconds
        promised_s = short_s + (long_s if long or long_s < short_s else short_s)
        if promised_s:
            promised_s -= max(0.0, self._clock() - self._now)
        return promised_s if promised_s > 0.0 else 0.0

    def forget_small(self) -> None:
        """Forget clients of which next to nothing is left."""
        self.short.forget_small()
        self.long.forget_small()
