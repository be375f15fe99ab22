"""First estimates of what checks take on this machine under a policy, before anybody has asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import copy_context
from typing import Final

from guardrails.guard import Guard
from guardrails.processor.work_meter import METER, WorkMeter
from guardrails.proxy.access.capacity.costs import Cost

LINES: Final = tuple(
    f"Line {number} of the harbour log says that boat {number * 7} came in with {number + 3} crates of fish and left at noon."
    for number in range(40)
)
"""Prose in which nothing is, of which no two lines are the same: what was judged once is remembered."""

LENGTHS: Final = (100, 2_000)
"""Characters of the texts that are judged."""

JSON_BYTES: Final = 100
"""Bytes of a request besides its text."""

STREAMED: Final = 400
PIECE: Final = 4
STREAM_RATE: Final = 200.0
"""Characters of a stream, of its pieces, and those that come each second: fifty tokens."""


async def measure_costs(guard: Guard) -> tuple[Mapping[int, Cost], Cost | None]:
    """Return what requests of some sizes take, with their answers, and what a stream takes each second. Nothing is said of a
    policy that asks services: each question may cost something.

    Args:
        guard: judges some texts; nobody is told of its verdicts.

    Raises:
        GuardUnavailable: the workers are busy: requests will tell.
    """
    if any(bound.adetect is not None for bound in guard.pipeline.bounds()):
        return {}, None
    quiet, costs, used = guard.without_reports(), dict[int, Cost](), 0
    for length in LENGTHS:
        meter = WorkMeter()
        for stage in ("input", "output"):
            text = " ".join(LINES)[used : used + length // 2]
            used += len(text)
            context = copy_context()
            context.run(METER.set, meter)
            await asyncio.get_running_loop().create_task(quiet.acheck(text, stage), context=context)
        costs[length + JSON_BYTES] = Cost(meter.cpu_s, meter.busy_s)
    return costs, await asyncio.to_thread(_measure_stream, quiet)


def _measure_stream(guard: Guard) -> Cost:
    """Return what a stream takes each second."""
    meter = WorkMeter()
    text = "\n".join(reversed(LINES))[:STREAMED]
    with meter.measure():
        stream = guard.stream(stage="output")
        for at in range(0, STREAMED, PIECE):
            stream.feed(text[at : at + PIECE])
        stream.flush()
    each_second = meter.cpu_s * STREAM_RATE / STREAMED
    # Seconds of threads: those of the thread that waited for the others are not among them.
    return Cost(each_second, each_second)
