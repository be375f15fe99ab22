"""Calls of what belongs to an event loop, made where a worker takes a step for it.

Many verdicts of asynchronous checks are made by the worker that came to them. Whoever is told of them (`on_verdict`, counters,
a shadow policy's queue) is on the thread that asked, as for any other check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from threading import get_ident
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")


class LoopThread(NamedTuple):
    """An event loop, and the thread that it runs on."""

    loop: asyncio.AbstractEventLoop
    thread: int

    @classmethod
    def running(cls) -> LoopThread:
        """Return the one that runs here; raises `RuntimeError` where none does."""
        return cls(asyncio.get_running_loop(), get_ident())

    def lend(self, step: Callable[[], T]) -> T:
        """Take a step on this thread for the loop."""
        reset = _LENDER.set(self)
        try:
            return step()
        finally:
            _LENDER.reset(reset)


_LENDER: Final[ContextVar[LoopThread | None]] = ContextVar("lender", default=None)


def call_on_loop(function: Callable[[], object]) -> None:
    """Call a function: on the thread of the event loop for which a step is taken here, before that has what comes of the step;
    at once where it is none.
    """
    lender = _LENDER.get()
    if lender is None or lender.thread == get_ident():  # a task that the function began there has its context
        function()
    else:
        lender.loop.call_soon_threadsafe(function)
