"""The client's side of a request: its body, what it says of itself, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from guardrails.engine.content.budget import CODE as TOO_LARGE
from guardrails.engine.core.pipeline import today
from guardrails.engine.model import Request as Who
from guardrails.errors import GuardUnavailable, RequestError
from guardrails.proxy.access.admission import Client
from guardrails.proxy.access.body_budget import BodyShare
from guardrails.proxy.server.connections import PRESENCE, TOO_SLOW, ClientPresence

T = TypeVar("T")

HEADERS: Final = "guardrails.headers"
"""Key of a scope under which the headers of a request stand as texts, beside the list that they were read from."""

DRAINED = 4
"""Times the limit of a body that are read from a client who sends too much, so that it reads our answer."""


class ReplayedBody:
    """Receives the body of a request that was read before, and then what comes after it.

    Attributes:
        presence: whether the client is still there, where the server says so without being asked.
    """

    __slots__ = ("_body", "_receive", "presence")

    def __init__(self, body: bytes, scope: Scope, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self.presence: ClientPresence | None = scope.get(PRESENCE)

    async def __call__(self) -> Message:
        """Receive the next message."""
        body, self._body = self._body, None
        if body is None:
            return await self._receive()
        return {"type": "http.request", "body": body, "more_body": False}


async def read_body_within(request: Request, limit: int, within_s: float, share: BodyShare) -> bytes:
    """Return the body of a request that has so many seconds for all of it; else as `read_body`."""
    try:
        async with asyncio.timeout(within_s):
            return await read_body(request.scope, request.receive, limit, share)
    except TimeoutError:
        raise RequestError("too_slow", f"the body did not arrive within {within_s:g} s") from None


async def read_body(scope: Scope, receive: Receive, limit: int, share: BodyShare | None = None) -> bytes:
    """Return the body of a request. That it keeps coming is the server's care (`http.Http`).

    Args:
        scope: of the request.
        receive: gives its messages, of which none was received.
        limit: the bytes that it may have.
        share: what it holds of the memory for all bodies; None: there is no bound for all.

    Raises:
        RequestError: it is larger than the limit, or too slow.
        GuardUnavailable: others hold too much for one of its size.
        ClientDisconnect: the client went away before its end.
    """
    pieces: list[bytes] = []
    size, fits, more = 0, True, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if TOO_SLOW in scope:
            raise RequestError("too_slow", "the body of the request arrives too slowly")
        more = message.get("more_body", False)
        piece = message.get("body", b"")
        size += len(piece)
        fits = fits and size <= limit and (share is None or not piece or share.take(len(piece)))
        if fits:
            pieces.append(piece)
            continue
        pieces.clear()
        if share is not None:
            share.release()
        if size > limit * DRAINED:
            break
    if size > limit:
        raise RequestError(TOO_LARGE, f"the body is larger than {limit} bytes")
    if not fits:
        raise GuardUnavailable("too many large requests are under way")
    return b"".join(pieces)


def client_headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers of a request by their names in small letters; of several of one name the first counts."""
    raw = scope["headers"]
    known: tuple[object, Mapping[str, str]] | None = scope.get(HEADERS)
    if known is not None and known[0] is raw:  # a route may have put others in their place
        return known[1]
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(raw)}
    scope[HEADERS] = raw, found
    return found


@lru_cache(256)
def preferred_language(header: str) -> str | None:
    """Return the primary language that an Accept-Language header prefers, such as `de`."""
    best, best_weight = None, 0.0
    for entry in header.split(","):
        tag, _, rest = entry.partition(";")
        primary = tag.strip().split("-")[0].lower()
        name, _, written = rest.partition("=")
        try:
            weight = float(written) if name.strip() == "q" else 1.0
        except ValueError:
            weight = 0.0
        if weight > best_weight and primary.isascii() and primary.isalpha() and len(primary) <= 8:
            best, best_weight = primary, weight
    return best


def read_claims(request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a client says of itself (`request.client.*`)."""
    claims: dict[str, Any] = {}
    headers = client_headers(request.scope)
    if (language := preferred_language(headers.get("accept-language", ""))) is not None:
        claims["language"] = language
    if (agent := headers.get("user-agent")) is not None:
        claims["user_agent"] = agent
    if isinstance(user := body.get("user"), str):
        claims["user"] = user
    return claims


def build_request(
    client: Client, claims: Mapping[str, Any], body: Mapping[str, Any], turns: int, model: str | None = None
) -> Who:
    """Return who asks and for what (`model`, unless the body says it). A client's own words are claims: they never fill `user` or
    `tenant`.
    """
    metadata, model = body.get("metadata"), model or body.get("model")
    return Who(
        user=client.user,
        tenant=client.tenant,
        client=claims,
        metadata=metadata if isinstance(metadata, Mapping) else None,
        model=model if isinstance(model, str) else None,
        turns=turns,
        today=today(),
        trust_system=client.trust_system,
    )


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def run_while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; when the client goes away cancel it, so that nobody's answer is paid for.

    Raises:
        ClientDisconnect: it went away.
    """
    task = asyncio.current_task()
    assert task is not None
    before, left = task.cancelling(), False

    def leave(_: object = None) -> None:
        nonlocal left
        left = True
        task.cancel()

    presence = receive.presence if isinstance(receive, ReplayedBody) else None
    watch: asyncio.Future[None] | None = None
    if presence is not None and presence.has_left:
        work.close()
        raise ClientDisconnect
    if presence is not None:
        presence.watch(leave)
    else:
        watch = asyncio.ensure_future(wait_for_disconnect(receive))
        watch.add_done_callback(leave)
    try:
        return await work
    except asyncio.CancelledError:
        if left and task.cancelling() == before + 1:  # nobody else wants it
            raise ClientDisconnect from None
        raise
    finally:
        if presence is not None:
            presence.unwatch(leave)
        if watch is not None:
            watch.remove_done_callback(leave)
            watch.cancel()
        if left:
            task.uncancel()


async def cancel_and_wait(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
