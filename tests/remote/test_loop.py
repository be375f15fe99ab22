"""The process's one loop for services."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import CancelledError

import pytest

from guardrails.remote.loop import get_loop, submit


async def where() -> tuple[asyncio.AbstractEventLoop, str]:
    """Return the loop and the thread that this runs on."""
    return asyncio.get_running_loop(), threading.current_thread().name


def test_all_work_runs_on_one_loop() -> None:
    """Whoever asks, from whichever thread, also at the same time."""
    found = []
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait()
        found.append(submit(where()).result(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {(get_loop(), "guardrails-remote")}


def test_it_does_not_hold_up_the_end_of_the_process() -> None:
    """Its thread is a daemon."""
    get_loop()
    assert [each.daemon for each in threading.enumerate() if each.name == "guardrails-remote"] == [True]


def test_what_a_coroutine_raises_comes_out() -> None:
    """The future carries it."""

    async def wrong() -> None:
        raise ValueError("zqx")

    with pytest.raises(ValueError, match="zqx"):
        submit(wrong()).result(20)


def test_cancelling_the_future_cancels_the_work() -> None:
    """Who gives up ends the request."""
    began, ended = threading.Event(), threading.Event()

    async def long() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = submit(long())
    assert began.wait(20)
    future.cancel()
    assert ended.wait(20)
    with pytest.raises(CancelledError):
        future.result(20)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_process_has_a_loop_of_its_own() -> None:
    """The parent's thread is not in the child, so that its loop would never run anything there."""
    get_loop()
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if submit(where()).result(20)[1] == "guardrails-remote" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
