"""The application as a whole: its routes, and what is not there."""

from __future__ import annotations

import asyncio

import pytest

from guardrails.proxy.app import ROUTES, create_app
from guardrails.proxy.settings import Settings

WAIT_S = 20


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/v1",
        "/v1/chat/completions/",
        "/v1/embeddings",
        "/v1/responses/resp_1",
        "/v1/messages/batches",
    ],
)
def test_what_is_not_served_is_404_in_openais_shape(proxy, fake, kit, path) -> None:
    """An endpoint that the guard does not know is never passed through to the upstream."""
    for body in (None, {"input": "x"}):
        answer = kit.send(proxy, path, body)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert fake.asked == []


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES])
def test_another_method_is_405_in_openais_shape(proxy, kit, method, path) -> None:
    """With the methods that there are."""
    answer = kit.send(proxy, path, b"", method="GET" if method == "POST" else "POST")

    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
    assert method in answer.headers["allow"]


def test_no_origin_is_let_in(proxy, kit) -> None:
    """There is no CORS by default."""
    answer = kit.send(
        proxy,
        "/v1/chat/completions",
        b"",
        {"origin": "http://evil", "access-control-request-method": "POST"},
        "OPTIONS",
    )

    assert answer.status == 405
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_an_application_loads_its_policy_when_it_starts(fake) -> None:
    """Without a guard `create_app` serves under any ASGI server; it stops cleanly, also before it is ready."""
    app = create_app(Settings(fake.url, policy="pii-only"))
    state = app.state.proxy

    async def live(wait: bool) -> bool:
        async with app.router.lifespan_context(app):
            if wait:
                assert await asyncio.to_thread(state.warm.wait, WAIT_S)
            return state.ready

    assert state.loaded is None
    asyncio.run(live(False))
    assert asyncio.run(live(True))
    assert state.guard.policy.ref.name == "pii-only"
