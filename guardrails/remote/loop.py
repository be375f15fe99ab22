"""The process's one event loop for services, on a daemon thread.

Waiting for services takes no worker: hundreds of requests are under way on this one thread. Who gives up cancels the future,
and with it the request.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

from guardrails.fork_safety import fork_safe_lock

T = TypeVar("T")


_STARTING = fork_safe_lock()


def get_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, which runs."""
    with _STARTING:
        return _start_loop()


@cache
def _start_loop() -> asyncio.AbstractEventLoop:
    own = asyncio.new_event_loop()
    threading.Thread(target=own.run_forever, name="guardrails-remote", daemon=True).start()
    return own


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the loop; cancelling the future cancels it."""
    return asyncio.run_coroutine_threadsafe(work, get_loop())


if hasattr(os, "register_at_fork"):  # the thread stays behind in the parent, so a child needs its own
    os.register_at_fork(after_in_child=_start_loop.cache_clear)
