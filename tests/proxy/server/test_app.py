"""The application as a whole: its routes, and what is not there."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.routes.route_table import ROUTES
from guardrails.proxy.server.app import create_app
from tests.cases import each_case

WAIT_S = 20


@each_case(
    "path",
    [
        "/",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/v1",
        "/v1/chat/completions/",
        "/v1/edits",
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


@each_case(("method", "path"), [(route.method, route.path) for route in ROUTES if route.tag != "Hooks"])
def test_another_method_is_405_in_openais_shape(proxy, kit, method, path) -> None:
    """With the methods that there are."""
    answer = kit.send(proxy, path, b"", method="PUT")

    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
    served = {route.method for route in ROUTES if route.path == path}
    assert method in served
    assert served <= {*answer.headers["allow"].split(", ")}


def test_no_origin_is_let_in(proxy, kit) -> None:
    """There is no CORS by default."""
    answer = kit.send(
        proxy,
        "/v1/chat/completions",
        b"",
        {"origin": "http://evil", "access-control-request-method": "POST"},
        "OPTIONS",
    )

    assert answer.status == 403
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

    assert state.loaded_guard is None
    asyncio.run(live(False))
    assert asyncio.run(live(True))
    assert state.guard.policy.ref.name == "pii-only"


def asked(app, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask an application itself; return the status, the headers and the body."""
    sent = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "server": ("x", 80),
        "client": ("x", 1),
    }

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(each["body"] for each in sent[1:])


class Stamp:
    """A layer of somebody else's: stamps every answer."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        """Serve."""

        async def stamped(message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-stamp", b"yes")]
            await send(message)

        await self.app(scope, receive, stamped)


@each_case("stamped", [False, True])
def test_it_can_be_built_upon_like_any_application(fake, policy_guard, stamped) -> None:
    """Routes and layers that others add serve, and layers lie around our own routes too."""
    app = create_app(Settings(fake.url), policy_guard)
    app.add_api_route("/own", lambda: {"own": True})
    if stamped:
        app.add_middleware(Stamp)
    above = FastAPI()
    above.mount("/below", app)

    for served, path, body in (
        (app, "/healthz", b'{"status":"ok"}'),
        (app, "/own", b'{"own":true}'),
        (above, "/below/healthz", b'{"status":"ok"}'),
    ):
        status, headers, said = asked(served, path)
        assert (status, said, headers.get("x-stamp")) == (200, body, "yes" if stamped else None)
        assert headers["x-request-id"].startswith("req_")


def test_a_probe_may_ask_for_the_head_alone(proxy, kit) -> None:
    """As of any page."""
    answer = kit.send(proxy, "/healthz", method="HEAD")
    assert (answer.status, answer.raw) == (200, b"")
