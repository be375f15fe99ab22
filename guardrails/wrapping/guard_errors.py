"""Lets the errors of a guard reach the caller as they are, whatever an SDK makes of what is raised below it.

Between the bytes that a guard judges and the application stands an SDK, which may turn what is raised there into an error of its
own (Anthropic's, from 2.17 on: `APIConnectionError`), ask again, or keep silent. Nothing here depends on which of these a release
does. What judges notes its error with the call (`note_errors`). What an SDK hands out (parts of a client, managers, runners,
streams, responses, iterators) is of a class below its own (`unwrap_errors`), whose public methods and properties raise one of:

1. the error that was noted for the call of the object, also where the SDK raises nothing: a blocked stream has no final message;
2. the error that was noted while the method ran;
3. the error of a guard from which the SDK's error was raised.

`python -m tests.wrapping.sdk_error_table` prints what reaches the caller of each SDK, tried with openai 3.63.0, anthropic 2.17.0,
google-genai 3.6.1, mistralai 3.7.0, cohere 7.3.1, ollama 0.6.3, boto3 1.44.18, httpx 0.29.0 and httpx2 2.17.0. `REACHES` in that
file lists what the wrappers use of these beyond what they describe.
"""

from __future__ import annotations

import contextlib
import copy
import enum
import functools
import inspect
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextvars import ContextVar, Token
from types import FunctionType
from typing import Any, Final, Protocol

from guardrails.errors import GuardrailsError
from guardrails.protocols.reasks import AnswerRejected

OWN: Final = (GuardrailsError, AnswerRejected)
"""What a guard raises, `AnswerRejected` for its own use: a wrapped client takes it and asks again."""

SPECIAL: Final = frozenset(
    ["__enter__", "__aenter__", "__iter__", "__aiter__", "__next__", "__anext__", "__call__", "__getattr__"]
)
"""Methods of which an SDK's object is read or asked without that its code names them."""

ENDINGS: Final = frozenset({"close", "aclose"})
"""Methods that say nothing of an answer."""

EXCHANGE: Final = "_guardrails_exchange"
"""The attribute of an object with the call that it belongs to."""

KEPT: Final = ("model_fields", "__dataclass_fields__", EXCHANGE)
"""Attributes of classes of data, and of those that raise a guard's errors already."""

SCOPE: ContextVar[CallScope | None] = ContextVar("guardrails_scope", default=None)
"""The method of an SDK's that runs in this thread or task, the innermost of those that a caller may have called."""


class GuardedCall(Protocol):
    """A call that is judged, as far as it is asked here: the error of the guard that ended it, if one did."""

    error: Exception | None


class CallScope:
    """The time in which a method of an SDK's runs. Who leaves it behind an error calls `raise_found`.

    Args:
        exchange: the call that the object of the method belongs to, if there is one.
        opens: whether errors that are noted meanwhile are noted here; else they are where the method was called from.
    """

    def __init__(self, exchange: GuardedCall | None = None, *, opens: bool = True) -> None:
        self.error: Exception | None = None
        self._exchange, self._opens = exchange, opens
        self._found: Exception | None = None

    def __enter__(self) -> CallScope:
        self._handled = sys.exception()  # which is no cause of what is raised from here on
        self._token: Token[CallScope | None] | None = SCOPE.set(self) if self._opens else None
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if self._token is not None:
            with contextlib.suppress(
                ValueError
            ):  # a coroutine that nobody ran to its end, closed from elsewhere
                SCOPE.reset(self._token)
        noted = self.error or (self._exchange.error if self._exchange is not None else None)
        handled, self._handled = self._handled, None
        if error is None:
            raise_again(noted)
        if isinstance(error, OWN):
            self._found = error
        elif isinstance(error, Exception):
            self._found = _find_cause(error, handled) if noted is None else copy.copy(noted)
        return self._found is not None

    def raise_found(self) -> None:
        """Raise the guard's error, if there was one, in the place of the SDK's, which is no part of its story."""
        found, self._found = self._found, None
        try:
            if found is not None:
                raise found from found.__cause__
        finally:
            del found  # whose traceback has this frame


def raise_again(noted: Exception | None) -> None:
    """Raise what was noted, if anything was: a copy, as an error holds by its traceback what it is noted with."""
    if noted is not None:
        raise copy.copy(noted) from None


def _find_cause(error: BaseException, handled: BaseException | None) -> GuardrailsError | None:
    """Return the first error of a guard behind an error, up to what was being handled before it."""
    seen: list[BaseException | None] = [None, handled]
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or any(each is known for known in seen):
            continue
        if isinstance(each, GuardrailsError):
            return each
        seen.append(each)
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    return None


@contextlib.contextmanager
def note_errors(exchange: GuardedCall) -> Iterator[None]:
    """Note with a call, and where it is made, what a guard raises meanwhile."""
    try:
        yield
    except OWN as error:
        exchange.error, scope = copy.copy(error), SCOPE.get()
        if scope is not None and isinstance(error, GuardrailsError):
            scope.error = exchange.error
        raise


