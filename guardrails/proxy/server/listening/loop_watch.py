"""Tells how late an event loop is with what it has to do."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import Final

BEAT_S: Final = 0.25
"""Seconds between two looks."""

KEPT_S: Final = 60.0
"""Seconds for which a delay is shown."""

MOST_KEPT: Final = round(KEPT_S / BEAT_S)


class LoopWatch:
    """Measures the delays of one event loop: `run` is a task of it, the rest may be asked from any thread.

    Before `run` has begun, and after it ended, the loop is not late.
    """

    def __init__(self) -> None:
        self._due: float | None = None
        self._delays: deque[tuple[float, float]] = deque(maxlen=MOST_KEPT)

    async def run(self) -> None:
        """Measure until cancelled."""
        try:
            while True:
                self._due = monotonic() + BEAT_S
                await asyncio.sleep(BEAT_S)
                self._delays.append((monotonic(), self.delay_s))
        finally:
            self._due = None

    @property
    def delay_s(self) -> float:
        """How many seconds the loop is late by now."""
        due = self._due
        return 0.0 if due is None else max(0.0, monotonic() - due)

    @property
    def longest_delay_s(self) -> float:
        """The longest delay of the last minute, in seconds, that of this moment among them."""
        since = monotonic() - KEPT_S
        return max([self.delay_s, *(delay for when, delay in tuple(self._delays) if when >= since)])
