"""How long the event loop of a server stands still while its policy is loaded anew, by what changed in it.

    python benchmarks/reloading.py    # a policy on the default, with 1,000 terms and 100 patterns of its own

The policy is compiled on a worker, but what compiles for long without letting go of the interpreter stops the loop all the same.
A task on the loop wakes up every millisecond; what is shown is the longest that it slept beyond that, the median and the worst of
the rounds, beside the same in as long a time without a load. A last row counts from the change of the file, which the server has
to find, and lets rest first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import statistics
import tempfile
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.reloading.reload import keep_reloading, reload
from guardrails.proxy.server.state import State
from measure import machine, table
from proxies import tenants

TICK_S = 0.001
QUIET_S = 4.0
"""After the start: what is loaded in the background (tables of languages) is not the reload's."""

REST_S = 1.0
"""At most, between two changes that the server finds by itself: so that they fall anywhere between its looks."""

Change = Callable[[dict[str, Any], int], None]


def nothing(_document: dict[str, Any], _number: int) -> None:
    """Change nothing."""


def threshold(document: dict[str, Any], number: int) -> None:
    """Change a rule."""
    document["rules"][-1]["when"] = f"hate >= 0.5{number}"


def terms(document: dict[str, Any], number: int) -> None:
    """Add a term."""
    document["detectors"]["own_words"]["terms"].append(f"zqxnew{number}")


def patterns(document: dict[str, Any], number: int) -> None:
    """Add a pattern."""
    document["detectors"]["own_shapes"]["patterns"].append(rf"\bNEW{number}-\d{{4}}\b")


CHANGES: dict[str, Change | None] = {
    "nothing is loaded": None,
    "nothing (SIGHUP)": nothing,
    "a threshold": threshold,
    "a list of terms": terms,
    "a table of patterns": patterns,
}
"""What changes → how; None: no load at all."""


class Beat:
    """Wakes up every millisecond, and remembers how late it was at the worst."""

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def run(self) -> None:
        """Beat until cancelled."""
        last = perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = perf_counter()
            self.worst_s = max(self.worst_s, now - last - TICK_S)
            last = now


async def measured(given: argparse.Namespace, folder: Path) -> list[dict[str, object]]:
    """Return a row for each change."""
    path = folder / "policy.yaml"
    document = {**tenants.policy(0, "default", terms=given.terms, patterns=given.patterns)}

    def write(change: Change, number: int) -> None:
        copied = json.loads(json.dumps(document))
        change(copied, number)
        path.write_text(json.dumps(copied))

    write(nothing, 0)
    state, beat = State(Settings("http://127.0.0.1:9", policy=str(path))), Beat()
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(beat.run())
        began = perf_counter()
        await state.start()
        rows = [row("the first load", [(perf_counter() - began, beat.worst_s)])]
        await asyncio.sleep(QUIET_S)
        numbers = count(1)
        for name, change in CHANGES.items():
            seen = []
            for _ in range(given.rounds):
                if change is not None:
                    write(change, next(numbers))
                beat.worst_s, began = 0.0, perf_counter()
                await (asyncio.sleep(0.1) if change is None else reload(state))
                seen.append((perf_counter() - began, beat.worst_s))
                if state.reload.state != "current":
                    raise SystemExit(f"{name}: {state.reload}")
            rows.append(row(name, seen))
        keeping = group.create_task(keep_reloading(state))
        found = [
            await noticed(state, beat, lambda: write(threshold, next(numbers))) for _ in range(given.rounds)
        ]
        rows.append(row("a threshold (found)", found))
        keeping.cancel()
        beating.cancel()
    return rows


async def noticed(state: State, beat: Beat, change: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds from a change of the files until it is served, and the longest stall of the loop meanwhile."""
    await asyncio.sleep(REST_S * random.random())
    served = state.guard
    change()
    beat.worst_s, began = 0.0, perf_counter()
    while state.guard is served:  # noqa: ASYNC110 - a swap tells nobody
        await asyncio.sleep(TICK_S)
    return perf_counter() - began, beat.worst_s


def row(name: str, seen: Sequence[tuple[float, float]]) -> dict[str, object]:
    """Return what is shown of a change."""
    took, stalls = ([1_000 * each for each in column] for column in zip(*seen, strict=True))
    return {
        "what changes": name,
        "ms to be served": statistics.median(took),
        "longest stall ms": statistics.median(stalls),
        "worst": max(stalls),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine and a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--terms", type=int, default=1_000)
    parser.add_argument("--patterns", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measured(given, Path(folder)))
    print(machine(), f"{given.rounds} rounds", sep=", ")
    print(table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
