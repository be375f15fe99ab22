"""What is known of a request stays what it is, whatever happens to the server meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.app import create_app
from guardrails.proxy.server.request_context import RequestContext, client_of, context_of, state_of


def test_a_request_keeps_the_policies_that_it_began_with(fake, policy_guard) -> None:
    """Also where others are served before it is answered; its context cannot be changed."""
    app = create_app(Settings(fake.url), policy_guard)
    server = app.state.proxy
    seen: list[RequestContext] = []

    async def endpoint(request: Request) -> Response:
        seen.append(context_of(request.scope))
        server.adopt(server.served)
        seen.append(context_of(request.scope))
        assert state_of(request) is seen[0].state is not server.current
        return Response()

    app.add_route("/own", endpoint)
    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/own", "raw_path": b"/own",
        "query_string": b"", "root_path": "", "headers": [(b"host", b"localhost")], "server": ("x", 80), "client": ("x", 1),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200

    asyncio.run(app(scope, receive, send))

    assert seen[0] is seen[1]
    assert (seen[0].client.key, seen[0].match) == (None, None)
    with pytest.raises(FrozenInstanceError):
        seen[0].client = seen[0].client  # type: ignore[misc]


def test_a_request_that_did_not_pass_the_gate_has_none() -> None:
    """Nobody is taken for a client that nobody let in."""
    with pytest.raises(KeyError):
        client_of({"type": "http"})
