"""Around every route: counts requests, sheds load, answers exceptions, and keeps texts out of the log."""

from __future__ import annotations

from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardrails.engine.core.pipeline import today
from guardrails.engine.core.worker_pool import CALLER
from guardrails.errors import CLIENT_GONE, GuardrailsError, GuardUnavailable
from guardrails.processor.work_meter import METER
from guardrails.proxy.access.admission import ANONYMOUS, AccessDenied
from guardrails.proxy.access.body_budget import FREE, BodyShare
from guardrails.proxy.access.body_encodings import decode_body, encoding_of
from guardrails.proxy.access.capacity.account import Ticket
from guardrails.proxy.access.client import ReplayedBody, read_body
from guardrails.proxy.access.query_key import move_key_to_header
from guardrails.proxy.server import errors
from guardrails.proxy.server.connections import AnswerBrokenOff
from guardrails.proxy.server.errors import describe_failure
from guardrails.proxy.server.logs.log_writer import current_writer
from guardrails.proxy.server.logs.request_entry import (
    ENTRY,
    RequestEntry,
    client_request_id,
    trace_id_of,
)
from guardrails.proxy.server.logs.request_entry import KEY as LOG_ENTRY
from guardrails.proxy.server.request_context import CONTEXT, RequestContext
from guardrails.proxy.server.route import label_of, match_of
from guardrails.proxy.server.state import LOG, State
from guardrails.proxy.shadow.shadow_evaluation import ROUTE_LABEL
from guardrails.records.decision import REQUEST_FACTS
from guardrails.verdicts.ordered_ids import make_id

if TYPE_CHECKING:
    from guardrails.telemetry.server import ServerTelemetry

ACTION = "guardrails.action"
"""Key of a scope under which a route says what was done, for the counters."""

UNAVAILABLE = "guardrails.unavailable"
"""Key of a scope under which stands why a check of the request could not be done, for the counters."""

FAILED = "failed"
"""The action of an answer that broke off, for the counters."""

STREAMS = (b"event-stream", b"eventstream", b"ndjson")
"""What stands in the media type of a streamed answer: SSE, AWS' events, Ollama's lines."""

PING = b"event: ping"
"""What a piece of a stream begins with that says nothing, as a comment does."""

ID, UPSTREAM_ID = b"x-request-id", b"x-guardrails-upstream-request-id"
"""Where the id of a request stands, and that of an upstream's where the request has an id of the client's."""

ENCODED = frozenset({b"content-encoding", b"content-length"})
"""Headers that no longer hold for a body that was decoded."""


