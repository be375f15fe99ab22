"""What keeps a guard usable in a process that is forked: by gunicorn with `preload`, by Celery, by process pools.

`fork` copies the memory of a process and one of its threads. A lock that another thread held stays locked in the child for ever,
and a thread that the child waits for is not there. Locks of this package that outlive a call are made by `fork_safe_lock`; an
object with threads of its own says in `reset_in_child` how it begins anew, and is named to `reset_after_fork`. Locks of libraries
cannot be freed so: where a library may hold one during a short call, a fork waits for the call's end (`forks_wait_for`).
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final, ParamSpec, Protocol, TypeVar
from weakref import WeakSet

PATIENCE_S: Final = 2.0
"""How long a fork waits for calls that run, at most; they take milliseconds, and a fork that hangs would be worse."""

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

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


class _Calls:
    """Calls that a fork waits for, and that wait for a fork."""

    def __init__(self) -> None:
        self.running: list[None] = []
        """One for each; appended and popped by single steps of the interpreter, so that counting needs no lock."""
        self.forking = False
        self.fork = threading.Lock()
        """Held while a thread forks."""

    def begin_fork(self) -> None:
        self.fork.acquire()
        self.forking = True
        until = time.monotonic() + PATIENCE_S
        while self.running and time.monotonic() < until:
            time.sleep(0.0005)

    def end_fork(self) -> None:
        self.forking = False
        self.fork.release()

    def end_in_child(self) -> None:
        self.running.clear()
        self.forking = False
        self.fork._at_fork_reinit()  # type: ignore[attr-defined]

    def wait_for_fork(self) -> None:
        """Let a fork go first: this call counted before it saw that one is under way."""
        while self.forking:
            self.running.pop()
            with self.fork:
                pass
            self.running.append(None)


_CALLS: Final = _Calls()


def forks_wait_for(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return a function that does the same, and in whose midst no process is forked. It takes milliseconds and does not fork."""
    running, calls = _CALLS.running, _CALLS

    def call(*arguments: _Given.args, **named: _Given.kwargs) -> _Result:
        running.append(None)
        if calls.forking:
            calls.wait_for_fork()
        try:
            return function(*arguments, **named)
        finally:
            running.pop()

    return call


def _reset_all() -> None:
    _CALLS.end_in_child()
    for lock in _LOCKS:
        lock._at_fork_reinit()  # as the standard library frees its own: `release` is for who holds it
    for owner in _OWNERS:
        owner.reset_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_CALLS.begin_fork, after_in_parent=_CALLS.end_fork, after_in_child=_reset_all)
