"""A middleware for applications of ASGI (FastAPI, Starlette, Litestar): requests are judged before the application runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from guardrails.errors import RequestError
from guardrails.types import Action, Stage
from guardrails.wrapping.sdk.exchange import Terms
from guardrails.wrapping.web.bodies import is_judged, read_answer
from guardrails.wrapping.web.requests import (
    WITHHELD_STATUS,
    WebAnswer,
    WebOptions,
    fail,
    read_request,
    refuse,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class GuardMiddleware:
    """An application with a guard in front of it."""

    def __init__(self, app: Application, terms: Terms, options: WebOptions) -> None:
        self.app, self._terms, self._options = app, terms, options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection; those that are no requests of HTTP, or at other paths, go on as they are."""
        if scope["type"] != "http" or not self._options.covers(scope["path"], scope.get("root_path", "")):
            await self.app(scope, receive, send)
            return
        try:
            raw = await _read_all(receive, self._options.max_bytes)
            if raw is None:
                return
            scope, raw, answer = await self._judge(scope, raw)
        except Exception as error:
            answer = fail(error)
        if answer is not None:
            await _send(send, answer)
            return
        given = [raw]

        async def replay() -> Message:
            if given:
                return {"type": "http.request", "body": given.pop(), "more_body": False}
            return await receive()

        if self._options.responses:
            scope, send = _without_compression(scope), self._judged(send)
        await self.app(scope, replay, send)

    async def _judge(self, scope: Scope, raw: bytes) -> tuple[Scope, bytes, WebAnswer | None]:
        """Return the request as the policy leaves it, or what answers it."""
        kind = _header(scope["headers"], b"content-type")
        query = scope.get("query_string", b"")
        asked = read_request(kind, raw, query, self._options.fields, scope["path"])
        if not asked.subject:
            return scope, raw, None
        verdict = await self._terms.guard.acheck(asked.subject, Stage.INPUT, **self._terms.context)
        if verdict.blocked:
            return scope, raw, refuse(verdict)
        if verdict.action < Action.REDACT:
            return scope, raw, None
        left: Any = verdict.content
        new_query, new_body = asked.write_query(left), asked.write_body(left)
        if new_query is not None:
            scope = {**scope, "query_string": new_query}
        if new_body is not None:
            raw = new_body
            scope = {**scope, "headers": _with_length(scope["headers"], len(raw))}
        return scope, raw, None

    def _judged(self, send: Send) -> Send:
        """Return what sends an answer on once it is judged: JSON and texts when they are whole, all else as it comes."""
        started: list[Message] = []
        pieces: list[bytes] = []

        async def judged(message: Message) -> None:
            if message["type"] == "http.response.start" and is_judged(
                _header(message.get("headers", ()), b"content-type")
            ):
                started.append(message)
                return
            if not started or message["type"] != "http.response.body":
                await send(message)
                return
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._release(started.pop(), b"".join(pieces), send)

        return judged

    async def _release(self, start: Message, raw: bytes, send: Send) -> None:
        try:
            raw, answer = await self._judge_answer(start["headers"], raw)
        except Exception as error:
            answer = fail(error)
        if answer is not None:
            await _send(send, answer)
            return
        await send({**start, "headers": _with_length(start["headers"], len(raw))} if raw else start)
        await send({"type": "http.response.body", "body": raw})

    async def _judge_answer(self, headers: Any, raw: bytes) -> tuple[bytes, WebAnswer | None]:
        """Return the body of an answer as the policy leaves it, or what is answered in its place."""
        if not raw:
            return raw, None
        if _header(headers, b"content-encoding").lower() not in ("", "identity"):
            raise ValueError("a compressed answer cannot be judged")
        body = read_answer(_header(headers, b"content-type"), raw)
        verdict = await self._terms.guard.acheck(body.value, Stage.OUTPUT, **self._terms.context)
        if verdict.blocked:
            return raw, refuse(verdict, WITHHELD_STATUS)
        return (body.write(verdict.content) if verdict.action >= Action.REDACT else raw), None


def _without_compression(scope: Scope) -> Scope:
    """Return a connection in which the client asks for no compressed answer, and none is sent by the name of its file."""
    headers = [(key, value) for key, value in scope["headers"] if key.lower() != b"accept-encoding"]
    extensions = dict(scope.get("extensions") or {})
    for name in ("http.response.pathsend", "http.response.zerocopysend"):
        extensions.pop(name, None)
    return {**scope, "headers": headers, "extensions": extensions}


async def _read_all(receive: Receive, most: int) -> bytes | None:
    """Return the whole body of a request, None where the client went away.

    Raises:
        RequestError: it is too large.
    """
    pieces, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > most:
            raise RequestError("request_too_large", f"a body of more than {most} bytes cannot be checked")
        if not message.get("more_body", False):
            return b"".join(pieces)


def _header(headers: Any, name: bytes) -> str:
    """Return a header; one that came several times as one, as servers join them."""
    return ", ".join([value.decode("latin-1") for key, value in headers if key.lower() == name])


def _with_length(headers: Any, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(key, value) for key, value in headers if key.lower() != b"content-length"]
    return [*kept, (b"content-length", b"%d" % length)]


async def _send(send: Send, answer: WebAnswer) -> None:
    raw = answer.dump()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]
    headers += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})
