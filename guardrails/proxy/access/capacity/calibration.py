"""First estimates of what checks take on this machine under a policy, before anybody has asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import copy_context
from itertools import count
from time import perf_counter
from typing import Final

from guardrails.guard import Guard
from guardrails.processor.work_meter import METER, WorkMeter
from guardrails.proxy.access.capacity.costs import Cost
from guardrails.types import StageName

LINE: Final = "Line {0} of the harbour log says that boat {1} came in with {2} crates of fish and left for the north at noon.\n"
"""Prose in which nothing is."""

ROUNDS: Final = 2
"""Every first time takes longer: what is built when it is needed is built then. The cheapest counts."""

LENGTHS: Final = (60, 800)
"""Characters of the texts that are judged before and after a model is asked."""

JSON_BYTES: Final = 100
"""Bytes of a request besides its text."""

STREAMED: Final = 240
PIECE: Final = 4
STREAM_RATE: Final = 200.0
"""Characters of a stream, of its pieces, and those that come each second: fifty tokens."""

PRUDENCE: Final = 2.0
"""Times as much as this plain prose that streams take, until some were measured: of other prose a model is asked more often."""


REST: Final = 4.0
"""Times as long as each text took for which nothing is done then: whoever asks first has the machine."""


async def measure_costs(guard: Guard) -> tuple[Mapping[int, Cost], Cost | None]:
    """Return what requests of some sizes take, with their answers, and what a stream takes each second. Nothing is said of a
    policy that asks services: each question may cost something.

    Args:
        guard: judges some texts; nobody is told of its verdicts.

    Raises:
        GuardrailsError: the workers are busy, or a text is over the budget.
    """
    if any(bound.adetect is not None for bound in guard.pipeline.bounds()):
        return {}, None
    quiet, texts = guard.without_reports(), _cut_texts()
    costs: dict[int, Cost] = {}
    rates = []
    for _ in range(ROUNDS):
        for length in LENGTHS:
            async with _rest_afterwards():
                cost = await _measure_checks(quiet, [next(texts)[:length] for _ in range(2)])
            costs[length + JSON_BYTES] = min(cost, costs.get(length + JSON_BYTES, cost))
        async with _rest_afterwards():
            rates.append(await asyncio.to_thread(_measure_stream, quiet, next(texts)[:STREAMED]))
    return costs, min(rates)


@asynccontextmanager
async def _rest_afterwards() -> AsyncIterator[None]:
    """Wait after the block for `REST` times as long as it took."""
    began = perf_counter()
    yield
    await asyncio.sleep((perf_counter() - began) * REST)


def _cut_texts() -> Iterator[str]:
    """Yield texts of which no two have a line in common: what was judged once is remembered."""
    each = max(*LENGTHS, STREAMED) // len(LINE) + 1
    for first in count(step=each):
        yield "".join(LINE.format(at, at * 7, at + 3) for at in range(first, first + each))


async def _measure_checks(guard: Guard, texts: list[str]) -> Cost:
    """Return what the checks of a request and of its answer take."""
    meter = WorkMeter()
    stages: tuple[StageName, ...] = ("input", "output")
    for text, stage in zip(texts, stages, strict=True):
        context = copy_context()
        context.run(METER.set, meter)
        check = guard.acheck(text, stage)
        await asyncio.get_running_loop().create_task(check, context=context)
    return Cost(meter.cpu_s, meter.busy_s)


def _measure_stream(guard: Guard, text: str) -> Cost:
    """Return what a stream takes each second."""
    meter = WorkMeter()
    with meter.measure():
        stream = guard.stream(stage="output")
        for at in range(0, len(text), PIECE):
            stream.feed(text[at : at + PIECE])
        stream.flush()
    each_second = PRUDENCE * meter.cpu_s * STREAM_RATE / len(text)
    # The seconds of threads are those of work: this thread was taken for as long as it waited for others.
    return Cost(each_second, each_second)
