"""What a wrapped call costs beside the bare one, under the shipped default policy.

    python benchmarks/wrapped_calls.py [--rounds 5] [--calls 40]

Rows are pairs in one run, in turn: a bare call and the same call wrapped, medians of each round, the best round shown. What is
judged was judged before, so that findings come from the cache where it keeps them; a new prompt pays the model besides
(`benchmarks/detection.py`). The OpenAI client speaks HTTP to a server in another thread that answers at once. Exits with 1 where
a bar is missed: a plain call 0.3 ms, a call of the client 1.5 ms, a table of a hundred rows 10 ms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import openai

from guardrails import Guard
from guardrails.testing import ScriptedUpstream
from measure import machine, table

PROMPT = "What is the capital of France, and how many people live there?"
ROWS = [
    {
        "id": at,
        "name": f"Person {at}",
        "city": ("Berlin", "New York", "Lyon")[at % 3],
        "status": "in progress",
        "amount": at * 3.5,
    }
    for at in range(100)
]
OPTIONS = {f"option_{at}": f"value number {at}" for at in range(10)}


def answer(prompt: Any, model: str = "gpt-4o") -> str:
    """Answer at once."""
    return "Paris has about two million inhabitants."


def take(**options: str) -> str:
    """Take any options."""
    return "fine"


def pair(
    bare: Callable[[], object], wrapped: Callable[[], object], rounds: int, calls: int
) -> tuple[float, float]:
    """Return milliseconds of a bare call and of a wrapped one: medians, of the best round."""
    found: list[tuple[float, float]] = []
    for _ in range(rounds + 1):  # the first warms up
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(calls):
            for at, call in enumerate((bare, wrapped)):
                start = perf_counter()
                call()
                times[at].append(perf_counter() - start)
        before, after = (statistics.median(each) * 1000 for each in times)
        found.append((before, after))
    return min(found[1:], key=lambda each: each[1] - each[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=40)
    args = parser.parse_args()
    guard = Guard.load()
    safe, safe_take = guard.wrap(answer), guard.wrap(take)
    rows = []
    with ScriptedUpstream() as upstream:
        client = openai.OpenAI(base_url=upstream.url, api_key="x", max_retries=0)
        guarded = guard.wrap(client)
        messages: Any = [{"role": "user", "content": PROMPT}]
        pairs: list[tuple[str, float | None, Callable[[], object], Callable[[], object]]] = [
            ("a plain call", 0.3, lambda: answer(PROMPT), lambda: safe(PROMPT, model="gpt-4o")),
            ("ten keyword arguments", None, lambda: take(**OPTIONS), lambda: safe_take(**OPTIONS)),
            ("a table of 100 rows", 10.0, lambda: answer(ROWS), lambda: safe(ROWS)),
            (
                "OpenAI chat completion",
                1.5,
                lambda: client.chat.completions.create(model="m", messages=messages),
                lambda: guarded.chat.completions.create(model="m", messages=messages),
            ),
        ]
        missed = False
        for name, bar, bare, wrapped in pairs:
            before, after = pair(bare, wrapped, args.rounds, args.calls)
            missed = missed or (bar is not None and after - before > bar)
            rows.append({"call": name, "bare ms": round(before, 3), "wrapped ms": round(after, 3)})
            rows[-1] |= {"added ms": f"{after - before:.2f}", "bar ms": "-" if bar is None else f"{bar}"}
    print(machine())
    print(table(rows))
    sys.exit(missed)


if __name__ == "__main__":
    main()
