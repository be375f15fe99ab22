"""Cancellation: work that nobody waits for any more stops by itself.

A `Token` says until when a piece of work is wanted. Whoever runs work does it `within` a token; loops that may run long call
`check` once per pass, which raises `Cancelled` when the time is up or the caller has gone. Native calls cannot be interrupted:
they are given work in bounded pieces, with a check in between.

The end of the program comes through such work as well: Python runs handlers of signals on the main thread, between two
instructions of whatever runs there. What a handler raises (its own raises `KeyboardInterrupt`, others `SystemExit`) passes
through code that has not failed. `is_interrupt` tells it from what code raises by itself, as a library that calls `sys.exit`.
"""

from __future__ import annotations

import signal
import threading
from contextvars import ContextVar
from functools import partial
from time import perf_counter
from types import CodeType
from typing import Final

NEVER: Final = float("inf")


class Cancelled(Exception):
    """The work is no longer wanted: its time is up, or who asked for it has gone."""


class Token:
    """Until when work is wanted: a moment of `time.perf_counter`, or until `cancel` is called, from any thread."""

    __slots__ = ("_gone", "deadline")

    def __init__(self, deadline: float = NEVER) -> None:
        self.deadline = deadline
        self._gone = False

    def cancel(self) -> None:
        """Say that nobody waits any more."""
        self._gone = True
        self.deadline = -NEVER

    def set_deadline(self, moment: float) -> None:
        """Set until when the work is wanted, which stays as it is where nobody waits any more."""
        self.deadline = moment
        if self._gone:  # looked at last: another thread may have cancelled it meanwhile
            self.deadline = -NEVER

    @property
    def cancelled(self) -> bool:
        """Whether the work is no longer wanted."""
        return perf_counter() > self.deadline

    @property
    def left_s(self) -> float:
        """The seconds for which the work is still wanted, as a lock takes them."""
        return min(max(0.0, self.deadline - perf_counter()), threading.TIMEOUT_MAX)

    def check(self) -> None:
        """Raise `Cancelled` where the work is no longer wanted."""
        if self.cancelled:
            raise Cancelled("the work is no longer wanted: its time is up, or the caller has gone")


_ALWAYS: Final = Token()
_current: ContextVar[Token] = ContextVar("guardrails_cancellation", default=_ALWAYS)


def current() -> Token:
    """Return the token of the work that this thread or task does; one that is never cancelled where nobody has set any."""
    return _current.get()


def check() -> None:
    """Raise `Cancelled` where the work that this thread or task does is no longer wanted. Costs about 0.1 microseconds."""
    _current.get().check()


class TokenScope:
    """A block that is done under a token: what a generator would do as a context manager, in a third of its time."""

    __slots__ = ("_reset", "_token")

    def __init__(self, token: Token) -> None:
        self._token = token

    def __enter__(self) -> Token:
        self._reset = _current.set(self._token)
        return self._token

    def __exit__(self, *_: object) -> None:
        _current.reset(self._reset)


def within(token: Token) -> TokenScope:
    """Do what the block does under a token."""
    return TokenScope(token)


def is_interrupt(error: BaseException) -> bool:
    """Tell whether an exception ends the program: whether a handler of a signal raised it.

    Such exceptions are on the main thread alone. A handler that is written in Python stands in the traceback; Python's own of
    Ctrl-C does not, so that where it is in place every `KeyboardInterrupt` of the main thread counts as raised by it.

    Args:
        error: as it was caught, on the thread that raised it.
    """
    if isinstance(error, Exception) or threading.current_thread() is not threading.main_thread():
        return False
    if isinstance(error, KeyboardInterrupt) and _is_native(signal.getsignal(signal.SIGINT)):
        return True
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def _is_native(handler: object) -> bool:
    """Tell whether a handler is a function that is not written in Python, as Python's own of Ctrl-C."""
    return callable(handler) and _code_of(handler) is None


def _code_of(handler: object) -> CodeType | None:
    """Return the code of a handler that is written in Python."""
    while isinstance(handler, partial):
        handler = handler.func
    called = getattr(handler, "__call__", None)  # noqa: B004 - an object may have a __call__ in Python
    code = getattr(handler, "__code__", None) or getattr(called, "__code__", None)
    return code if isinstance(code, CodeType) else None