def refuse_repeat() -> None:
    """Raise again what a guard raised in the method that runs: an SDK that asks once more repeats a call that was stopped."""
    scope = SCOPE.get()
    raise_again(None if scope is None else scope.error)


def unwrap_errors(value: Any, exchange: GuardedCall | None = None) -> Any:
    """Give an SDK's object the class that raises a guard's errors as they are, and return it. Data stay what they are.

    Args:
        value: the object; nobody else may use it.
        exchange: the call that it belongs to. Where none is given it is that of an object that it holds, such as its response.
    """
    kind = unwrapped_class(type(value))
    held = getattr(value, "__dict__", None)
    if kind is type(value) or held is None:
        return value
    with contextlib.suppress(TypeError):  # its memory is laid out in another way
        value.__class__ = kind
        held[EXCHANGE] = exchange or next(filter(None, map(_exchange_of, [*held.values()])), None)
    return value


def unwrap_result(value: Any, owner: type, exchange: GuardedCall | None = None) -> Any:
    """Return what a method of an SDK's class returned: its own objects by `unwrap_errors`, iterators and coroutines alike."""
    kind = type(value)
    if inspect.iscoroutine(value):
        return _await(value, owner, exchange)
    if _package(kind) in _packages(owner):
        return unwrap_errors(value, exchange)
    if hasattr(kind, "__next__"):
        return _iterate(value, owner, exchange)
    return _aiterate(value, owner, exchange) if hasattr(kind, "__anext__") else value


def unwrapped_class(kind: Any) -> Any:
    """Return the class below an SDK's that raises a guard's errors as they are; a class of data as it is."""
    return _make_class(kind)


@functools.cache
def _make_class(kind: Any) -> Any:
    if issubclass(kind, BaseException | enum.Enum | type) or any(hasattr(kind, name) for name in KEPT):
        return kind
    members: dict[str, Any] = {"__slots__": (), EXCHANGE: None, "__doc__": kind.__doc__}
    for name in dir(kind):
        if name in ENDINGS or (name.startswith("_") and name not in SPECIAL):
            continue
        member = inspect.getattr_static(kind, name)
        if isinstance(member, FunctionType):
            members[name] = _method(name, member, kind)
        elif isinstance(member, functools.cached_property):
            members[name] = functools.cached_property(_getter(member, kind))
        elif isinstance(member, property):
            members[name] = property(_getter(member, kind), member.fset, member.fdel, member.__doc__)
    named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), {**members, **named})


def _method(name: str, function: Callable[..., Any], owner: type) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = _exchange_of(self)
        with CallScope(exchange) as scope:
            # The class is asked each time: what traces calls of an SDK changes its methods.
            return unwrap_result(getattr(owner, name)(self, *args, **kwargs), owner, exchange)
        scope.raise_found()

    @functools.wraps(function)
    async def acall(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await call(self, *args, **kwargs)

    return acall if inspect.iscoroutinefunction(function) else call


def _getter(member: Any, owner: type) -> Callable[[Any], Any]:
    def read(self: Any) -> Any:
        # Of a call that was stopped the headers, the status and so on may still be read.
        with CallScope() as scope:
            return unwrap_result(member.__get__(self, type(self)), owner, _exchange_of(self))
        scope.raise_found()

    return read


async def _await(waiting: Coroutine[Any, Any, Any], owner: type, exchange: GuardedCall | None) -> Any:
    with CallScope(exchange) as scope:
        return unwrap_result(await waiting, owner, exchange)
    scope.raise_found()


def _iterate(pieces: Iterator[Any], owner: type, exchange: GuardedCall | None) -> Generator[Any]:
    try:
        while True:
            with CallScope(exchange) as scope:
                try:
                    piece = unwrap_result(next(pieces), owner)
                except StopIteration:
                    return
            scope.raise_found()
            yield piece
    finally:
        if inspect.isgenerator(pieces):
            pieces.close()


async def _aiterate(
    pieces: AsyncIterator[Any], owner: type, exchange: GuardedCall | None
) -> AsyncGenerator[Any]:
    try:
        while True:
            with CallScope(exchange) as scope:
                try:
                    piece = unwrap_result(await anext(pieces), owner)
                except StopAsyncIteration:
                    return
            scope.raise_found()
            yield piece
    finally:
        if inspect.isasyncgen(pieces):
            await pieces.aclose()


def _exchange_of(value: Any) -> GuardedCall | None:
    held = getattr(value, "__dict__", None)
    return held.get(EXCHANGE) if isinstance(held, dict) else None


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


@functools.cache
def _packages(kind: type) -> frozenset[str]:
    """Return the packages that a class and those above it are of, without Python's own."""
    return frozenset(map(_package, kind.__mro__)) - sys.stdlib_module_names - {_package(CallScope)}
