"""How much of the measured work the machine does in a second.

Measured work is what steps and detectors take; parsing, framing and the upstream's connections come on top. How much that is, and
how much of everything the one thread of the event loop has to do by itself, is learnt from the clocks of the process and of that
thread. What no clock tells (Python's lock, other processes of the machine) shows as delay: `gain` follows that.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MOST_OVERHEAD: Final = 6.0
"""Times the measured work that all work takes, at most: requests that judge nothing show no ratio."""

FIRST_OVERHEAD: Final = 1.5

MEMORY_CPU_S: Final = 4.0
"""Processor seconds after which what was measured before counts for half: an idle server forgets nothing."""

LATE_S: Final = 0.25
"""Delay of the event loop that is more than any request makes by itself."""

SLACK: Final = 0.25
"""Part of the wait that was foretold, below which the foretelling was too careful."""

VERY_LATE_S: Final = 0.5
"""Delay for each of which `gain` falls by a step: a loop that is late for seconds looks once in seconds, too."""

STEP_S: Final = 0.25
MOST_STEPS: Final = 8.0
"""Seconds in which `gain` rises by a step, and steps that it changes at a time at most."""

LEAST_GAIN: Final = 0.25
MOST_GAIN: Final = 4.0
"""Bounds of `gain`: delay may be due to other processes, for which not all of one's own clients are to be refused."""


class Delay(NamedTuple):
    """How late work is: the event loop, the first in the queue of the workers; how late it was expected to be, and may be."""

    loop_s: float
    queue_s: float
    foretold_s: float
    bound_s: float


class MachineSpeed:
    """What a second of the machine is worth.

    Attributes:
        cores: those that the process may use.
        overhead: processor seconds of the whole process for each that was measured.
        usable_cores: those that work can use at a time: the part of it that one thread has to do is not done faster by others.
        gain: by how much more work is done, or less, than clocks say; 1 without an overload.
    """

    def __init__(self, cores: float) -> None:
        self.cores = cores
        self.gain = 1.0
        # As if a second of work had been seen already: what is measured first does not change everything.
        self._metered_s, self._process_s, self._loop_s = 1.0, FIRST_OVERHEAD, 0.5
        self.overhead, self.usable_cores = FIRST_OVERHEAD, min(cores, FIRST_OVERHEAD / 0.5)

    def observe(self, metered_s: float, process_s: float, loop_s: float) -> None:
        """Take what was measured since the last time: work, and the processor seconds of the process and of the loop's thread."""
        kept = 0.5 ** (process_s / MEMORY_CPU_S)
        self._metered_s = self._metered_s * kept + metered_s
        self._process_s = self._process_s * kept + process_s
        self._loop_s = self._loop_s * kept + loop_s
        self.overhead = min(MOST_OVERHEAD, max(1.0, self._process_s / self._metered_s))
        self.usable_cores = min(self.cores, self._process_s / max(self._loop_s, 1e-9))

    def follow_delay(self, delay: Delay, seconds: float, *, refused: bool) -> None:
        """Promise less at once where work waits for longer than it may, and slowly more again; more than clocks say where
        requests were refused though nothing waits.

        Args:
            delay: how late work is.
            seconds: since the last time.
            refused: whether requests were refused in them.
        """
        steps = min(MOST_STEPS, seconds / STEP_S)
        if delay.loop_s > LATE_S or delay.queue_s > delay.bound_s:
            late = min(MOST_STEPS, max(1.0, delay.loop_s / VERY_LATE_S))
            self.gain = max(LEAST_GAIN, self.gain * 0.8**late)
        elif self.gain < 1.0:
            self.gain = min(1.0, self.gain + 0.02 * steps)
        elif refused and max(delay.loop_s, delay.queue_s) < delay.foretold_s * SLACK:
            self.gain = min(MOST_GAIN, self.gain * 1.05**steps)
        else:
            self.gain = max(1.0, self.gain * 0.99**steps)
