"""What becomes of more load than a server's checks can bear: streams, requests and both, at 1, 1.5 and 3 times its capacity.

    python benchmarks/flood.py [--seconds 10] [--policy default] [--kinds streams plain mixed] [--levels 1 1.5 3]

`guardrails serve` runs as a process of its own before an upstream that streams made-up prose at 50 pieces a second
(`proxies/paced_upstream.py`). Capacity is measured first: the requests that eight clients get answered in a second, and the
streams that are open when the first one is refused. Then so many clients as make up a level ask again and again; who is refused
comes back after the time that he was told. Nothing in the traffic is harmful, so a block is a false one. Ends with 1 where an aim
is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Any, Final

import measure
from availability import served
from proxies import script
from proxies.paced_upstream import tell

KINDS: Final = ("streams", "plain", "mixed")
LEVELS: Final = (1.0, 1.5, 3.0)
LEAST_GOODPUT: Final = 0.8
"""What is served at the highest level, as a part of what is served at the lowest."""

RECOVERY_S: Final = 5.0
PROMPT_S: Final = 0.25
"""What an answer takes on a server that has recovered, at most."""

CALIBRATION_S: Final = 4.0
CALLERS: Final = 8
MOST_STREAMS: Final = 1_000
TIMEOUT_S: Final = 120.0
NUMBERS = count()

CODE: Final = re.compile(rb'"code": ?"([^"]*)"')
RETRY: Final = re.compile(rb"(?i)\r\nretry-after: ?(\d+)")


@dataclass(slots=True)
class Outcomes:
    """What clients saw.

    Attributes:
        kinds: how many requests ended how.
        plain_s: seconds of each answered request.
        first_s: seconds to the first text of each stream.
        served: characters of whole answers.
        unhinted: how many refusals had no time after which to come back.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    plain_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    served: int = 0
    unhinted: int = 0

    def count(self, *kinds: str) -> int:
        """Return how many ended in one of these ways."""
        return sum(self.kinds[kind] for kind in kinds)


async def ask(port: int, outcomes: Outcomes, *, stream: bool) -> float:
    """Ask once, on a connection of its own; returns the seconds after which to come back, 0 where it was not refused."""
    content = f"Tell me about {tell(next(NUMBERS), 60)}"
    body, began = script.question(content, stream=stream), perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    except OSError:
        outcomes.kinds["no connection"] += 1
        return 1.0
    try:
        async with asyncio.timeout(TIMEOUT_S):
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
                b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status != 200:
                return _note_refusal(outcomes, status, head, await reader.read())
            if stream:
                await _read_stream(reader, outcomes, began)
            else:
                await _read_answer(reader, outcomes, began)
    except TimeoutError:
        outcomes.kinds["timed out"] += 1
    except (OSError, asyncio.IncompleteReadError):
        outcomes.kinds["broken"] += 1
    finally:
        writer.close()
    return 0.0


def _note_refusal(outcomes: Outcomes, status: int, head: bytes, body: bytes) -> float:
    code, hint = CODE.search(body), RETRY.search(head)
    if status == 503 and code is not None and code[1] == b"guard_unavailable":
        outcomes.kinds["refused"] += 1
        outcomes.unhinted += hint is None
        return float(hint[1]) if hint is not None else 1.0
    outcomes.kinds[
        "blocked" if code is not None and code[1] == b"content_filter" else f"status {status}"
    ] += 1
    return 0.0


async def _read_answer(reader: asyncio.StreamReader, outcomes: Outcomes, began: float) -> None:
    body = await reader.read()
    blocked = b'"content_filter"' in body
    outcomes.kinds["blocked" if blocked else "answered"] += 1
    outcomes.plain_s.append(perf_counter() - began)
    outcomes.served += 0 if blocked else script.CHARACTERS


async def _read_stream(reader: asyncio.StreamReader, outcomes: Outcomes, began: float) -> None:
    text, first = bytearray(), None
    while piece := await reader.read(1 << 16):
        text += piece
        if first is None and re.search(rb'"content": ?"[^"]', piece):
            first = perf_counter() - began
    if b'"content_filter"' in text:
        outcomes.kinds["blocked"] += 1
    elif b"data: [DONE]" not in text or b'"error"' in text:
        outcomes.kinds["broken"] += 1
    else:
        outcomes.kinds["streamed"] += 1
        outcomes.first_s.append(first or 0.0)
        outcomes.served += sum(len(json.loads(each)) for each in re.findall(rb'"content": ?("[^"]*")', text))


async def flood(port: int, streams: int, plain: int, seconds: float) -> tuple[Outcomes, float]:
    """Have so many clients ask again and again; returns what they saw, and how long it took until the last was answered."""
    outcomes, began = Outcomes(), perf_counter()

    async def client(*, stream: bool) -> None:
        while (left := seconds - (perf_counter() - began)) > 0:
            if wait := await ask(port, outcomes, stream=stream):
                await asyncio.sleep(min(wait, left))

    async with asyncio.TaskGroup() as group:
        for stream in (True,) * streams + (False,) * plain:
            group.create_task(client(stream=stream))
    return outcomes, perf_counter() - began


