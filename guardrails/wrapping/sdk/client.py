"""A client of OpenAI's or Anthropic's SDK in, a client of the same class with a guard around every call out.

Every call of these SDKs, whatever method makes it, goes through `request`, and every answer through `_process_response`:
there the request's body is judged before it is sent, and the answer's bytes before the SDK reads them. What the SDK
makes of them (models, streams, raw responses, parsed outputs) is therefore its own. A copy (`with_options`) is of the same
class and so has the guard too. Calls that no table names are refused.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar

from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.errors import RequestError
from guardrails.protocols.reasks import AnswerRejected
from guardrails.sinks.call_verdicts import attach_verdicts
from guardrails.types import Stage
from guardrails.wrapping.guard_errors import (
    CallScope,
    note_errors,
    raise_again,
    refuse_repeat,
    unwrap_errors,
    unwrap_result,
    unwrapped_class,
)
from guardrails.wrapping.sdk.calls import UNGUARDED, Calls, read_body
from guardrails.wrapping.sdk.exchange import Exchange, Terms
from guardrails.wrapping.sdk.http_responses import (
    astream_body,
    build_response,
    media_type_of,
    replace_response_body,
    stream_body,
)
from guardrails.wrapping.sdk.streaming_response import judge_response
from guardrails.wrapping.sdk.uploads import form_headers, split_files

CALL: ContextVar[Exchange | None] = ContextVar("guardrails_call", default=None)
"""The call that is being made in this thread or task."""

PREPARE = "_copy_and_prepare"
"""Where Anthropic's SDK reads files and iterators in a body, once, before it sends it."""


