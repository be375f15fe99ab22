"""Tells the account of a server what clocks say, again and again."""

from __future__ import annotations

import asyncio
from time import perf_counter, process_time, thread_time
from typing import Final

from guardrails.proxy.access.capacity.account import CapacityAccount

BEAT_S: Final = 0.25
"""Seconds between two looks."""


async def keep_measuring(capacity: CapacityAccount) -> None:
    """Measure until cancelled, on the event loop of the server."""
    before = perf_counter(), process_time(), thread_time()
    while True:
        await asyncio.sleep(BEAT_S)
        now = perf_counter(), process_time(), thread_time()
        seconds, process_s, loop_s = (new - old for new, old in zip(now, before, strict=True))
        before = now
        capacity.measure(seconds, process_s, loop_s, max(0.0, seconds - BEAT_S))
