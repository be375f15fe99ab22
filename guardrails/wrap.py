"""Wrapped calls: a function in, the same function with its texts checked before and its answer checked after; a client
of a model in, the same client with its calls checked (`backends/`).

A streamed answer is held whole until it is judged. Values that the function got placeholders for (`with: vault`) stand in
its answer again.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from guardrails.backends.exchange import REFUSAL, Terms
from guardrails.backends.table import wrapper_of
from guardrails.engine.fields import digits
from guardrails.engine.reply import reply
from guardrails.engine.vault import Vault, texts, told_apart
from guardrails.errors import Blocked
from guardrails.types import Action, Media, Stage, Text, ToolCall, Verdict

if TYPE_CHECKING:
    from guardrails.guard import Guard

T = TypeVar("T")

ANSWERS = ("raise", "answer")


class _Stopped(Exception):
    """Ends a call early with the text that answers a block."""

    def __init__(self, text: str) -> None:
        self.text = text


class Call:
    """The checks around one call of a wrapped function. `vault` is what they handed out, `passed` what went before,
    `system` the system prompt, `prompt` what was asked last, `sources` what was retrieved.
    """

    def __init__(self, guard: Guard, *, answers: bool, output: Stage, context: Mapping[str, Any]) -> None:
        self.guard = guard
        self.answers = answers
        self.output = output
        self.context = context
        self.vault = Vault()
        self.passed: list[Any] = []
        self.system = self.prompt = self.sources = ""

    def settled(self, verdict: Verdict) -> Any:
        """Return what to use; raise `Blocked`, or end the call with the policy's message, where it is
        blocked.
        """
        if not verdict.blocked:
            return verdict.content
        if self.answers:
            raise _Stopped(verdict.message or REFUSAL)
        raise Blocked(verdict)

    def before(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Check every argument that holds content."""
        checked = [self.argument(value) for value in args]
        return checked, {name: self.argument(value) for name, value in kwargs.items()}

    def argument(self, value: Any) -> Any:
        if _is_several(value):
            return _rebuilt(value, [self.argument(entry) for entry in value])
        if _is_options(value):
            pairs = [(self.argument(name), self.argument(inner)) for name, inner in value.items()]
            return dict(pairs) if pairs != list(value.items()) else value
        if not _is_content(value):
            return value
        value = self.going_on(value)
        return self.kept(value, self.guard.check(_shown(value), "input", after=self.vault, **self.context))

    async def abefore(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The twin of `before` on an event loop."""
        checked = [await self.aargument(value) for value in args]
        return checked, {name: await self.aargument(value) for name, value in kwargs.items()}

    async def aargument(self, value: Any) -> Any:
        if _is_several(value):
            return _rebuilt(value, [await self.aargument(entry) for entry in value])
        if _is_options(value):
            pairs = [
                (await self.aargument(name), await self.aargument(inner)) for name, inner in value.items()
            ]
            return dict(pairs) if pairs != list(value.items()) else value
        if not _is_content(value):
            return value
        value = self.going_on(value)
        verdict = await self.guard.acheck(_shown(value), "input", after=self.vault, **self.context)
        return self.kept(value, verdict)

    def going_on(self, value: Any) -> Any:
        """Return an argument for a check that knows those before it, so that each number stands for one value."""
        if self.passed:
            self.vault = Vault(self.vault)
            for text in texts(self.passed):
                self.vault.reserve(text)
            self.passed.clear()
            value = told_apart(value, self.vault)
        self.passed.append(value)
        return value

    def after(self, value: Any) -> Any:
        """Check what the function returned."""
        if _is_plain(value):
            return value
        if _is_several(value):
            return _rebuilt(value, [self.after(entry) for entry in value])
        verdict = self.guard.check(_shown(value), self.output, **self.asked())
        return self.restored(self.kept(value, verdict))

    async def aafter(self, value: Any) -> Any:
        """The twin of `after` on an event loop."""
        if _is_plain(value):
            return value
        if _is_several(value):
            return _rebuilt(value, [await self.aafter(entry) for entry in value])
        verdict = await self.guard.acheck(_shown(value), self.output, **self.asked())
        return self.restored(self.kept(value, verdict))

    def kept(self, value: Any, verdict: Verdict) -> Any:
        """Return what to use in place of a value, itself where nothing changes."""
        content = self.settled(verdict)
        if isinstance(verdict.restorer, Vault):
            self.vault = verdict.restorer
        self.system = verdict.system or self.system
        self.prompt = verdict.prompt or self.prompt
        self.sources = verdict.sources or self.sources
        # A conversation may have got a canary although nothing was found in it.
        return content if verdict.action >= Action.REDACT or verdict.system else value

    def asked(self) -> dict[str, Any]:
        """Return what an answer is judged with."""
        beside = {"system": self.system, "prompt": self.prompt, "sources": self.sources}
        return {**beside, **self.context, "after": self.vault}

    def restored(self, answer: Any) -> Any:
        """Return what a model answered with the user's own values in it again."""
        return reply(answer, self.vault) if self.output is Stage.OUTPUT and self.vault.values else answer

    def whole(self, chunks: list[Any]) -> list[Any]:
        """Return a stream's chunks for checking: pieces of one text joined, a retriever's documents each.

        Raises:
            TypeError: the chunks are pieces of something that cannot be put together, so that a word split over
                two of them would pass.
        """
        texts = [chunk for chunk in chunks if chunk is not None]
        if self.output == Stage.RETRIEVAL or all(isinstance(chunk, Media) for chunk in texts):
            return texts
        for chunk in texts:
            if not isinstance(chunk, str):
                raise TypeError(f"cannot check a stream of {type(chunk).__name__}: yield texts")
        return ["".join(texts)]


def _is_plain(value: Any) -> bool:
    """Tell whether a value says nothing: None, a flag, or a number too short to be anyone's."""
    return value is None or (isinstance(value, int | float) and not digits(value))


def _is_message(entry: Any) -> bool:
    """Tell whether something is a message, be it one that only its own library can read."""
    return (
        "role" in entry
        if isinstance(entry, Mapping)
        else hasattr(entry, "role") and hasattr(entry, "content")
    )


def _is_several(value: Any) -> bool:
    """Tell whether a value is a list of contents to judge each, such as documents or prompts."""
    return isinstance(value, list | tuple) and not any(map(_is_message, value))


def _is_options(value: Any) -> bool:
    """Tell whether a value is a mapping of no form of its own."""
    return isinstance(value, Mapping) and "messages" not in value and "role" not in value


def _is_content(value: Any) -> bool:
    """Tell whether an argument is text, messages or a picture; options, clients and the like are not."""
    if isinstance(value, int | float):
        return bool(digits(value))
    if isinstance(value, str | bytes | list | tuple | Mapping | Text | ToolCall | Media) or _is_message(
        value
    ):
        return True
    return type(value).__module__.startswith("PIL.")


def _shown(value: Any) -> Any:
    """Return what is judged of a value."""
    if isinstance(value, int | float):
        return digits(value)
    if inspect.iscoroutine(value):
        value.close()  # a plain function returned it: nobody will await it any more
    return value


def _rebuilt(value: Any, entries: list[Any]) -> Any:
    """Return a list or tuple of what its entries became, itself where nothing changes."""
    if all(new is old for new, old in zip(entries, value, strict=True)):
        return value
    return tuple(entries) if isinstance(value, tuple) else entries


def wrap(guard: Guard, function: T, *, on_block: str = "raise", output: str = "output", **context: Any) -> T:
    """Return the function guarded: sync, async, generator and async-generator functions alike; or a client of OpenAI's or
    Anthropic's SDK, a runnable of LangChain, or a text-generation pipeline of transformers (`backends/table.py`) as one of
    the same class that is guarded.

    Arguments that are texts, messages, chat requests or pictures, or lists and mappings that hold some, are
    judged at `input` and handed on as the policy leaves them; arguments of other types are handed on as they
    are. What is returned is judged at `output` (name `retrieval` for a retriever, `tool_result` for a tool):
    texts, messages, chat responses, pictures, mappings of JSON values, and lists of these. A generator's
    texts are joined and judged as one (those of a retriever each), and then handed on. Where a rule redacts `with: vault`,
    the function sees `[EMAIL_1]`, and the text that it answers has the address again.

    Args:
        guard: the guard.
        function: what to wrap.
        on_block: `raise` raises `Blocked`; `answer` returns the rule's message in place of the answer, of a client as its API
            refuses (where it can: embeddings cannot).
        output: the stage of what is returned; not for clients, models and pipelines, whose answers say it.
        context: who asks: `user`, `tenant`, `client`, `metadata`, `model`, as for `Guard.check`.

    Raises:
        TypeError: (at the call) the function returned something that cannot be checked.
        Blocked: (at the call) the policy stopped it, unless it answers in kind.
    """
    if on_block not in ANSWERS:
        raise ValueError(f"on_block must be 'raise' or 'answer', not {on_block!r}")
    backend = wrapper_of(function)
    if backend is not None:
        return cast(T, backend(function, Terms(guard, on_block == "answer", context, Stage(output))))
    start = functools.partial(
        Call, guard, answers=on_block == "answer", output=Stage(output), context=context
    )
    made = cast(Callable[..., Any], function)
    how = [made, getattr(function, "__call__", None)]  # noqa: B004 - an object may have an async __call__
    for fits, wrapper in WRAPPERS:
        if any(map(fits, how)):
            return cast(T, functools.wraps(made)(wrapper(start, made)))
    raise TypeError(f"cannot wrap a {type(function).__name__}: give a function")


Start = Callable[[], Call]
"""What begins the checks around one call."""


def _function(start: Start, function: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        call = start()
        try:
            args_, kwargs_ = call.before(args, kwargs)
            return call.after(function(*args_, **kwargs_))
        except _Stopped as stopped:
            return stopped.text

    return guarded


def _coroutine(start: Start, function: Callable[..., Any]) -> Callable[..., Any]:
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        call = start()
        try:
            args_, kwargs_ = await call.abefore(args, kwargs)
            return await call.aafter(await function(*args_, **kwargs_))
        except _Stopped as stopped:
            return stopped.text

    return guarded


def _generator(start: Start, function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def guarded(*args: Any, **kwargs: Any) -> Iterator[Any]:
        call = start()
        try:
            args_, kwargs_ = call.before(args, kwargs)
            with contextlib.closing(function(*args_, **kwargs_)) as chunks:
                held = call.whole(list(chunks))
            released = [call.after(chunk) for chunk in held]
        except _Stopped as stopped:
            released = [stopped.text]
        yield from released

    return guarded


def _async_generator(start: Start, function: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
    async def guarded(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        call = start()
        try:
            args_, kwargs_ = await call.abefore(args, kwargs)
            async with contextlib.aclosing(function(*args_, **kwargs_)) as chunks:
                held = call.whole([chunk async for chunk in chunks])
            released = [await call.aafter(chunk) for chunk in held]
        except _Stopped as stopped:
            released = [stopped.text]
        for chunk in released:
            yield chunk

    return guarded


WRAPPERS: tuple[
    tuple[Callable[[Any], bool], Callable[[Start, Callable[..., Any]], Callable[..., Any]]], ...
] = (
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (callable, _function),
)
"""What a function is → how it is wrapped; the first that fits."""


class Stream:
    """One streamed text, held whole until `flush`. One object for each stream; nothing is shared between
    them.
    """

    def __init__(self, guard: Guard, stage: str, context: Mapping[str, Any]) -> None:
        self._guard, self._stage, self._context = guard, stage, context
        self._held: list[str] = []
        self._verdict: Verdict | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, None before `flush`."""
        return self._verdict

    def feed(self, delta: str) -> str:
        """Take the next part of the text and return what may be shown now; `ValueError` after `flush`."""
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
        return self._verdict.restore(content) if isinstance(content, str) else ""
