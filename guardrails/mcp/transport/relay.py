"""Relays requests of agents to a server that speaks streamable HTTP, and its answers as the policy lets them pass.

An answer that is a stream goes on event by event, each as soon as it is judged; what a client may resume it by stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Final, Protocol

import aiohttp
from starlette.requests import Request
from starlette.responses import Response

from guardrails.errors import BackendError, GuardrailsError, GuardUnavailable, RequestError
from guardrails.mcp.conversation import ENDLESS
from guardrails.mcp.link import McpLink
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.headers import (
    PASSED_BACK,
    SESSION,
    TOLD_ON,
    forward_headers,
    listing_headers,
    plain_headers,
)
from guardrails.mcp.protocol.methods import SAID, TALK
from guardrails.mcp.protocol.rpc import Body, Id, RpcMessage
from guardrails.mcp.session import AgentSession
from guardrails.mcp.transport.remote_server import SIGN_OF_LIFE, RemoteServer
from guardrails.mcp.transport.streaming import EVENTS, EventResponse, message_response
from guardrails.proxy.access.client import run_while_connected
from guardrails.wire import sse, strict_json

LOG = logging.getLogger("guardrails.mcp")

GONE: Final = BackendError("the agent went away", 499, "agent_gone")
"""Why a request has no answer that nobody waits for; nobody is told."""


class LinkStore(Protocol):
    """The conversations with a server."""

    def get(self, identity: str | None, session: AgentSession) -> McpLink:
        """Return the conversation of a session of the server's."""
        ...

    def keep(self, identity: str, session: AgentSession, link: McpLink) -> None:
        """Remember one."""
        ...

    def forget(self, identity: str | None, session: AgentSession) -> None:
        """Forget one."""
        ...


@dataclass(slots=True)
class ResumePoint:
    """Whether a stream has a place that is known to the agent, from which it can go on after a break."""

    known: bool


