"""The client's side of a request: its body, what it says of itself, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from guardrails.errors import RequestError

T = TypeVar("T")

DRAINED = 4
"""Times the limit of a body that are read from a client who sends too much, so that it reads our answer."""


async def body_of(request: Request, limit: int) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: it is larger than the limit.
        ClientDisconnect: the client went away before its end.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        elif size > limit * DRAINED:
            break
    if size > limit:
        raise RequestError("too_large", f"the body is larger than {limit} bytes")
    return b"".join(pieces)


def language(header: str) -> str | None:
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


def claims(request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a client says of itself (`request.client.*`)."""
    given = {
        "language": language(request.headers.get("accept-language", "")),
        "user_agent": request.headers.get("user-agent"),
        "user": body.get("user"),
    }
    return {name: value for name, value in given.items() if isinstance(value, str)}


async def gone(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; when the client goes away cancel it, so that nobody's answer is paid for.

    Raises:
        ClientDisconnect: it went away.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        await stop(task, watch)


async def stop(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
