"""Runs a function on many things at a time, with the results in the order of the things.

Things are taken as they are needed, a few more than are worked on, so that a file of any length goes through. Of results the
greatest few can be kept.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

AHEAD: Final = 8
"""Things that are taken for each thread."""


def map_ordered(
    things: Iterable[Thing], work: Callable[[Thing], Result], threads: int
) -> Iterator[tuple[Thing, Result]]:
    """Yield each thing with its result.

    Args:
        things: what to work on; what they raise is raised here.
        work: what is done with each; what it raises is raised here.
        threads: how many are worked on at a time; with one, all is done in the caller's thread.
    """
    if threads <= 1:
        for thing in things:
            yield thing, work(thing)
        return
    waiting: deque[tuple[Thing, Future[Result]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="guardrails-rows") as pool:
        try:
            for thing in things:
                waiting.append((thing, pool.submit(work, thing)))
                if len(waiting) >= threads * AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def push_bounded(heap: list[Any], entry: Any, most: int) -> None:
    """Put an entry among the greatest that are kept."""
    if len(heap) < most:
        heapq.heappush(heap, entry)
    elif most:
        heapq.heappushpop(heap, entry)
