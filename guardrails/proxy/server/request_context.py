"""What the server knows of a request before an endpoint sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from guardrails.proxy.access.admission import Client
from guardrails.proxy.access.capacity.account import Ticket
from guardrails.proxy.server.route import RouteMatch
from guardrails.proxy.server.state import State
from guardrails.verdicts.frozen_records import quick_init

CONTEXT: Final = "guardrails.context"
"""Key of a scope under which the `RequestContext` of a request stands."""


@quick_init
@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request that was let in and is there as a whole. Built once, by the gate.

    Attributes:
        client: who sent it.
        state: the server with the guards of the moment at which the request was there: a reload changes nothing for it.
        match: the route that it is for; None for a path that others serve.
        body: all of its body; nothing of that of a probe, which nobody reads.
        ticket: its place in the account of what the server has promised; None where nothing of it is judged.
    """

    client: Client
    state: State
    match: RouteMatch | None
    body: bytes = b""
    ticket: Ticket | None = None


def context_of(scope: Scope) -> RequestContext:
    """Return what is known of the request of a scope; raises `KeyError` for one that did not pass the gate."""
    context: RequestContext = scope[CONTEXT]
    return context


def client_of(scope: Scope) -> Client:
    """Return who sent a request."""
    return context_of(scope).client


def state_of(request: Request) -> State:
    """Return the state of the server that a request came to, with the guards of the moment at which it was there."""
    return context_of(request.scope).state


def open_stream(request: Request) -> None:
    """Count a request as one whose answer streams, before it is judged; raises `GuardUnavailable` where there is no room."""
    context = context_of(request.scope)
    if context.ticket is not None:
        context.state.capacity.open_stream(context.ticket)


def begin_stream(request: Request) -> None:
    """Take that a request whose answer streams has passed: from here on its work is that of the stream."""
    context = context_of(request.scope)
    if context.ticket is not None:
        context.state.capacity.begin_stream(context.ticket)
