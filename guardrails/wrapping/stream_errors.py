"""Errors of a guard in the middle of a stream, as an SDK lets them through.

Anthropic's SDK, from 2.17 on, makes a connection error of whatever reading a stream raises, unless it is an error of its own. A
block that comes so late is therefore raised as both: `except Blocked` finds it as in any other call, with all that it carries.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any, Final

from guardrails.errors import GuardrailsError

LET_THROUGH: Final = {"anthropic": "AnthropicError"}
"""By package, the base of the errors that an SDK raises as they are while it reads a stream."""


def find_let_through(client: Any) -> type[Exception] | None:
    """Return the base of errors that a client's SDK lets through; None where it lets all through."""
    for base in type(client).__mro__:
        package = base.__module__.partition(".")[0]
        if package in LET_THROUGH:
            found: type[Exception] | None = getattr(sys.modules[package], LET_THROUGH[package], None)
            return found
    return None


def let_through(pieces: Iterator[bytes], base: type[Exception]) -> Generator[bytes]:
    """Yield the same pieces; an error of this package is raised as one of the SDK's too."""
    try:
        yield from pieces
    except GuardrailsError as error:
        raise _raised_as(error, base) from error


async def alet_through(pieces: AsyncIterator[bytes], base: type[Exception]) -> AsyncGenerator[bytes]:
    """The twin of `let_through` on an event loop."""
    async with contextlib.aclosing(pieces):  # type: ignore[type-var]  # what is judged comes from a generator
        try:
            async for piece in pieces:
                yield piece
        except GuardrailsError as error:
            raise _raised_as(error, base) from error


def _raised_as(error: GuardrailsError, base: type[Exception]) -> GuardrailsError:
    kind = _both(type(error), base)
    made = kind.__new__(kind, *error.args)
    vars(made).update(vars(error))
    return made


def _both(kind: type[GuardrailsError], base: type[Exception]) -> type[GuardrailsError]:
    """Return a class that is both, and goes through pickle as the plain one, which other processes know."""

    def reduce(self: Any) -> Any:
        made = kind.__new__(kind, *self.args)
        vars(made).update(vars(self))
        return made.__reduce__()

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    both: type[GuardrailsError] = type(kind.__name__, (kind, base), {**names, "__reduce__": reduce})
    return both
