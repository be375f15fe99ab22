"""Calls of what belongs to an event loop."""

from __future__ import annotations

import asyncio
from threading import get_ident

from guardrails.engine.loop_calls import LoopThread, call_on_loop


def test_a_worker_s_calls_are_made_on_the_loop_s_thread_and_before_the_step_is_over_for_it() -> None:
    """Each once, in their order; a task that one of them begins calls at once."""
    asyncio.run(lend_a_step())


async def lend_a_step() -> None:
    """Have a worker take a step that calls."""
    called: list[tuple[str, int]] = []
    tasks: list[asyncio.Future[None]] = []
    lender = LoopThread.running()

    async def later() -> None:
        call_on_loop(lambda: called.append(("from a task", get_ident())))

    def step() -> int:
        call_on_loop(lambda: called.append(("first", get_ident())))
        call_on_loop(lambda: tasks.append(asyncio.ensure_future(later())))
        call_on_loop(lambda: called.append(("second", get_ident())))
        return 7

    def work() -> int:
        found = lender.lend(step)
        call_on_loop(lambda: called.append(("on the worker", get_ident())))
        return found

    worker = await asyncio.to_thread(work)
    assert worker == 7
    await asyncio.gather(*tasks)

    names, threads = [name for name, _ in called], dict(called)
    assert sorted(names) == ["first", "from a task", "on the worker", "second"]
    assert names.index("first") < names.index("second")
    assert {threads[name] for name in ("first", "second", "from a task")} == {get_ident()}
    assert threads["on the worker"] != get_ident()


def test_without_a_loop_a_call_is_made_at_once() -> None:
    """On the caller's thread."""
    called: list[int] = []
    call_on_loop(lambda: called.append(get_ident()))
    assert called == [get_ident()]
