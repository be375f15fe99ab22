"""Returns a client of httpx (or httpx2) with a guard around every request: what an SDK sends and gets through it is judged.

A request is judged by its method, its path and its JSON, as the table of the SDK's calls says; a call that is in no row is
refused with nothing sent. What the SDK makes of an answer (models, streams, errors) is its own.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any

from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.errors import RequestError
from guardrails.protocols.reasks import AnswerRejected
from guardrails.types import Stage
from guardrails.wire import strict_json
from guardrails.wire.lossless_json import write
from guardrails.wrapping.guard_errors import note_errors, refuse_repeat
from guardrails.wrapping.sdk.calls import UNGUARDED, Calls
from guardrails.wrapping.sdk.client import ajudge_body, judge_body
from guardrails.wrapping.sdk.exchange import Exchange, Terms
from guardrails.wrapping.sdk.http_responses import library_of, replace_response_body


class GuardedHttpClient:
    """What both kinds of client have. It is no client itself: `guard_http_client` puts it in front of one's class."""

    _guardrails: tuple[Terms, Calls]
    _unguarded: Any
    """The client that was wrapped, whose connections are used: it closes them when nobody holds it."""

    def __del__(self) -> None:
        """Leave the connections to the client that was wrapped."""

    def _exchange(self, request: Any) -> Exchange | None:
        """Return the checks around a request, None where there are none."""
        terms, calls = self._guardrails
        protocol = calls.find(request.method, request.url.path)
        if protocol is None:
            return None
        if protocol.read_request is None:
            return Exchange(terms, protocol, {})
        body = _read_body(request)
        protocol.is_streamed(body)  # which raises where that is not clear
        return Exchange(terms, protocol, body)


class SyncGuardedHttpClient(GuardedHttpClient):
    """A guard before a synchronous client."""

    def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request that is judged before; return a response that is."""
        refuse_repeat()
        inner: Any = super()
        exchange = self._exchange(request)
        if exchange is None:
            return inner.send(request, stream=stream, **options)
        sent: Any = exchange.body
        while True:
            try:
                with note_errors(exchange):
                    return self._ask(exchange, request, sent, stream=stream, **options)
            except AnswerRejected as rejected:
                exchange, sent = exchange.again(rejected.reask), None

    def _ask(self, exchange: Exchange, request: Any, sent: Any, *, stream: bool, **options: Any) -> Any:
        """Send a request, which has the body `sent`, with that of an exchange; raises `AnswerRejected` where the model is to be
        asked again.
        """
        inner: Any = super()
        pipeline = exchange.terms.guard.pipeline
        if exchange.protocol.read_request is not None:
            subject = exchange.protocol.request_payload(exchange.body)
            verdict = exchange.terms.guard.check(subject, Stage.INPUT, **exchange.asking)
            answer = exchange.ask(verdict)
            if answer is not None:
                return _answer(request, exchange.kind, answer)
            request = _replace_body(request, sent, exchange.body)
        response = inner.send(request, stream=stream, **options)
        if not response.is_success:
            response.read()
            said = pipeline.drive(exchange.vet_error(response.content, None))
            return response if said == response.content else replace_response_body(response, content=said)
        return response if exchange.protocol.read_response is None else judge_body(exchange, response)


class AsyncGuardedHttpClient(GuardedHttpClient):
    """A guard before an asynchronous client."""

    async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request that is judged before; return a response that is."""
        refuse_repeat()
        inner: Any = super()
        exchange = self._exchange(request)
        if exchange is None:
            return await inner.send(request, stream=stream, **options)
        sent: Any = exchange.body
        while True:
            try:
                with note_errors(exchange):
                    return await self._ask(exchange, request, sent, stream=stream, **options)
            except AnswerRejected as rejected:
                exchange, sent = exchange.again(rejected.reask), None

    async def _ask(self, exchange: Exchange, request: Any, sent: Any, *, stream: bool, **options: Any) -> Any:
        """Send a request, which has the body `sent`, with that of an exchange; raises `AnswerRejected` where the model is to be
        asked again.
        """
        inner: Any = super()
        pipeline = exchange.terms.guard.pipeline
        if exchange.protocol.read_request is not None:
            subject = exchange.protocol.request_payload(exchange.body)
            verdict = await exchange.terms.guard.acheck(subject, Stage.INPUT, **exchange.asking)
            answer = exchange.ask(verdict)
            if answer is not None:
                return _answer(request, exchange.kind, answer)
            request = _replace_body(request, sent, exchange.body)
        response = await inner.send(request, stream=stream, **options)
        if not response.is_success:
            await response.aread()
            said = await pipeline.adrive(exchange.vet_error(response.content, INLINE_ON_LOOP))
            return response if said == response.content else replace_response_body(response, content=said)
        return response if exchange.protocol.read_response is None else await ajudge_body(exchange, response)


def _read_body(request: Any) -> dict[str, Any]:
    """Return the JSON of a request; raises `RequestError` for any other body."""
    kind = str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()
    try:
        raw = request.content if kind == "application/json" else None
    except Exception:  # a body that is sent as it is made
        raw = None
    if raw is None:
        raise RequestError("unguarded_body", f"a body that is no JSON object is refused: {UNGUARDED}")
    try:
        return strict_json.parse_object(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise RequestError("invalid_json", "the body is not UTF-8") from None


def _replace_body(request: Any, given: Any, body: Any) -> Any:
    """Return the request with the body that was judged; the same one where nothing changed."""
    if body is given:
        return request
    headers = [
        (name, value)
        for name, value in request.headers.multi_items()
        if name.lower() not in ("content-length", "transfer-encoding")
    ]
    return library_of(request).Request(
        request.method,
        request.url,
        headers=headers,
        content=write(body).encode(),
        extensions=request.extensions,
    )


def _answer(request: Any, kind: str, answer: bytes) -> Any:
    """Return the response that a client would have got if the model had given this answer, of this type."""
    return library_of(request).Response(200, headers={"content-type": kind}, content=answer, request=request)


def guard_http_client(client: Any, terms: Terms, calls: Calls) -> Any:
    """Return a client of the same class with a guard around its requests; both share their connections.

    Raises:
        TypeError: it is no client of httpx.
    """
    base = type(client)
    if isinstance(client, GuardedHttpClient) or not callable(getattr(base, "send", None)):
        raise TypeError(f"cannot guard a {base.__name__}: give a client of httpx that is not wrapped")
    library_of(client)
    before = AsyncGuardedHttpClient if inspect.iscoroutinefunction(base.send) else SyncGuardedHttpClient
    named = {"__module__": base.__module__, "__doc__": base.__doc__, "__qualname__": base.__qualname__}
    made = copy.copy(client)
    made.__class__ = type(base.__name__, (before, base), named)
    made._guardrails, made._unguarded = (terms, calls), client
    return made
