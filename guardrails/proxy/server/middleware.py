"""Around every route: counts requests, sheds load, answers exceptions, and keeps texts out of the log."""

from __future__ import annotations

import os
from functools import cached_property
from time import monotonic

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardrails.engine.core.pipeline import today
from guardrails.engine.core.worker_pool import CALLER
from guardrails.errors import GuardrailsError, GuardUnavailable
from guardrails.processor.work_meter import METER
from guardrails.proxy.access.admission import ANONYMOUS, AccessDenied
from guardrails.proxy.access.body_budget import FREE, BodyShare
from guardrails.proxy.access.capacity.account import Ticket
from guardrails.proxy.access.client import ReplayedBody, read_body
from guardrails.proxy.access.query_key import move_key_to_header
from guardrails.proxy.server import errors
from guardrails.proxy.server.errors import describe_failure
from guardrails.proxy.server.request_context import CONTEXT, RequestContext
from guardrails.proxy.server.route import label_of, match_of
from guardrails.proxy.server.state import LOG, State
from guardrails.proxy.shadow.shadow_evaluation import ROUTE_LABEL

ACTION = "guardrails.action"
"""Key of a scope under which a route says what was done, for the counters."""

UNAVAILABLE = "guardrails.unavailable"
"""Key of a scope under which stands why a check of the request could not be done, for the counters."""

FAILED = "failed"
"""The action of an answer that broke off, for the counters."""

CLIENT_GONE = 499
"""What nginx counts for a client that did not wait."""


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
        answer = _Answer(send)
        label = label_of(scope)
        ROUTE_LABEL.set(label)
        try:
            await self._let_in(scope, receive, answer.send)
        except ClientDisconnect:
            pass
        except Exception as error:
            await self._answer_failure(error, scope, receive, answer)
        finally:
            metrics, reason = self._state.metrics, scope.get(UNAVAILABLE)
            action = scope.get(ACTION, "none") if reason is None else "unavailable"
            metrics.count("guardrails_requests_total", route=label, status=str(answer.status), action=action)
            if reason is not None:
                metrics.count("guardrails_unavailable_total", reason=reason, route=label)

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
                state.metrics.count("guardrails_clients_total", key=client.key.id)
            settings = state.settings
            share = BodyShare(state.body_budget, settings.max_bodies_bytes, settings.most_concurrent * FREE)
            limit = client.body_limit(settings.max_body_bytes)
            try:
                body = await read_body(scope, receive, limit, share)
                share.mark_arrived()
                ticket = self._let_work_begin(name, len(body), is_judged=is_judged)
                scope[CONTEXT] = RequestContext(client, state.current, match, body, ticket)
                await self._serve_whole(scope, ReplayedBody(body, scope, receive), send)
            finally:
                share.release()

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
            raise RuntimeError("an answer was broken off") from None
        await respond(error, scope)(scope, receive, answer.send)


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


class _Answer:
    """Passes an answer on, with the request's id, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.status = CLIENT_GONE

    @cached_property
    def request_id(self) -> str:
        """An id that the client may ask about."""
        return "req_" + os.urandom(16).hex()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = message["headers"]
            if b"x-request-id" not in dict(headers):
                message["headers"] = [*headers, (b"x-request-id", self.request_id.encode())]
        await self._send(message)