class Gate:
    """The outermost layer that is ours: it takes the route of a request (`route.MATCH`) from its scope."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, label = dict(scope["headers"]), label_of(scope)
        answer = _Answer(send, client_request_id(headers))
        entry = scope[LOG_ENTRY] = RequestEntry(
            answer.request_id, trace_id_of(headers), scope["method"], label
        )
        ENTRY.set(entry)
        REQUEST_FACTS.set(entry)
        ROUTE_LABEL.set(label)
        if (telemetry := self._state.telemetry) is not None:
            _begin_span(telemetry, entry, scope, headers)
        try:
            await self._let_in(scope, receive, answer.send)
        except ClientDisconnect:
            pass
        except Exception as error:
            await self._answer_failure(error, scope, receive, answer)
        finally:
            self._record_end(entry, scope, answer)
            if entry.span is not None:
                entry.span.end(entry)

    def _record_end(self, entry: RequestEntry, scope: Scope, answer: _Answer) -> None:
        """Count a request that has ended, and write it to the log."""
        metrics, took, label = self._state.metrics, perf_counter() - answer.began, entry.route
        reason = scope.get(UNAVAILABLE)
        action = scope.get(ACTION, "none") if reason is None else "unavailable"
        metrics.count("guardrails_requests_total", route=label, status=str(answer.status), action=action)
        if reason is not None:
            metrics.count("guardrails_unavailable_total", reason=reason, route=label)
        metrics.observe("guardrails_request_seconds", took, route=label)
        if answer.first_at is not None:
            metrics.observe("guardrails_first_token_seconds", answer.first_at - answer.began, route=label)
        context = scope.get(CONTEXT)
        key = None if context is None else context.client.key
        if key is not None and (team := key.team) is not None:
            metrics.count("guardrails_team_requests_total", team=team, action=action)
        entry.status, entry.action, entry.unavailable = answer.status, action, reason or ""
        entry.request_id, entry.duration = answer.shown_id, took
        self._log(entry, scope)

    @staticmethod
    def _log(entry: RequestEntry, scope: Scope) -> None:
        """Write a request that has ended, unless it is a probe."""
        writer, match = current_writer(), match_of(scope)
        if writer is None or (match is not None and match.route.is_probe) or not writer.takes_request(entry):
            return
        writer.write_request(entry)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request of one who may ask, once all of it is there: who sends slowly takes nobody's place.

        Raises:
            AccessDenied: he may not; nothing of his request was read.
            RequestError: its body is too large, or too slow.
            GuardUnavailable: nobody may now.
        """
        state, match = self._state, match_of(scope)
        if match is None or not match.route.answers_any_host:
            state.cross_site.check(scope)
        if match is not None and match.route.is_probe:
            scope[CONTEXT] = RequestContext(ANONYMOUS, state.current, match)
            await self._app(scope, receive, send)
            return
        if match is not None and match.route.takes_key_in_query:
            move_key_to_header(scope)
        client, is_judged = state.admission.admit(scope, today()), match is not None and match.route.is_judged
        name = client.name(scope)
        CALLER.set(name)
        self._check_room()
        if is_judged:
            state.capacity.check(name)
        with state.rate_limiter.acquire(client, monotonic()):
            if client.key is not None:
                scope[LOG_ENTRY].client = client.key.id
                state.metrics.count("guardrails_clients_total", key=client.key.id)
            settings = state.settings
            share = BodyShare(state.body_budget, settings.max_bodies_bytes, settings.most_concurrent * FREE)
            limit = client.body_limit(settings.max_body_bytes)
            try:
                encoding = encoding_of(dict(scope["headers"]))
                body = await read_body(scope, receive, limit, share)
                if encoding:
                    body = await self._decode(scope, body, encoding, limit, share)
                share.mark_arrived()
                ticket = self._let_work_begin(name, len(body), is_judged=is_judged)
                scope[CONTEXT] = RequestContext(client, state.current, match, body, ticket)
                await self._serve_whole(scope, ReplayedBody(body, scope, receive), send)
            finally:
                share.release()

    async def _decode(self, scope: Scope, raw: bytes, encoding: str, limit: int, share: BodyShare) -> bytes:
        """Return a body without its encoding, which is as large as any may be; its headers say so from here on."""
        body = await self._state.run_in_worker(lambda: decode_body(raw, encoding, limit))
        if not share.take(max(0, len(body) - len(raw))):
            raise GuardUnavailable("too many large requests are under way")
        kept = [each for each in scope["headers"] if each[0] not in ENCODED]
        scope["headers"] = [*kept, (b"content-length", b"%d" % len(body))]
        return body

    def _let_work_begin(self, caller: str, size: int, *, is_judged: bool) -> Ticket | None:
        """Admit a request that is there; raises `GuardUnavailable` where there is no room, or no time for its checks."""
        self._check_room()
        if not is_judged:
            return None
        ticket = self._state.capacity.admit(caller, size)
        METER.set(ticket.meter)
        return ticket

    async def _serve_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that was let in."""
        state, ticket = self._state, scope[CONTEXT].ticket
        state.metrics.in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            state.metrics.in_flight -= 1
            if ticket is not None:
                state.capacity.close(ticket)

    def _check_room(self) -> None:
        """Raise `GuardUnavailable` where too many requests are under way."""
        if self._state.metrics.in_flight >= self._state.settings.most_concurrent:
            self._state.count_refusal("concurrent")
            raise GuardUnavailable("too many requests are under way")

    async def _answer_failure(
        self, error: Exception, scope: Scope, receive: Receive, answer: _Answer
    ) -> None:
        """Answer an exception, or break off the answer that has begun."""
        note_failure(scope, error, begun=answer.started)
        if isinstance(error, AccessDenied):
            self._state.metrics.count("guardrails_denied_total", code=error.code)
        elif not isinstance(error, GuardrailsError):
            LOG.error("request %s failed: %s", answer.request_id, describe_failure(error))
        if answer.started:
            # The server closes the connection; what went wrong is in the log above, without any text.
            raise AnswerBrokenOff("an answer was broken off") from None
        await respond(error, scope)(scope, receive, answer.send)


def _begin_span(
    telemetry: ServerTelemetry, entry: RequestEntry, scope: Scope, headers: dict[bytes, bytes]
) -> None:
    """Begin the span of a request, unless it is a probe; its trace is the one that the log names."""
    match = match_of(scope)
    if match is None or not match.route.is_probe:
        entry.span = telemetry.requests.begin(headers, entry.method, entry.route, scope["scheme"])
        entry.trace_id = entry.span.trace_id or entry.trace_id


def note_failure(scope: Scope, error: BaseException, *, begun: bool) -> None:
    """Note for the counters that a check could not be done, or that an answer broke off that had `begun`."""
    if isinstance(error, GuardUnavailable):
        scope[UNAVAILABLE] = error.reason
    elif begun:
        scope[ACTION] = FAILED


def respond(error: Exception, scope: Scope) -> Response:
    """Answer an exception in the form of the route that was asked, or else of the API that the path is one of."""
    match, path = match_of(scope), scope["path"]
    return errors.respond(error, None, path) if match is None else match.route.respond(error, None, path)


def is_streamed(media: bytes) -> bool:
    """Tell whether an answer of a media type comes in pieces."""
    return any(name in media for name in STREAMS)


def is_piece(body: bytes) -> bool:
    """Tell whether bytes of a stream are a piece of an answer, and no sign of life."""
    is_comment = body.startswith(b":") and b"\ndata:" not in body
    return bool(body) and not is_comment and not body.startswith(PING)


class _Answer:
    """Passes an answer on, with the request's id, and remembers its status.

    Attributes:
        request_id: an id that the client may ask about: its own, or a new one.
        shown_id: the one that it gets: an upstream's, where the client has none of its own.
    """

    def __init__(self, send: Send, own_id: str = "") -> None:
        self._send, self._is_own = send, bool(own_id)
        self.began = perf_counter()
        self.first_at: float | None = None
        """When the first piece of a streamed answer went out."""
        self._is_stream = False
        self.started = False
        self.status = CLIENT_GONE
        self.request_id = self.shown_id = own_id or make_id("req_", 16)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = message["headers"]
            found = dict(headers).get(ID)
            if found is None or self._is_own:
                others = [(UPSTREAM_ID if name == ID else name, value) for name, value in headers]
                message["headers"] = [*others, (ID, self.request_id.encode())]
            else:
                self.shown_id = found.decode("latin-1")
            self._is_stream = any(name == b"content-type" and is_streamed(value) for name, value in headers)
        elif self._is_stream and self.first_at is None and is_piece(message.get("body", b"")):
            self.first_at = perf_counter()
        await self._send(message)
