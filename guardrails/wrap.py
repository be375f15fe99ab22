"""Wrapped calls: a function in, the same function with its texts checked before and its answer checked after.

A streamed answer is held whole until it is judged.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from guardrails.errors import Blocked
from guardrails.types import Media, Verdict

if TYPE_CHECKING:
    from guardrails.guard import Guard

F = TypeVar("F", bound=Callable[..., Any])

ANSWERS = ("raise", "answer")
PLAIN = (int, float, bool, type(None))
REFUSAL = "Stopped by policy."


class _Stopped(Exception):  # noqa: N818 - not an error: carries the answer in kind
    """Ends a call early with the text that answers a block."""

    def __init__(self, text: str) -> None:
        self.text = text


class Call:
    """The checks around one wrapped function."""

    def __init__(self, guard: Guard, *, on_block: str, output: str, context: Mapping[str, Any]) -> None:
        if on_block not in ANSWERS:
            raise ValueError(f"on_block must be 'raise' or 'answer', not {on_block!r}")
        self.guard = guard
        self.answers = on_block == "answer"
        self.output = output
        self.context = context

    def settled(self, verdict: Verdict) -> Any:
        """Return what to use; raise `Blocked`, or end the call with the policy's message, where it is blocked."""
        if not verdict.blocked:
            return verdict.content
        if self.answers:
            raise _Stopped(verdict.message or REFUSAL)
        raise Blocked(verdict)

    def before(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Check every argument that holds content."""
        return [self.argument(value) for value in args], {name: self.argument(value) for name, value in kwargs.items()}

    def argument(self, value: Any) -> Any:
        return self.settled(self.guard.check(value, "input", **self.context)) if _is_content(value) else value

    async def abefore(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The twin of `before` on an event loop."""
        checked = [await self.aargument(value) for value in args]
        return checked, {name: await self.aargument(value) for name, value in kwargs.items()}

    async def aargument(self, value: Any) -> Any:
        if not _is_content(value):
            return value
        return self.settled(await self.guard.acheck(value, "input", **self.context))

    def after(self, value: Any) -> Any:
        """Check what the function returned."""
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, list | tuple) and not _is_messages(value):
            return type(value)(self.after(entry) for entry in value)
        return self.settled(self.guard.check(value, self.output, **self.context))

    async def aafter(self, value: Any) -> Any:
        """The twin of `after` on an event loop."""
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, list | tuple) and not _is_messages(value):
            return type(value)([await self.aafter(entry) for entry in value])
        return self.settled(await self.guard.acheck(value, self.output, **self.context))

    def whole(self, chunks: list[Any]) -> list[Any]:
        """Return a stream's chunks for checking: texts joined into one."""
        if all(isinstance(chunk, str) for chunk in chunks):
            return ["".join(chunks)]
        return chunks


def _is_messages(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(e, Mapping) and "role" in e for e in value)


def _is_content(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "messages" in value or "role" in value
    return isinstance(value, str | bytes | Media) or _is_messages(value) or type(value).__module__.startswith("PIL.")


def wrap(guard: Guard, function: F, *, on_block: str = "raise", output: str = "output", **context: Any) -> F:
    """Return the function guarded: sync, async, generator and async-generator functions alike.

    Arguments that are texts, messages, chat requests or pictures are judged at `input` and handed on as the policy
    leaves them; arguments of other types are handed on as they are. What is returned is judged at `output` (name
    `retrieval` for a retriever, `tool_result` for a tool): texts, lists of texts, messages, chat responses, pictures.

    Args:
        guard: the guard.
        function: what to wrap.
        on_block: `raise` raises `Blocked`; `answer` returns the rule's message in place of the answer.
        output: the stage of what is returned.
        context: who asks: `user`, `tenant`, `client`, `metadata`, `model`, as for `Guard.check`.

    Raises:
        TypeError: (at the call) the function returned something that cannot be checked.
        Blocked: (at the call) the policy stopped it, unless it answers in kind.
    """
    call = Call(guard, on_block=on_block, output=output, context=context)
    for fits, wrapper in WRAPPERS:
        if fits(function):
            wrapped: F = functools.wraps(function)(wrapper(call, function))
            return wrapped
    raise TypeError(f"cannot wrap a {type(function).__name__}: give a function")


def _function(call: Call, function: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            args_, kwargs_ = call.before(args, kwargs)
            return call.after(function(*args_, **kwargs_))
        except _Stopped as stopped:
            return stopped.text

    return guarded


def _coroutine(call: Call, function: Callable[..., Any]) -> Callable[..., Any]:
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            args_, kwargs_ = await call.abefore(args, kwargs)
            return await call.aafter(await function(*args_, **kwargs_))
        except _Stopped as stopped:
            return stopped.text

    return guarded


def _generator(call: Call, function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def guarded(*args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            args_, kwargs_ = call.before(args, kwargs)
            held = call.whole(list(function(*args_, **kwargs_)))
            released = [call.after(chunk) for chunk in held]
        except _Stopped as stopped:
            released = [stopped.text]
        yield from released

    return guarded


def _async_generator(call: Call, function: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
    async def guarded(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        try:
            args_, kwargs_ = await call.abefore(args, kwargs)
            held = call.whole([chunk async for chunk in function(*args_, **kwargs_)])
            released = [await call.aafter(chunk) for chunk in held]
        except _Stopped as stopped:
            released = [stopped.text]
        for chunk in released:
            yield chunk

    return guarded


WRAPPERS: tuple[tuple[Callable[[Any], bool], Callable[[Call, Callable[..., Any]], Callable[..., Any]]], ...] = (
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (callable, _function),
)
"""What a function is → how it is wrapped; the first that fits."""


class Stream:
    """One streamed text, held whole until `flush`. One object for each stream; nothing is shared between them."""

    def __init__(self, guard: Guard, stage: str, context: Mapping[str, Any]) -> None:
        self._guard, self._stage, self._context = guard, stage, context
        self._held: list[str] = []
        self._verdict: Verdict | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, None before `flush`."""
        return self._verdict

    def feed(self, delta: str) -> str:
        """Take the next part of the text and return what may be shown now. Raises `ValueError` after `flush`."""
        if self._verdict is not None:
            raise ValueError("the stream has ended: feed() after flush()")
        self._held.append(delta)
        return ""

    def flush(self) -> str:
        """End the text and return the rest of what may be shown: nothing where it is blocked."""
        if self._verdict is not None:
            return ""
        self._verdict = self._guard.check("".join(self._held), self._stage, **self._context)
        content = self._verdict.content
        return content if isinstance(content, str) else ""
