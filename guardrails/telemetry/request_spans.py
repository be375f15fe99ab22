"""Tells OpenTelemetry of the requests of a proxy: the span of each, below the client's, and those of the upstreams it asks.

An upstream gets the trace from here, so that its spans hang below. Of an answer more is known once it was read, when the upstream
is done: a client span is closed at its time and handed on when its request ends, at the latest.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from functools import lru_cache
from time import time_ns
from typing import Any, Final, Protocol, TypeGuard
from urllib.parse import urlsplit

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.propagate import get_global_textmap
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from guardrails.errors import CLIENT_GONE
from guardrails.telemetry import conventions as names
from guardrails.wire.program_names import is_program_name

BAGGAGE: Final = "baggage"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
OTHER: Final = "_OTHER"

GONE: Final = "client_gone"
FAILED: Final = "failed"
"""The action of an answer that broke off."""

ERROR: Final = Status(StatusCode.ERROR)
PORTS: Final = {"http": 80, "https": 443}


class EndedRequest(Protocol):
    """What is known of a request that has ended; empty texts where nothing is."""

    request_id: str
    client: str
    status: int
    action: str
    unavailable: str


class AnswerFacts(Protocol):
    """What an answer says of itself."""

    model: str
    id: str
    finish_reasons: list[str]
    counts: list[int]
    first_at_ns: int


class RequestSpan:
    """The span of one request. Made by `RequestTelemetry`; used by the tasks of its request.

    Attributes:
        trace_id: the id of its trace, in hexadecimal digits; "" where the SDK is switched off and the client has none.
        baggage: what an upstream gets as the client's baggage: nothing, unless it was judged with the request.
    """

    __slots__ = ("_asked", "_context", "_span", "_telemetry", "_token", "_upstreams", "baggage", "trace_id")

    def __init__(self, telemetry: RequestTelemetry, span: Span, context: Context) -> None:
        self._telemetry, self._span, self._context = telemetry, span, context
        self._token: Token[Context] | None = contexts.attach(context)
        self._upstreams: list[UpstreamSpan] = []
        self._asked: dict[str, Any] = {}
        self.baggage = ""
        trace = span.get_span_context().trace_id
        self.trace_id = f"{trace:032x}" if trace else ""

    @property
    def follows_answers(self) -> bool:
        """Whether it is told what answers say of themselves."""
        return self._telemetry.development

    def describe_question(self, body: Mapping[str, Any], *, streams: bool, choices: int) -> None:
        """Take what a model is asked for, for the spans of upstreams; no words of it."""
        if self._telemetry.development:
            self._asked = _describe_question(body, streams=streams, choices=choices)

    def start_upstream(
        self, upstream: str, url: str, method: str, path: str, provider: str, model: str | None, attempt: int
    ) -> UpstreamSpan:
        """Return the span of a request that is about to be sent to an upstream.

        Args:
            upstream: its name.
            url: its base URL.
            method: of the request.
            path: where it is asked, below its URL.
            provider: the name of whose API is spoken.
            model: the model that it is asked for.
            attempt: how many upstreams were asked before.
        """
        attributes = {**_describe_server(url), names.HTTP_METHOD.name: method, names.UPSTREAM.name: upstream}
        if attempt:
            attributes[names.HTTP_RESEND.name] = attempt
        name = method
        if self._telemetry.development and (operation := find_operation(path)) is not None:
            name = operation
            attributes[names.OPERATION.name] = operation
            attributes[names.PROVIDER.name] = names.PROVIDERS.get(provider, provider)
            if is_program_name(model):
                name = f"{operation} {model}"
                attributes[names.REQUEST_MODEL.name] = model
            attributes |= self._asked
        made = UpstreamSpan(
            self._telemetry.tracer.start_span(name, self._context, SpanKind.CLIENT, attributes)
        )
        self._upstreams.append(made)
        return made

    def headers_for(self, upstream: UpstreamSpan) -> dict[str, str]:
        """Return the headers by which an upstream's spans hang below the span of its request."""
        carrier: dict[str, str] = {}
        get_global_textmap().inject(carrier, set_span_in_context(upstream.span, self._context))
        if carrier.pop(BAGGAGE, "") and self.baggage:
            carrier[BAGGAGE] = self.baggage  # as it was judged
        return carrier

    def describe_answer(self, facts: AnswerFacts) -> None:
        """Take what the upstream's answer says of itself, for the span of the upstream that gave it."""
        if self._upstreams:
            self._upstreams[-1].describe_answer(facts)

    def end(self, request: EndedRequest) -> None:
        """End all that is open: the answer has ended."""
        for each in self._upstreams:
            each.finish()
        span = self._span
        span.set_attributes(_describe_end(request))
        if request.status >= 500 or _broke(request):
            span.set_status(ERROR)
        span.end()
        if self._token is not None:
            contexts.detach(self._token)
            self._token = None


