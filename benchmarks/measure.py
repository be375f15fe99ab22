"""Timing for the benchmarks: a function and its arguments go in, microseconds and aligned tables come out.

A timing is the median over distinct texts within one repeat, and the best of the repeats: the median drops
the collector's pauses, the best drops what other jobs took from the machine. Standard library only, as the
rivals' environments import this file too.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import TypeVar

Argument = TypeVar("Argument")


def best(fn: Callable[[Argument], object], args_list: Sequence[Argument], repeats: int = 5) -> float:
    """Microseconds of one call: median over the arguments, best of the repeats; one more round warms up."""
    medians: list[float] = []
    for _ in range(repeats + 1):
        times: list[int] = []
        for argument in args_list:
            start = perf_counter_ns()
            fn(argument)
            times.append(perf_counter_ns() - start)
        medians.append(statistics.median(times))
    return min(medians[1:]) / 1_000


async def best_async(
    fn: Callable[[Argument], Awaitable[object]], args_list: Sequence[Argument], repeats: int = 5
) -> float:
    """`best` for a coroutine function, awaited one call after the other in the running loop."""
    medians: list[float] = []
    for _ in range(repeats + 1):
        times: list[int] = []
        for argument in args_list:
            start = perf_counter_ns()
            await fn(argument)
            times.append(perf_counter_ns() - start)
        medians.append(statistics.median(times))
    return min(medians[1:]) / 1_000


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """The rows under a line of their keys: numbers to the right with one decimal, text to the left."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    numeric = [any(isinstance(row.get(name), int | float) for row in rows) for name in names]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def machine() -> str:
    """One line on where the numbers come from: processor, cores, load, Python."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{_processor()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
