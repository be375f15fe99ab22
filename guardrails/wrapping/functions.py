"""Wrapped calls: a function in, the same function with its texts checked before and its answer checked after; a client
of a model in, the same client with its calls checked (`sdk/`, `langchain/`).

Of a generator's texts each part is handed on as soon as it is settled (`Guard.stream`), of its frames each once those after it
were judged with it (`engine/media/frame_batches.py`); other streams are held whole until they are judged. Values that the
function got placeholders for (`with: vault`) stand in its answer again.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from guardrails.context import Context
from guardrails.engine.content.content_tree import format_number
from guardrails.engine.content.payload import is_pixels, refuse_batch
from guardrails.engine.media.frame_batches import (
    FPS,
    Film,
    Films,
    FrameWindow,
    build_film,
    films_of_pipeline,
    find_films,
    frames_of_film,
    is_frame,
    pictures_of_pipeline,
    rebuild_sequence,
    replace_films,
    replace_pictures,
)
from guardrails.engine.redaction.vault import Vault, escape_placeholders, find_texts
from guardrails.errors import Blocked
from guardrails.media.video.frames_in_memory import FASTEST
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Action, Media, Returned, Stage, Text, ToolCall, Verdict
from guardrails.wrapping.registry import wrapper_of
from guardrails.wrapping.sdk.exchange import REFUSAL, Terms
from guardrails.wrapping.text_stream import TextStream, open_stream

if TYPE_CHECKING:
    from guardrails.checker import Checker

T = TypeVar("T")

ANSWERS = ("raise", "answer")

END = object()
"""Stands behind the last chunk of a stream."""


class _Stopped(Exception):
    """Ends a call early with the text that answers a block."""

    def __init__(self, text: str) -> None:
        self.text = text


class Call:
    """The checks around one call of a wrapped function. `vault` is what they handed out, `passed` what went before,
    `system` the system prompt, `prompt` what was asked last, `sources` what was retrieved, `heard` what tools returned. Pictures
    are frames where `fps` says so.
    """

    def __init__(
        self, guard: Checker, *, answers: bool, output: Stage, fps: float | None, context: Mapping[str, Any]
    ) -> None:
        self.guard = guard
        self.answers = answers
        self.output = output
        self.fps = fps
        self.context = context
        self.vault = Vault()
        self.passed: list[Any] = []
        self.system = self.prompt = self.sources = ""
        self.heard: tuple[Returned, ...] = ()

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
            return rebuild_sequence(value, [self.argument(entry) for entry in value])
        if _is_options(value):
            pairs = [(self.argument(name), self.argument(inner)) for name, inner in value.items()]
            return dict(pairs) if pairs != list(value.items()) else value
        if not _is_content(value):
            return value
        value = self.going_on(value)
        verdict = self.guard.check(_shown(value), "input", after=self.vault, heard=self.heard, **self.context)
        return self.kept(value, verdict)

    async def abefore(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The twin of `before` on an event loop."""
        checked = [await self.aargument(value) for value in args]
        return checked, {name: await self.aargument(value) for name, value in kwargs.items()}

    async def aargument(self, value: Any) -> Any:
        if _is_several(value):
            return rebuild_sequence(value, [await self.aargument(entry) for entry in value])
        if _is_options(value):
            pairs = [
                (await self.aargument(name), await self.aargument(inner)) for name, inner in value.items()
            ]
            return dict(pairs) if pairs != list(value.items()) else value
        if not _is_content(value):
            return value
        value = self.going_on(value)
        verdict = await self.guard.acheck(
            _shown(value), "input", after=self.vault, heard=self.heard, **self.context
        )
        return self.kept(value, verdict)

    def going_on(self, value: Any) -> Any:
        """Return an argument for a check that knows those before it, so that each number stands for one value."""
        if self.passed:
            self.vault = Vault(self.vault)
            for text in find_texts(self.passed):
                self.vault.reserve(text)
            self.passed.clear()
            value = escape_placeholders(value, self.vault)
        self.passed.append(value)
        return value

    def after(self, value: Any) -> Any:
        """Check what the function returned."""
        if _is_plain(value):
            return value
        if (framed := self.framed(value)) is not None:
            return replace_films(value, framed, [self.film(each) for each in framed[0]])
        if _is_several(value):
            return rebuild_sequence(value, [self.after(entry) for entry in value])
        if (images := pictures_of_pipeline(value)) is not None:
            return replace_pictures(value, images, [self.after(each) for each in images])
        verdict = self.guard.check(_shown(value), self.output, **self.asked())
        return self.restored(self.kept(value, verdict))

    async def aafter(self, value: Any) -> Any:
        """The twin of `after` on an event loop."""
        if _is_plain(value):
            return value
        if (framed := self.framed(value)) is not None:
            return replace_films(value, framed, [await self.afilm(each) for each in framed[0]])
        if _is_several(value):
            return rebuild_sequence(value, [await self.aafter(entry) for entry in value])
        if (images := pictures_of_pipeline(value)) is not None:
            return replace_pictures(value, images, [await self.aafter(each) for each in images])
        verdict = await self.guard.acheck(_shown(value), self.output, **self.asked())
        return self.restored(self.kept(value, verdict))

    def framed(self, value: Any) -> Films | None:
        """Return the films of what the function returned, None where it is none."""
        return films_of_pipeline(value) or (None if self.fps is None else find_films(value))

    def film(self, frames: Film) -> Film:
        """Check the frames of one film; return them as the policy leaves them."""
        if not frames:
            return frames
        film = build_film(frames, self.fps or FPS, self.output, self.guard.pipeline.policies)
        verdict = self.guard.check(film, self.output, **self.asked())
        self.settled(verdict)
        return frames_of_film(frames, film, verdict)

    async def afilm(self, frames: Film) -> Film:
        """The twin of `film` on an event loop."""
        if not frames:
            return frames
        film = build_film(frames, self.fps or FPS, self.output, self.guard.pipeline.policies)
        verdict = await self.guard.acheck(film, self.output, **self.asked())
        self.settled(verdict)
        return frames_of_film(frames, film, verdict)

    def window(self, first: Any) -> FrameWindow | None:
        """Return what holds the frames of a stream that begins with a chunk, None where that is no frame."""
        if self.fps is None or not is_frame(first):
            return None
        return FrameWindow(self.fps, self.guard.pipeline.policies)

    def kept(self, value: Any, verdict: Verdict) -> Any:
        """Return what to use in place of a value, itself where nothing changes."""
        content = self.settled(verdict)
        if isinstance(verdict.restorer, Vault):
            self.vault = verdict.restorer
        self.system = verdict.system or self.system
        self.prompt = verdict.prompt or self.prompt
        self.sources = verdict.sources or self.sources
        self.heard = verdict.heard or self.heard
        # A conversation may have got a canary although nothing was found in it.
        return content if verdict.action >= Action.REDACT or verdict.system else value

    def asked(self) -> dict[str, Any]:
        """Return what an answer is judged with."""
        beside = {"system": self.system, "prompt": self.prompt, "sources": self.sources, "heard": self.heard}
        return {**beside, **self.context, "after": self.vault}

    def restored(self, answer: Any) -> Any:
        """Return what a model answered with the user's own values in it again."""
        return (
            restore_reply(answer, self.vault) if self.output is Stage.OUTPUT and self.vault.values else answer
        )

    def grows(self, first: Any) -> bool:
        """Tell whether a stream that begins with a chunk is a text that can be handed on as it grows."""
        return self.output is Stage.OUTPUT and not _is_picture(first)

    def stream(self) -> TextStream:
        """Begin a text that grows."""
        return open_stream(self.guard, self.output, Context(**self.asked()))

    def whole(self, chunks: list[Any]) -> list[Any]:
        """Return the chunks of a stream that is held, for checking: pieces of one text joined, a retriever's documents each.

        Raises:
            TypeError: they cannot be put together.
        """
        texts = [chunk for chunk in chunks if chunk is not None]
        if self.output == Stage.RETRIEVAL or all(map(_is_picture, texts)):
            return texts
        return ["".join(map(piece, texts))]


