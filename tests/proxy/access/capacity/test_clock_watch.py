"""The clocks of the process and the loop, as the account is told of them."""

from __future__ import annotations

import asyncio

import pytest

from guardrails.proxy.access.capacity import clock_watch
from guardrails.proxy.access.capacity.account import CapacityAccount
from guardrails.proxy.access.capacity.clock_watch import keep_measuring


def test_clocks_are_read_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds that went by, what the process and the loop's thread took of them, and how late the loop was."""
    monkeypatch.setattr(clock_watch, "BEAT_S", 0.001)
    seen: list[tuple[float, ...]] = []

    class Account(CapacityAccount):
        def measure(self, *clocks: float) -> None:
            seen.append(clocks)

    async def main() -> None:
        watch = asyncio.ensure_future(keep_measuring(Account(1.0, 1)))
        while len(seen) < 3:
            sum(range(10_000))
            await asyncio.sleep(0)
        watch.cancel()

    asyncio.run(main())
    for seconds, process_s, loop_s, delay_s in seen:
        assert seconds > delay_s >= 0.0
        assert process_s >= loop_s * 0.9 > 0.0