class GuardedClient:
    """What both kinds of client have. It is no client itself: `wrap` puts it in front of one's class."""

    _guardrails: ClassVar[tuple[Terms, Calls]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for value in list(vars(self).values()):
            block_connections(value)

    def _exchange(self, options: Any) -> Exchange | None:
        """Return the checks around a call, None where there are none."""
        terms, calls = self._guardrails
        protocol = calls.find(options.method, str(options.url))
        if protocol is None:
            return None
        if protocol.read_request is None:
            return Exchange(terms, protocol, {})
        body = read_body(options, forms=protocol.forms != "never")
        protocol.is_streamed(body)  # which raises where that is not clear
        return Exchange(terms, protocol, body)

    def _error_saying(self, response: Any, raw: bytes) -> Exception:
        """Return the SDK's error for a response with another body."""
        own: Any = self
        made: Exception = own._make_status_error_from_response(replace_response_body(response, content=raw))
        return made


def replace_body(options: Any, exchange: Exchange) -> Any:
    """Return the options of a call with the body that was judged; the caller's own stay as they are."""
    options = copy.copy(options)
    options.json_data, files = split_files(exchange.body)
    options.extra_json = None
    if options.files:
        options.files, options.headers = files, form_headers(options.headers)
    return options


def failed_response(error: Exception) -> Any:
    """Return the response that an SDK's error is about; None for any other exception."""
    is_status = any(base.__name__ == "APIStatusError" for base in type(error).__mro__)
    return getattr(error, "response", None) if is_status else None


def read_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a call wants its answer read."""
    return {"stream": given.get("stream", False), "stream_cls": given.get("stream_cls")}


class SyncGuardedClient(GuardedClient):
    """A guard before a synchronous client."""

    def request(self, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        """Make a call, with the request checked before."""
        refuse_repeat()
        if hasattr(self, PREPARE):
            options = getattr(self, PREPARE)(options)
        exchange = self._exchange(options)
        while True:
            try:
                return self._ask(exchange, cast_to, options, *args, **kwargs)
            except AnswerRejected as rejected:
                assert exchange is not None
                exchange = exchange.again(rejected.reask)

    def _ask(self, exchange: Exchange | None, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        """Make a call once; raises `AnswerRejected` where the model is to be asked again."""
        inner: Any = super()
        if exchange is not None and exchange.protocol.read_request is not None:
            subject = exchange.protocol.request_payload(exchange.body)
            verdict = exchange.terms.guard.check(subject, Stage.INPUT, **exchange.asking)
            answer = exchange.ask(verdict)
            options = replace_body(options, exchange)
            if answer is not None:
                response = build_response(self, options, answer, exchange.kind)
                refused = inner._process_response(
                    cast_to=cast_to, options=options, response=response, **read_options(kwargs)
                )
                attach_verdicts(refused, exchange.verdicts)
                return refused
        token = CALL.set(exchange)
        try:
            with CallScope(exchange, opens=False) as scope:
                return inner.request(cast_to, options, *args, **kwargs)
            scope.raise_found()
        except Exception as error:
            response = failed_response(error)
            if exchange is None or response is None:
                raise
            said = exchange.terms.guard.pipeline.drive(exchange.vet_error(response.content, None))
            raise (error if said == response.content else self._error_saying(response, said)) from None
        finally:
            CALL.reset(token)

    def _prepare_request(self, request: Any) -> None:
        inner: Any = super()
        inner._prepare_request(request)
        exchange = CALL.get()
        raise_again(None if exchange is None else exchange.error)  # where the SDK asks once more

    def _process_response(self, *, response: Any, **kwargs: Any) -> Any:
        inner: Any = super()
        exchange = CALL.get()
        if exchange is not None and exchange.protocol.read_response is not None and response.is_success:
            response = judge_body(exchange, response)
        made = unwrap_result(inner._process_response(response=response, **kwargs), type(self), exchange)
        if exchange is not None:
            attach_verdicts(made, exchange.verdicts)
        return made


class AsyncGuardedClient(GuardedClient):
    """A guard before an asynchronous client."""

    async def request(self, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        """Make a call, with the request checked before."""
        refuse_repeat()
        if hasattr(self, PREPARE):
            options = await getattr(self, PREPARE)(options)
        exchange = self._exchange(options)
        while True:
            try:
                return await self._ask(exchange, cast_to, options, *args, **kwargs)
            except AnswerRejected as rejected:
                assert exchange is not None
                exchange = exchange.again(rejected.reask)

    async def _ask(
        self, exchange: Exchange | None, cast_to: Any, options: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Make a call once; raises `AnswerRejected` where the model is to be asked again."""
        inner: Any = super()
        if exchange is not None and exchange.protocol.read_request is not None:
            subject = exchange.protocol.request_payload(exchange.body)
            verdict = await exchange.terms.guard.acheck(subject, Stage.INPUT, **exchange.asking)
            answer = exchange.ask(verdict)
            options = replace_body(options, exchange)
            if answer is not None:
                response = build_response(self, options, answer, exchange.kind)
                refused = await inner._process_response(
                    cast_to=cast_to, options=options, response=response, **read_options(kwargs)
                )
                attach_verdicts(refused, exchange.verdicts)
                return refused
        token = CALL.set(exchange)
        try:
            with CallScope(exchange, opens=False) as scope:
                return await inner.request(cast_to, options, *args, **kwargs)
            scope.raise_found()
        except Exception as error:
            response = failed_response(error)
            if exchange is None or response is None:
                raise
            vetting = exchange.vet_error(response.content, INLINE_ON_LOOP)
            said = await exchange.terms.guard.pipeline.adrive(vetting)
            raise (error if said == response.content else self._error_saying(response, said)) from None
        finally:
            CALL.reset(token)

    async def _prepare_request(self, request: Any) -> None:
        inner: Any = super()
        await inner._prepare_request(request)
        exchange = CALL.get()
        raise_again(None if exchange is None else exchange.error)  # where the SDK asks once more

    async def _process_response(self, *, response: Any, **kwargs: Any) -> Any:
        inner: Any = super()
        exchange = CALL.get()
        if exchange is not None and exchange.protocol.read_response is not None and response.is_success:
            response = await ajudge_body(exchange, response)
        made = unwrap_result(await inner._process_response(response=response, **kwargs), type(self), exchange)
        if exchange is not None:
            attach_verdicts(made, exchange.verdicts)
        return made


def judge_body(exchange: Exchange, response: Any) -> Any:
    """Return a response whose bytes are judged: at once if they are here or are a file, else as they are asked for."""
    with note_errors(exchange):
        answer = judge_response(exchange, media_type_of(response))
    # What is here already comes from the response as a stream would.
    pieces = _noted(answer.released(response.iter_bytes()), exchange)
    if not (response.is_stream_consumed or answer.at_once):
        return unwrap_errors(stream_body(response, pieces), exchange)
    try:
        content = b"".join(pieces)
    finally:
        response.close()
    return replace_response_body(response, answer.kind, content=content)


async def ajudge_body(exchange: Exchange, response: Any) -> Any:
    """The twin of `judge_body` on an event loop."""
    with note_errors(exchange):
        answer = judge_response(exchange, media_type_of(response))
    pieces = _anoted(answer.areleased(response.aiter_bytes()), exchange)
    if not (response.is_stream_consumed or answer.at_once):
        return unwrap_errors(astream_body(response, pieces), exchange)
    try:
        content = b"".join([piece async for piece in pieces])
    finally:
        await response.aclose()
    return replace_response_body(response, answer.kind, content=content)


def _noted(pieces: Iterator[bytes], exchange: Exchange) -> Generator[bytes]:
    with note_errors(exchange):
        yield from pieces


async def _anoted(pieces: AsyncIterator[bytes], exchange: Exchange) -> AsyncGenerator[bytes]:
    async with contextlib.aclosing(pieces):  # type: ignore[type-var]  # what is judged comes from a generator
        with note_errors(exchange):
            async for piece in pieces:
                yield piece


def block_connections(resource: Any) -> Any:
    """Close what a part of a client (and its parts) has of ways that do not go through `request`: connections. What its methods
    raise and return is unwrapped.
    """
    kind = type(resource)
    if not any(base.__name__ in ("SyncAPIResource", "AsyncAPIResource") for base in kind.__mro__):
        return resource
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if isinstance(member, functools.cached_property):
            if not name.startswith("with_"):
                block_connections(getattr(resource, name))
        elif name == "connect" or str(_annotation(member)).endswith("ConnectionManager"):
            vars(resource)[name] = functools.partial(_no_connection, f"{kind.__name__}.{name}")
        elif inspect.isfunction(method := vars(unwrapped_class(kind)).get(name)):
            vars(resource)[name] = method.__get__(resource)  # on the part alone, which stays of its class
    return resource


def _annotation(member: Any) -> Any:
    return getattr(member, "__annotations__", {}).get("return", "")


def _no_connection(name: str, *_: Any, **__: Any) -> Any:
    raise RequestError("unguarded_call", f"{name}() is refused: {UNGUARDED}")


def wrap(client: Any, terms: Terms, calls: Calls) -> Any:
    """Return a client of the same class with a guard around its calls; both share their connections.

    Raises:
        ValueError: another stage is named for all answers.
        TypeError: it is wrapped already, or of a version of the SDK that this build does not know.
    """
    base = type(client)
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is for functions: a client's calls say where their answers stand")
    if isinstance(client, GuardedClient):
        raise TypeError(f"cannot wrap a {base.__name__} that is wrapped already")
    if not all(callable(getattr(base, name, None)) for name in ("request", "_process_response", "copy")):
        raise TypeError(f"cannot wrap a {base.__name__} of this version of its SDK")
    parts = {
        name: functools.cached_property(functools.partial(_block_part_connections, member.func))
        for name in dir(base)
        if isinstance(member := inspect.getattr_static(base, name), functools.cached_property)
    }
    before = AsyncGuardedClient if inspect.iscoroutinefunction(base.request) else SyncGuardedClient
    kind = type(
        base.__name__,
        (before, base),
        {**parts, "_guardrails": (terms, calls), "__module__": base.__module__, "__doc__": base.__doc__},
    )
    shadow: Any = object.__new__(
        kind
    )  # only for the SDK's own way to make a copy, which is of the same class
    vars(shadow).update(vars(client))
    return shadow.copy()


def _block_part_connections(make: Callable[[Any], Any], client: Any) -> Any:
    return block_connections(make(client))
