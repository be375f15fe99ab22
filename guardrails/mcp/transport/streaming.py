"""Makes HTTP answers of one message, or of a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guardrails.mcp.protocol.rpc import Body
from guardrails.proxy.access.client import run_while_connected
from guardrails.wire import strict_json

JSON, EVENTS = "application/json", "text/event-stream"
STREAM = {"content-type": EVENTS, "cache-control": "no-cache", "x-accel-buffering": "no"}


class EventResponse(Response):
    """An answer that is a stream. What makes it is ended when the client goes away, which calls off what it asked."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, **STREAM})
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""

        async def pump() -> None:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await run_while_connected(receive, pump())


def message_response(body: Body, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with one message."""
    return Response(strict_json.dump(body), status, headers, JSON)
