"""Around every route: counts requests, sheds load, answers exceptions, and keeps texts out of the log."""

from __future__ import annotations

import uuid

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardrails.errors import GuardrailsError, Overloaded
from guardrails.proxy.errors import respond, where
from guardrails.proxy.state import LOG, State

ACTION = "guardrails.action"
"""Key of a scope under which a route says what was done, for the counters."""

ROUTES = frozenset(
    {
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/responses",
        "/v1/check",
        "/v1/models",
        "/healthz",
        "/readyz",
        "/metrics",
    }
)
SHEDDABLE = "/v1/"
CLIENT_GONE = 499
"""What nginx counts for a client that did not wait."""


class Gate:
    """The outermost layer that is ours."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        metrics = self._state.metrics
        sheddable = scope["path"].startswith(SHEDDABLE)
        try:
            if sheddable and metrics.in_flight >= self._state.settings.max_concurrent:
                metrics.count("guardrails_shed_total")
                await respond(Overloaded("too many requests are under way"), path=scope["path"])(
                    scope, receive, answer.send
                )
                return
            metrics.in_flight += sheddable
            try:
                await self._serve(scope, receive, answer)
            finally:
                metrics.in_flight -= sheddable
        finally:
            route = scope["path"] if scope["path"] in ROUTES else "other"
            action = scope.get(ACTION, "none")
            metrics.count("guardrails_requests_total", route=route, status=str(answer.status), action=action)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            return
        except Exception as error:
            if not isinstance(error, GuardrailsError):
                LOG.error("request %s failed: %s", answer.request_id, where(error))
            if answer.started:
                # The server closes the connection; what went wrong is in the log above, without any text.
                raise RuntimeError("an answer was broken off") from None
            await respond(error, path=scope["path"])(scope, receive, answer.send)


class _Answer:
    """Passes an answer on, with the request's id, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.status = CLIENT_GONE
        self.request_id = "req_" + uuid.uuid4().hex

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            if not any(name == b"x-request-id" for name, _ in message["headers"]):
                message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode())]
        await self._send(message)
