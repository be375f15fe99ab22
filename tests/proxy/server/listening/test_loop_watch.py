"""How late an event loop is."""

from __future__ import annotations

import asyncio
import threading

from guardrails.proxy.server.listening import loop_watch
from guardrails.proxy.server.listening.loop_watch import LoopWatch


def test_a_loop_that_is_held_up_is_late(monkeypatch) -> None:
    """While it is, other threads see the delay grow; afterwards the longest of the last minute is shown, and no other."""
    now = [0.0]
    monkeypatch.setattr(loop_watch, "monotonic", lambda: now[0])
    monkeypatch.setattr(loop_watch, "BEAT_S", 0.0)
    watch = LoopWatch()
    seen: list[float] = []

    def look() -> None:
        now[0] += 7.0
        seen.append(watch.delay_s)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(watch.run())
            await asyncio.sleep(0)
            held_up = threading.Thread(target=look)
            held_up.start()
            held_up.join()  # the loop does nothing else meanwhile
            for _ in range(5):
                await asyncio.sleep(0)
            seen.append(watch.longest_delay_s)
            now[0] += 1_000.0
            for _ in range(5):
                await asyncio.sleep(0)
            running.cancel()

    asyncio.run(main())

    assert seen == [7.0, 7.0]


def test_a_loop_that_is_not_watched_is_not_late() -> None:
    """Neither before nor after."""
    assert LoopWatch().delay_s == LoopWatch().longest_delay_s == 0.0
