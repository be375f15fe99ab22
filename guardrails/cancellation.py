"""Cancellation: work that nobody waits for any more stops by itself.

A `Token` says until when a piece of work is wanted. Whoever runs work does it `within` a token; loops that may run long call
`check` once per pass, which raises `Cancelled` when the time is up or the caller has gone. Native calls cannot be interrupted:
they are given work in bounded pieces, with a check in between.
"""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
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