def _is_picture(chunk: Any) -> bool:
    """Tell whether a chunk of a stream is a whole content by itself."""
    return isinstance(chunk, Media) or is_pixels(chunk)


def piece(chunk: Any) -> str:
    """Return the text that a chunk of a stream is.

    Raises:
        TypeError: it is none: pieces of something else cannot be put together, so that a word split over two would pass.
    """
    if not isinstance(chunk, str):
        raise TypeError(f"cannot check a stream of {type(chunk).__name__}: yield texts")
    return chunk


def _is_plain(value: Any) -> bool:
    """Tell whether a value says nothing: None, a flag, or a number too short to be anyone's."""
    return value is None or (isinstance(value, int | float) and not format_number(value))


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
        return bool(format_number(value))
    if isinstance(value, str | bytes | list | tuple | Mapping | Text | ToolCall | Media) or _is_message(
        value
    ):
        return True
    refuse_batch(value)
    # Arrays of other shapes are vectors and the like.
    return is_pixels(value) and (not hasattr(value, "ndim") or (value.ndim == 3 and value.shape[2] in (3, 4)))


def _shown(value: Any) -> Any:
    """Return what is judged of a value."""
    if isinstance(value, int | float):
        return format_number(value)
    if inspect.iscoroutine(value):
        value.close()  # a plain function returned it: nobody will await it any more
    return value