class UpstreamSpan:
    """The span of a request to an upstream; `began` is when, in nanoseconds since 1970."""

    __slots__ = ("_ended", "_is_done", "began", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.began = time_ns()
        self._ended: int | None = None
        self._is_done = False

    def describe_answer(self, facts: AnswerFacts) -> None:
        """Take what the answer says of itself."""
        inputs, outputs = facts.counts
        found: dict[str, Any] = {}
        if facts.id:
            found[names.RESPONSE_ID.name] = facts.id
        if facts.model:
            found[names.RESPONSE_MODEL.name] = facts.model
        if facts.finish_reasons:
            found[names.FINISH_REASONS.name] = facts.finish_reasons
        if inputs:
            found[names.INPUT_TOKENS.name] = inputs
        if outputs:
            found[names.OUTPUT_TOKENS.name] = outputs
        if facts.first_at_ns:
            found[names.FIRST_CHUNK.name] = (facts.first_at_ns - self.began) / 1e9
        self.span.set_attributes(found)

    def close(self, status: int | None, failure: str = "") -> None:
        """Take that the upstream is done: with a status, and why it failed."""
        if self._is_done:
            return
        self._ended = time_ns()
        if status is not None:
            self.span.set_attribute(names.HTTP_STATUS.name, status)
        if failure:
            self.span.set_attribute(names.ERROR_TYPE.name, failure)
            self.span.set_status(ERROR)

    def finish(self) -> None:
        """Hand the span on."""
        if not self._is_done:
            self._is_done = True
            self.span.end(self._ended)


class RequestTelemetry:
    """Begins the spans of requests.

    Args:
        tracer: takes them.
        development: whether names that are in development are sent.
    """

    def __init__(self, tracer: Tracer, *, development: bool = False) -> None:
        self.tracer, self.development = tracer, development
        self._fields = tuple((name, name.encode()) for name in get_global_textmap().fields)

    def begin(self, headers: Mapping[bytes, bytes], method: str, route: str, scheme: str) -> RequestSpan:
        """Begin the span of a request, which is current until it is ended.

        Args:
            headers: of the request, with names in small letters.
            method: of HTTP.
            route: the route that it is for.
            scheme: `http` or `https`.
        """
        context = contexts.get_current()
        carrier = {name: headers[raw].decode("latin-1") for name, raw in self._fields if raw in headers}
        # What an application around this server has begun goes before what the client's headers say.
        if carrier and not get_current_span(context).get_span_context().is_valid:
            context = get_global_textmap().extract(carrier, context)
        known = method if method in METHODS else OTHER
        attributes = {
            names.HTTP_METHOD.name: known,
            names.HTTP_ROUTE.name: route,
            names.URL_SCHEME.name: scheme,
        }
        name = f"{'HTTP' if known is OTHER else known} {route}"
        span = self.tracer.start_span(name, context, SpanKind.SERVER, attributes)
        return RequestSpan(self, span, set_span_in_context(span, context))


find_operation = lru_cache(1_024)(names.find_operation)


@lru_cache(1_024)
def _describe_server(url: str) -> Mapping[str, Any]:
    """Return where an upstream is."""
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme, 0)
    return {names.SERVER_ADDRESS.name: parts.hostname or "", names.SERVER_PORT.name: port}


def _describe_question(body: Mapping[str, Any], *, streams: bool, choices: int) -> dict[str, Any]:
    """Return the numbers that a request asks with."""
    found: dict[str, Any] = {}
    if streams:
        found[names.REQUEST_STREAM.name] = True
    if choices != 1:
        found[names.REQUEST_CHOICES.name] = choices
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        if _is_number(most := body.get(name)):
            found[names.REQUEST_MAX_TOKENS.name] = int(most)
            break
    for attribute, field in ((names.REQUEST_TEMPERATURE, "temperature"), (names.REQUEST_TOP_P, "top_p")):
        if _is_number(value := body.get(field)):
            found[attribute.name] = float(value)
    return found


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _broke(request: EndedRequest) -> bool:
    """Tell whether an answer that had begun did not come to its end as it should."""
    return bool(request.unavailable) or request.action == FAILED


def _describe_end(request: EndedRequest) -> dict[str, Any]:
    """Return what is known of a request once it has ended."""
    found: dict[str, Any] = {names.REQUEST_ID.name: request.request_id}
    if request.status != CLIENT_GONE:
        found[names.HTTP_STATUS.name] = request.status
    if request.action != "none":
        found[names.ACTION.name] = request.action
    if request.client:
        found[names.CLIENT.name] = request.client
    if request.unavailable:
        found[names.UNAVAILABLE.name] = found[names.ERROR_TYPE.name] = request.unavailable
    elif request.status == CLIENT_GONE:
        found[names.ERROR_TYPE.name] = GONE
    elif request.status >= 500:
        found[names.ERROR_TYPE.name] = str(request.status)
    elif request.action == FAILED:
        found[names.ERROR_TYPE.name] = FAILED
    return found
