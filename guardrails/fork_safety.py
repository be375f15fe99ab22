"""What keeps a guard usable in a process that is forked: by gunicorn with `preload`, by Celery, by process pools.

`fork` copies the memory of a process and one of its threads. A lock that another thread held stays locked in the child for ever,
and a thread that the child waits for is not there. Locks of this package that outlive a call are made by `fork_safe_lock`; an
object with threads of its own says in `reset_in_child` how it begins anew, and is named to `reset_after_fork`.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakSet

_LOCKS: WeakSet[Any] = WeakSet()
_OWNERS: WeakSet[ForkAware] = WeakSet()


class ForkAware(Protocol):
    """An object that does not work in a child process before it is told that it is in one."""

    def reset_in_child(self) -> None:
        """Forget the threads, and the work, of the parent."""
        ...


def fork_safe_lock() -> threading.Lock:
    """Return a lock that nobody holds in a process that is forked from this one, whoever holds it here."""
    lock = threading.Lock()
    _LOCKS.add(lock)
    return lock


def reset_after_fork(owner: ForkAware) -> None:
    """Have an object told of each process that is forked, in that process, for as long as the object is held by others."""
    _OWNERS.add(owner)


def call_at_exit(function: Callable[..., object], *arguments: Any) -> None:
    """Call a function when this process ends, and not when one ends that is forked from it, which has none of what is to end."""
    process = os.getpid()

    def end() -> None:
        if os.getpid() == process:
            function(*arguments)

    atexit.register(end)


def _reset_all() -> None:
    for lock in _LOCKS:
        lock._at_fork_reinit()  # as the standard library frees its own: `release` is for who holds it
    for owner in _OWNERS:
        owner.reset_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