def wrap(
    guard: Checker,
    function: T,
    *,
    on_block: str = "raise",
    output: str = "output",
    fps: float | None = None,
    **context: Any,
) -> T:
    """Return the function guarded: sync, async, generator and async-generator functions alike; or a client of OpenAI's or
    Anthropic's SDK, a runnable of LangChain, or a text-generation pipeline of transformers (`wrapping/registry.py`) as one of
    the same class that is guarded.

    Arguments that are texts, messages, chat requests or pictures, or lists and mappings that hold some, are judged at `input`
    and handed on as the policy leaves them; arguments of other types are handed on as they are. What is returned is judged at
    `output` (name `retrieval` for a retriever, `tool_result` for a tool): texts, messages, chat responses, pictures, mappings
    of JSON values, lists of these, and what a pipeline of diffusers returns, with its `images` or `frames`, of which each film
    is judged as one. A generator's texts are judged as one, which is handed on as it grows, as far as it is settled; what is no
    `output` is held to the end, a retriever's documents to be judged each. With `fps`, pictures that come one after the other
    are the frames of a film: those that a generator yields are handed on some two seconds late, once those after them were
    judged with them. Where a rule redacts `with: vault`, the function sees `[EMAIL_1]`, and the text that it answers has the
    address again. A client's calls with no prompt and no answer in them pass (files, models, administration); those that nobody
    can judge are refused (batches, assistants, realtime and others): see `CALLS` in `wrapping/apis/openai.py`.

    Args:
        guard: the guard.
        function: what to wrap.
        on_block: `raise` raises `Blocked`; `answer` returns the rule's message in place of the answer, of a client as its API
            refuses (where it can: embeddings cannot).
        output: the stage of what is returned; not for clients, models and pipelines, whose answers say it.
        fps: how many frames a second there are of what is returned or yielded, if that is a film; of what a pipeline of
            diffusers returns as `frames` 8, where nothing is said.
        context: who asks: `user`, `tenant`, `client`, `metadata`, `model`, as for `Guard.check`.

    Raises:
        TypeError: (at the call) the function returned something that cannot be checked.
        Blocked: (at the call, of a generator perhaps behind some of its text) the policy stopped it, unless it answers in kind.
        RequestError: (at the call, of a client) it cannot be judged.
    """
    if on_block not in ANSWERS:
        raise ValueError(f"on_block must be 'raise' or 'answer', not {on_block!r}")
    if fps is not None and not 0 < fps <= FASTEST:
        raise ValueError(f"fps must be above 0 and at most {FASTEST}, not {fps}")
    backend = wrapper_of(function)
    if backend is not None:
        return cast(T, backend(function, Terms(guard, on_block == "answer", context, Stage(output))))
    start = functools.partial(
        Call, guard, answers=on_block == "answer", output=Stage(output), fps=fps, context=context
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
                first = next((chunk for chunk in chunks if chunk is not None), None)
                several = itertools.chain([first], chunks)
                if (window := call.window(first)) is not None:
                    yield from _filmed(call, window, several)
                    return
                if call.grows(first):
                    yield from _grown(call, several)
                    return
                held = call.whole(list(several))
            released = [call.after(chunk) for chunk in held]
        except _Stopped as stopped:
            released = [stopped.text]
        yield from released

    return guarded


def _grown(call: Call, chunks: Iterable[Any]) -> Iterator[str]:
    """Yield what is settled of a text that comes in chunks; raises as `Call.settled` does where it is stopped."""
    stream = call.stream()
    for chunk in chunks:
        if chunk is not None and (shown := stream.feed(piece(chunk))):
            yield shown
        if stream.blocked:
            break
    if shown := stream.flush():
        yield shown
    assert stream.verdict is not None
    call.settled(stream.verdict)


def _filmed(call: Call, window: FrameWindow, frames: Iterable[Any]) -> Iterator[Any]:
    """Yield frames once those after them were judged with them; raises as `Call.settled` does where one is stopped."""
    for frame in frames:
        if frame is not None and (known := window.feed(frame)) is not None:
            yield from window.passed(call.film(known))
    if (known := window.rest()) is not None:
        yield from window.passed(call.film(known))


def _async_generator(start: Start, function: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
    async def guarded(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        call = start()
        try:
            args_, kwargs_ = await call.abefore(args, kwargs)
            async with contextlib.aclosing(function(*args_, **kwargs_)) as chunks:
                first = await anext(chunks, END)
                while first is None:
                    first = await anext(chunks, END)
                if (window := call.window(first)) is not None:
                    async with contextlib.aclosing(_afilmed(call, window, first, chunks)) as filmed:
                        async for frame in filmed:
                            yield frame
                    return
                if call.grows(first):
                    async with contextlib.aclosing(_agrown(call, first, chunks)) as grown:
                        async for shown in grown:
                            yield shown
                    return
                held = call.whole([] if first is END else [first, *[chunk async for chunk in chunks]])
            released = [await call.aafter(chunk) for chunk in held]
        except _Stopped as stopped:
            released = [stopped.text]
        for chunk in released:
            yield chunk

    return guarded


async def _agrown(call: Call, first: Any, chunks: AsyncIterator[Any]) -> AsyncGenerator[str, None]:
    """The twin of `_grown` on an event loop; `first` comes before the chunks."""
    stream = call.stream()
    chunk = first
    while chunk is not END:
        if chunk is not None and (shown := await stream.afeed(piece(chunk))):
            yield shown
        if stream.blocked:
            break
        chunk = await anext(chunks, END)
    if shown := await stream.aflush():
        yield shown
    assert stream.verdict is not None
    call.settled(stream.verdict)


async def _afilmed(
    call: Call, window: FrameWindow, first: Any, frames: AsyncIterator[Any]
) -> AsyncGenerator[Any, None]:
    """The twin of `_filmed` on an event loop; `first` comes before the frames."""
    frame = first
    while frame is not END:
        if frame is not None and (known := window.feed(frame)) is not None:
            for each in window.passed(await call.afilm(known)):
                yield each
        frame = await anext(frames, END)
    if (known := window.rest()) is not None:
        for each in window.passed(await call.afilm(known)):
            yield each


WRAPPERS: tuple[
    tuple[Callable[[Any], bool], Callable[[Start, Callable[..., Any]], Callable[..., Any]]], ...
] = (
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (callable, _function),
)
"""What a function is → how it is wrapped; the first that fits."""
