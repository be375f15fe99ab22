"""Measures what work costs: a `WorkMeter` sums up the processor seconds, and the seconds of threads, that one request took, on
whichever threads its work ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter, thread_time
from typing import Final


class WorkMeter:
    """What the work for one request took so far.

    Threads add to it without a lock: where two do at once one of them may be lost, which an estimate can bear.

    Attributes:
        cpu_s: processor seconds.
        busy_s: seconds for which threads of the pool were taken, whether they worked or waited.
        streams: whether the work is that of a streamed answer.
    """

    __slots__ = ("busy_s", "cpu_s", "streams")

    def __init__(self) -> None:
        self.cpu_s = self.busy_s = 0.0
        self.streams = False

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Add what the block takes of a thread of the pool; what it begins is measured by the same meter."""
        before, cpu, began = METER.set(self), thread_time(), perf_counter()
        try:
            yield
        finally:
            METER.reset(before)
            self.cpu_s += thread_time() - cpu
            self.busy_s += perf_counter() - began


METER: Final[ContextVar[WorkMeter | None]] = ContextVar("guardrails_work_meter", default=None)
"""The meter of the request that work is done for; None where nobody asks what it takes."""