async def recover(port: int) -> float:
    """Return the seconds until a request is answered as promptly as on an idle server."""
    began = perf_counter()
    while (passed := perf_counter() - began) < TIMEOUT_S:
        outcomes = Outcomes()
        await ask(port, outcomes, stream=False)
        if outcomes.kinds["answered"] and outcomes.plain_s[0] < PROMPT_S:
            return passed
        await asyncio.sleep(0.1)
    return TIMEOUT_S


async def measure_streams(port: int) -> int:
    """Return how many streams are open when the first one is refused; they are begun over two seconds."""
    outcomes, tasks = Outcomes(), list[asyncio.Task[float]]()
    async with asyncio.TaskGroup() as group:
        while not outcomes.kinds["refused"] and len(tasks) < MOST_STREAMS:
            tasks.extend(group.create_task(ask(port, outcomes, stream=True)) for _ in range(4))
            await asyncio.sleep(0.1)
        opened = sum(not task.done() for task in tasks)
    return max(4, opened)


def clients_of(kind: str, level: float, streams: int, plain: int) -> tuple[int, int]:
    """Return how many clients of streams, and of requests, make up a load."""
    share = 0.5 if kind == "mixed" else 1.0
    return (
        0 if kind == "plain" else round(level * share * streams),
        0 if kind == "streams" else round(level * share * plain),
    )


def row_of(kind: str, level: float, outcomes: Outcomes, seconds: float, recovery: float) -> dict[str, Any]:
    """Return a line of the table."""
    others = {"answered", "streamed", "refused", "blocked", "broken"}
    return {
        "load": kind,
        "times": level,
        "answered": outcomes.kinds["answered"],
        "streamed": outcomes.kinds["streamed"],
        "refused": outcomes.kinds["refused"],
        "no retry-after": outcomes.unhinted,
        "blocked": outcomes.kinds["blocked"],
        "broken": outcomes.kinds["broken"],
        "other": sum(many for name, many in outcomes.kinds.items() if name not in others),
        "plain p50 ms": percentile(outcomes.plain_s, 50),
        "p99 ms": percentile(outcomes.plain_s, 99),
        "first text p50 ms": percentile(outcomes.first_s, 50),
        "characters/s": outcomes.served / seconds,
        "recovery s": recovery,
    }


def percentile(seconds: Sequence[float], share: int) -> float:
    """Return a percentile in milliseconds; nan where there are too few."""
    if len(seconds) < 2:
        return float("nan")
    return statistics.quantiles(seconds, n=100, method="inclusive")[share - 1] * 1_000


def judge(rows: Sequence[dict[str, Any]]) -> list[tuple[bool, str]]:
    """Return what was aimed at, and whether it was met."""
    found = []
    for row in rows:
        name = f"{row['load']} at {row['times']:g} times"
        wrong = ("broken", "blocked", "no retry-after", "other")
        found += [(not row[what], f"{name}: {row[what]} {what} (aim: 0)") for what in wrong]
        recovery = row["recovery s"]
        found.append(
            (recovery <= RECOVERY_S, f"{name}: recovered after {recovery:.1f} s (aim: ≤ {RECOVERY_S:g})")
        )
    for kind in dict.fromkeys(row["load"] for row in rows):
        own = [row for row in rows if row["load"] == kind]
        ratio = own[-1]["characters/s"] / max(1e-9, own[0]["characters/s"])
        told = (
            f"{kind}: {ratio:.2f} of the goodput at {own[0]['times']:g} times is left at {own[-1]['times']:g}"
        )
        found.append((ratio >= LEAST_GOODPUT, f"{told} (aim: ≥ {LEAST_GOODPUT:g})"))
    return found


async def run(
    port: int, kinds: Sequence[str], levels: Sequence[float], seconds: float
) -> list[dict[str, Any]]:
    """Measure the capacity, print a line for each load, and return them."""
    await flood(port, 2, 2, 1.0)  # what is built when it is needed is built then
    seen, took = await flood(port, 0, CALLERS, CALIBRATION_S)
    each_second = seen.kinds["answered"] / took
    streams = await measure_streams(port)
    print(
        f"capacity: {each_second:.0f} requests a second of {CALLERS} clients, or {streams} streams at a time\n"
    )
    rows = []
    for kind in kinds:
        for level in levels:
            await recover(port)
            outcomes, took = await flood(port, *clients_of(kind, level, streams, CALLERS), seconds)
            rows.append(row_of(kind, level, outcomes, took, await recover(port)))
            print(measure.table(rows[-1:]), flush=True)
    return rows


def main() -> int:
    """Print a line for each load and what became of each aim."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--policy", default="default")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--levels", nargs="+", type=float, default=LEVELS)
    args = parser.parse_args()
    print(measure.machine())
    with served(args.policy, upstream_module="proxies.paced_upstream") as server:
        rows = asyncio.run(run(server.port, args.kinds, args.levels, args.seconds))
    print(f"\n{measure.table(rows)}\n")
    aims = judge(rows)
    for met, told in aims:
        print(f"{'met' if met else 'MISSED':7} {told}")
    return 0 if all(met for met, _ in aims) else 1


if __name__ == "__main__":
    sys.exit(main())
