"""Wrapped calls: a function in, the same function with its texts checked before and its answer checked after; a client
of a model in, the same client with its calls checked (`sdk/`, `langchain/`).

Arguments of any type are judged and handed on in their own types, the same objects where nothing changes: texts, messages and
chat requests, pictures, and what such things stand in, from lists to models of pydantic (`engine/values`). Three kinds of
arguments are handed on without being judged: numbers and other values without words; the object that a method belongs to
(`self`, `cls`); and objects of the program that no adapter reads, such as a client, a logger, a connection or a framework's
request. These are noted as `unchecked: object`, which a policy allows unless it says otherwise (`unchecked: {object: block}`):
nothing that comes over a wire is one before the program makes it. What nobody can read and has a `role` and `content`, or
stands in an answer, is `unchecked: part`, which blocks unless the policy says otherwise.

Of a generator's texts each part is handed on as soon as it is settled (`Guard.stream`), of its frames each once those after it
were judged with it (`engine/media/frame_batches.py`); other pieces are held until they are judged together, a retriever's
documents each. A function that returns a generator, or something to await, returns one that is guarded. Values that the
function got placeholders for (`with: vault`) stand in its answer again.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from io import IOBase
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, Unpack, cast, get_args

from guardrails.context import CALLER, CallerOptions, check_options, describe_type
from guardrails.engine.media.frame_batches import (
    FrameWindow,
)
from guardrails.media.video.frames_in_memory import FASTEST
from guardrails.registry.by_class import class_name
from guardrails.types import Stage, StageName
from guardrails.wrapping.argument_roles import OPTIONS, ArgumentNames, ArgumentRole, read_roles
from guardrails.wrapping.function_call import CallStopped, FunctionCall, require_kind
from guardrails.wrapping.guarded_call import END, Call, Flow, Give, Next, Run, arun, astream, run, stream
from guardrails.wrapping.reasks import Reasking
from guardrails.wrapping.registry import Wrapper, find_wrapper
from guardrails.wrapping.schemas import NO_SCHEMA, SchemaOptions, check_schema_options, require_schema
from guardrails.wrapping.sdk.exchange import Terms

if TYPE_CHECKING:
    from guardrails.checker import Checker

T = TypeVar("T")

OnBlock: TypeAlias = Literal["raise", "answer"]
"""What a wrapped call does where the policy stops it."""

DeclaredRoles: TypeAlias = Mapping[ArgumentRole, ArgumentNames]
"""What whoever wraps a function says of its arguments: the names or positions of those of each role."""

NO_OPTIONS: Final[Mapping[Any, Any]] = {}


@dataclass(frozen=True, slots=True)
class GuardedArguments:
    """What a wrapped function's guard makes of it (`guard.wrap(function).guarded`).

    Attributes:
        arguments: what each argument is, by name: `prompt`, `system`, `context`, `setting`, `value` or `ignored`
            (`wrapping/argument_roles.py`). Those of `*args` and `**kwargs` are not listed.
        output: the stage at which the answer is judged.
    """

    arguments: Mapping[str | int, str]
    output: Stage


def check_terms(
    on_block: str,
    output: str,
    fps: float | None,
    caller: Mapping[str, Any],
    formatted: SchemaOptions = NO_SCHEMA,
) -> None:
    """Raise as `wrap` does where there is no such option, or value of one."""
    Stage(output)
    check_options("wrap", caller, CALLER, ("on_block", "output", "fps", "schema", "repair", "reask"))
    check_schema_options(formatted)
    if on_block not in get_args(OnBlock):
        raise ValueError(f"on_block must be 'raise' or 'answer', not {on_block!r}")
    if fps is not None and not isinstance(fps, int | float):
        raise TypeError(f"wrap(): fps must be a number, not {describe_type(fps)}")
    if fps is not None and not 0 < fps <= FASTEST:
        raise ValueError(f"fps must be above 0 and at most {FASTEST}, not {fps}")


def wrap(
    guard: Checker,
    function: T,
    *,
    on_block: OnBlock = "raise",
    output: StageName = "output",
    fps: float | None = None,
    roles: DeclaredRoles = NO_OPTIONS,
    formatted: SchemaOptions = NO_SCHEMA,
    **caller: Unpack[CallerOptions],
) -> T:
    """Return the function guarded: sync, async, generator and async-generator functions alike; or a client of OpenAI's or
    Anthropic's SDK, a runnable of LangChain, a text-generation pipeline of transformers, or a pipeline of diffusers
    (`wrapping/registry.py`) as one of the same class that is guarded.

    All arguments are judged at `input`, all that is returned at `output` (name `retrieval` for a retriever, `tool_result` for a
    tool), and handed on as the policy leaves them; see the head of this file for what is read of which types. With `fps`,
    pictures that come one after the other are the frames of a film: those that a generator yields are handed on some two
    seconds late, once those after them were judged with them. A client's calls with no prompt and no answer in them pass
    (files, models, administration); those that nobody can judge are refused (batches, assistants, realtime and others): see
    `CALLS` in `wrapping/apis/openai.py`.

    Args:
        guard: the guard.
        function: what to wrap.
        on_block: `raise` raises `Blocked`; `answer` returns the rule's message in place of the answer, of a client as its API
            refuses (where it can: embeddings cannot).
        output: the stage of what is returned; not for clients, models and pipelines, whose answers say it.
        fps: how many frames a second there are of what is returned or yielded, if that is a film; of what a pipeline of
            diffusers returns as `frames` 8, where nothing is said.
        roles: the arguments of a function that are prompts, the application's instructions, documents, or not to be judged.
        formatted: what the answers must be.
        caller: who asks: `user`, `tenant`, `client`, `metadata`, `model`, as for `Guard.check`.

    Raises:
        TypeError: it is a class, or nothing that is called, or there is no such option or value of it; (at the call) a stream
            has pieces of several kinds.
        ValueError: there is no such stage or answer to a block.
        Blocked: (at the call, of a generator perhaps behind some of its text) the policy stopped it, unless it answers in kind.
        RequestError: (at the call) an argument or an answer contains itself, nests too deep, or is a conversation, or the call of
            a client, that cannot be judged.
    """
    check_terms(on_block, output, fps, caller)
    schema = require_schema(guard, formatted, Stage(output))
    terms = Terms(guard, on_block == "answer", caller, Stage(output), schema, fps)
    wrapper = find_wrapper(function)
    if wrapper is not None:
        _check_wrapper(wrapper, function, roles, schema)
        return cast(T, wrapper.wrap(function, terms))
    return wrap_function(function, terms, fps, roles)


def _check_wrapper(wrapper: Wrapper, function: object, roles: DeclaredRoles, schema: Checker | None) -> None:
    """Raise `TypeError` where options are given that an object of a class does not take."""
    name = class_name(type(function))
    if roles:
        raise TypeError(
            f"wrap(): {', '.join(map(OPTIONS.__getitem__, roles))}: the fields of a {name} say what they are; leave it out"
        )
    if schema is not None and not wrapper.takes_schema:
        raise TypeError(
            f"schema is for functions and clients of models, not for a {name}: wrap a function that calls it"
        )


def wrap_function(
    function: T, terms: Terms, fps: float | None = None, roles: DeclaredRoles = NO_OPTIONS
) -> T:
    """Return a function guarded by the terms of a wrapper, as `wrap` does of functions; raises `TypeError` where it is none.

    Args:
        function: what to wrap.
        terms: by which guard, whether blocks are answered, who asks, and where answers stand.
        fps: as for `wrap`.
        roles: likewise.
    """
    if isinstance(function, type):
        raise TypeError(
            f"cannot wrap the class {function.__qualname__}: wrap an object of it, or its methods that are to be guarded"
        )
    made = cast(Callable[..., Any], function)
    how = [made, getattr(function, "__call__", None)]  # noqa: B004 - an object may have an async __call__
    for fits, make in FORMS:
        if any(map(fits, how)):
            known = read_roles(made, roles)
            begin = functools.partial(FunctionCall, terms, fps, known)
            guarded: Any = functools.wraps(made)(make(Reasking(begin, terms, made, known)))
            guarded.guarded = GuardedArguments(known.describe(), terms.output)
            return cast(T, guarded)
    hint = "; write @classmethod above it" if isinstance(function, classmethod) else ""
    name = class_name(type(function))
    raise TypeError(
        f"cannot wrap a {type(function).__name__}: give a function{hint}, or register a wrapper of {name} (guardrails.plugins)"
    )


def call_flow(call: FunctionCall, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Flow:
    """Describe a call of a function that returns one value; returns what the caller may have of it."""
    try:
        args_, kwargs_ = yield from call.before(args, kwargs)
        value = yield Call((*args_,), kwargs_)
    except CallStopped as stopped:
        return stopped.text
    return (yield from answer_flow(call, value))


def answer_flow(call: FunctionCall, value: Any) -> Flow:
    """Describe what becomes of what a function returned; what comes only later is returned guarded, of the same kind."""
    terms = call.terms
    if inspect.isawaitable(value):
        return _await_answer(call, value)
    if hasattr(type(value), "__aiter__"):
        return astream(answer_stream_flow(call), terms, value.__aiter__)
    if isinstance(value, Iterator) and not isinstance(value, IOBase):
        return stream(answer_stream_flow(call), terms, value.__iter__)
    try:
        return (yield from call.after(value))
    except CallStopped as stopped:
        return stopped.text


async def _await_answer(call: FunctionCall, value: Awaitable[Any]) -> Any:
    """Wait for what a function returned, and return what the caller may have of it."""

    async def asked() -> Any:
        return await value

    def flow() -> Flow:
        return (yield from answer_flow(call, (yield Call())))

    return await arun(flow(), call.terms, asked)


def stream_flow(call: FunctionCall, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Flow:
    """Describe a call of a function that yields; gives what may be handed on early, and returns a list of the rest."""
    try:
        args_, kwargs_ = yield from call.before(args, kwargs)
    except CallStopped as stopped:
        return [stopped.text]
    return (yield from answer_stream_flow(call, (*args_,), kwargs_))


def answer_stream_flow(
    call: FunctionCall, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] = NO_OPTIONS
) -> Flow:
    """Describe what becomes of what a function yields, from where it is called; the arguments were checked."""
    try:
        yield Call(args, kwargs)
        first = yield Next()
        while first is None:
            first = yield Next()
        if (window := call.window(first)) is not None:
            yield from _give_frames(call, window, first)
            return []
        if call.grows(first):
            yield from _give_text(call, first)
            return []
        return (yield from call.whole((yield from _rest(first))))
    except CallStopped as stopped:
        return [stopped.text]


def _rest(first: Any) -> Flow:
    chunks, chunk = [], first
    while chunk is not END:
        chunks.append(chunk)
        chunk = yield Next()
    return chunks


def _give_text(call: FunctionCall, first: Any) -> Flow:
    """Give what is settled of a text that comes in chunks; raises as `FunctionCall.settled` does where it is stopped."""
    stream, chunk = call.stream(), first
    while chunk is not END and not stream.blocked:
        if chunk is not None and (
            shown := (yield Run(functools.partial(stream.feeding, require_kind(chunk, str))))
        ):
            yield Give(shown)
        if not stream.blocked:
            chunk = yield Next()
    if shown := (yield Run(stream.flushing)):
        yield Give(shown)
    assert stream.verdict is not None
    call.settled(stream.verdict)


def _give_frames(call: FunctionCall, window: FrameWindow, first: Any) -> Flow:
    """Give frames once those after them were judged with them; raises as `FunctionCall.settled` does where one is stopped."""
    frame = first
    while frame is not END:
        if frame is not None and (known := window.feed(frame)) is not None:
            for each in window.passed((yield from call.film(known))):
                yield Give(each)
        frame = yield Next()
    if (known := window.rest()) is not None:
        for each in window.passed((yield from call.film(known))):
            yield Give(each)


def _function(call: Reasking) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return run(call.flow(call_flow, args, kwargs), call.terms, call.function)

    return guarded


def _coroutine(call: Reasking) -> Callable[..., Any]:
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        return await arun(call.flow(call_flow, args, kwargs), call.terms, call.function)

    return guarded


def _generator(call: Reasking) -> Callable[..., Iterator[Any]]:
    def guarded(*args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from stream(call.flow(stream_flow, args, kwargs), call.terms, call.function)

    return guarded


def _async_generator(call: Reasking) -> Callable[..., AsyncIterator[Any]]:
    async def guarded(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        flow = call.flow(stream_flow, args, kwargs)
        async with contextlib.aclosing(astream(flow, call.terms, call.function)) as pieces:
            async for piece in pieces:
                yield piece

    return guarded


FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Reasking], Callable[..., Any]]], ...] = (
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (callable, _function),
)
"""What a function is → how it is wrapped; the first that fits."""