class RemoteRelay:
    """Serves the requests for one server."""

    def __init__(self, remote: RemoteServer, links: LinkStore) -> None:
        self._remote, self._links = remote, links

    async def open(self) -> None:
        """Open the connections to the server."""
        await self._remote.open()

    async def close(self) -> None:
        """Close them."""
        await self._remote.close()

    async def post(self, request: Request, message: RpcMessage, session: AgentSession) -> Response:
        """Serve a message of an agent's."""
        link = self._links.get(request.headers.get(SESSION), session)
        return await run_while_connected(request.receive, self._post(request, message, link, session))

    async def _post(
        self, request: Request, message: RpcMessage, link: McpLink, session: AgentSession
    ) -> Response:
        await _judge_headers(request, link)
        asking = listing_headers(request.headers, self._remote.key)
        step = await link.from_agent(message, lambda body: self._remote.answer(asking, body))
        if step.returned is not None:
            return message_response(step.returned, 200 if message.kind == "request" else 400)
        if step.forwarded is None:
            return Response(status_code=202)
        try:
            headers = forward_headers(request.headers, message, step.forwarded, self._remote.key)
        except RequestError as error:
            failure = (
                rpc.make_failure(message.id, error) if message.id is None else link.give_up(message.id, error)
            )
            return message_response(failure or rpc.make_failure(message.id, error), 400)
        try:
            return await self._forward(message, step.forwarded, headers, link, session)
        except asyncio.CancelledError:
            if message.id is not None and not message.answers:
                link.give_up(message.id, GONE)
            raise
        except BackendError as error:
            failed = None if message.id is None or message.answers else link.give_up(message.id, error)
            return (
                message_response(rpc.make_failure(None, error), 502)
                if failed is None
                else message_response(failed)
            )

    async def _forward(
        self,
        message: RpcMessage,
        body: Body,
        headers: Mapping[str, str],
        link: McpLink,
        session: AgentSession,
    ) -> Response:
        async with AsyncExitStack() as stack:
            endless = message.method in ENDLESS
            response = await stack.enter_async_context(
                self._remote.ask("POST", headers, body, endless=endless)
            )
            back = await _headers_back(response, link)
            if SESSION in back:
                self._links.keep(back[SESSION], session, link)
            if response.status >= 400:
                return await self._relay_error(message, response, back, link)
            if message.kind != "request" or response.status == 202:
                return Response(status_code=202, headers=back)
            if response.content_type == EVENTS:
                resumable = SESSION in headers or SESSION in back
                events = self._events(response, headers, link, message.id, resumable=resumable)
                return EventResponse(_closing(events, stack.pop_all()), back)
            answer = await self._remote.message(response)
            if answer.id != message.id or not answer.answers:
                raise BackendError("the server answered something else", 502, "server_invalid")
            step = await link.from_server(answer)
            return message_response(
                step.forwarded or rpc.make_failure(message.id, BackendError("no answer")), 200, back
            )

    async def _relay_error(
        self, message: RpcMessage, response: aiohttp.ClientResponse, back: Mapping[str, str], link: McpLink
    ) -> Response:
        """Answer with the error that a server told with an error's status."""
        error = await self._remote.refusal(response)
        if message.kind == "request" and error is not None:
            step = await link.from_server(
                RpcMessage({"jsonrpc": "2.0", "id": message.id, "error": error}, "error", message.id)
            )
            if step.forwarded is not None:
                return message_response(step.forwarded, response.status, back)
        problem = BackendError(f"the server answered with status {response.status}", 502, "server_refused")
        waiting = None if message.id is None or message.answers else link.give_up(message.id, problem)
        return message_response(waiting or rpc.make_failure(None, problem), response.status, back)

    async def get(self, request: Request, session: AgentSession) -> Response:
        """Serve an agent that listens for what the server says unasked, or comes back for what it missed."""
        link = self._links.get(request.headers.get(SESSION), session)
        await _judge_headers(request, link)
        headers = plain_headers(request.headers, self._remote.key)
        async with AsyncExitStack() as stack:
            asking = self._remote.ask("GET", headers, endless=True)
            response = await run_while_connected(request.receive, stack.enter_async_context(asking))
            back = await _headers_back(response, link)
            if response.status != 200 or response.content_type != EVENTS:
                status = response.status if response.status >= 400 else 502
                return message_response(
                    rpc.make_failure(None, BackendError("the server offers no stream", 502)), status, back
                )
            events = self._events(response, headers, link, None, resumable=True)
            return EventResponse(_closing(events, stack.pop_all()), back)

    async def delete(self, request: Request, session: AgentSession) -> Response:
        """End a session of the server's."""
        await _judge_headers(request, self._links.get(request.headers.get(SESSION), session))
        async with self._remote.ask("DELETE", plain_headers(request.headers, self._remote.key)) as response:
            self._links.forget(request.headers.get(SESSION), session)
            return Response(status_code=response.status)

    async def _events(
        self,
        response: aiohttp.ClientResponse,
        headers: Mapping[str, str],
        link: McpLink,
        asked: Id | None,
        *,
        resumable: bool,
    ) -> AsyncGenerator[bytes, None]:
        """Yield what a stream may say: until the answer, where it answers a request."""
        point = ResumePoint(known=False)
        problem = BackendError("the server broke off before it answered", 502, "server_broke_off")
        failure: Body | None = None
        try:
            async with aclosing(self._read_events(response, headers, link, asked, point)) as pieces:
                async for piece in pieces:
                    yield piece
        except BackendError as error:
            problem = error
        except RequestError as error:
            LOG.warning("a message of the server's was dropped: %s", error.code)
            problem = BackendError(f"the server's answer cannot be used: {error.code}", 502, "server_invalid")
            point.known = False
        finally:  # also where the agent went away
            if asked is not None and point.known and resumable:
                link.leave(asked)
            elif asked is not None:
                failure = link.give_up(asked, problem)
        if failure is not None:
            yield sse.event(strict_json.dump(failure), b"message")

    async def _read_events(
        self,
        response: aiohttp.ClientResponse,
        headers: Mapping[str, str],
        link: McpLink,
        asked: Id | None,
        point: ResumePoint,
    ) -> AsyncGenerator[bytes, None]:
        """Yield what a stream says and may, up to the answer to a request."""
        async for came in self._remote.events(response):
            event = await _with_harmless_id(came, link)
            point.known = point.known or bool(event.id)
            if event is SIGN_OF_LIFE:
                yield sse.KEEP_ALIVE
            elif not event.data:
                yield sse.event(b"", b"", event.id, event.retry)
            elif event.type in (b"", b"message"):
                message = await rpc.parse_aside(event.data)
                on = await self._judge(message, headers, link)
                if on is not None:
                    yield sse.event(strict_json.dump(on), b"message", event.id, event.retry)
                if asked is not None and message.answers and message.id == asked:
                    return

    async def _judge(self, message: RpcMessage, headers: Mapping[str, str], link: McpLink) -> Body | None:
        """Judge a message of the server's; tell it itself where it asked for what is refused."""
        step = await link.from_server(message)
        if step.returned is not None:
            try:
                own = {
                    name: value
                    for name, value in headers.items()
                    if not name.startswith("mcp-") or name == SESSION
                }
                async with self._remote.ask("POST", own, step.returned):
                    pass
            except GuardrailsError as error:
                LOG.warning("the server could not be told of a refusal: %s", error)
        return step.forwarded


async def _judge_headers(request: Request, link: McpLink) -> None:
    """Raise `RequestError` where what headers of an agent say that go on is not let through; keys are no texts."""
    said = {name: request.headers[name] for name in TOLD_ON if name in request.headers}
    if not await link.admits(said, TALK):
        raise RequestError("blocked_header", "a header says what is not let through")


async def _headers_back(response: aiohttp.ClientResponse, link: McpLink) -> dict[str, str]:
    """Return the headers of a server's answer that the agent gets: those of which each may go on."""
    found = {name: response.headers[name] for name in PASSED_BACK if name in response.headers}
    return {name: value for name, value in found.items() if await _may_go_back(link, {name: value})}


async def _may_go_back(link: McpLink, tokens: Mapping[str, str]) -> bool:
    """Tell whether tokens beside a server's message go on to the agent, without which it can be read."""
    try:
        return await link.admits(tokens, SAID)
    except GuardUnavailable:
        return False


async def _with_harmless_id(event: sse.Event, link: McpLink) -> sse.Event:
    """Return an event as it came, without its id where that is not let through: nobody resumes there."""
    if not event.id or await _may_go_back(link, {"id": event.id.decode(errors="replace")}):
        return event
    return replace(event, id=b"")


async def _closing(events: AsyncGenerator[bytes, None], stack: AsyncExitStack) -> AsyncGenerator[bytes]:
    """Yield the same, and close what it comes from at its end."""
    async with stack, aclosing(events):
        async for piece in events:
            yield piece
