"""Every route of the server, and of the MCP guard, refuses web pages elsewhere: the table is that of the application itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route as StarletteRoute

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.app import create_app
from guardrails.proxy.server.health import PROBES
from tests.cases import each_case

from .test_cross_site import PAGE, asked

FOREIGN: dict[str, dict[str, str]] = {
    "another host": {"host": "evil.example"},
    "another host that leads here": {"host": "evil.example", "origin": "http://evil.example"},
    "another origin": {"origin": "http://evil.example"},
    "no origin": {"origin": "null"},
    "another site": {"sec-fetch-site": "cross-site", "origin": PAGE},
}
"""How a browser sends what a page elsewhere asks; as a text, which needs no preflight."""

PLAIN = ("content-type", "text/plain")
ANY_HOST = {path for path, probe in PROBES.items() if probe.answers_any_host}


def routes() -> Iterator[tuple[str, str]]:
    """Yield each method and path of the application, with its document."""
    for route in create_app(Settings("http://127.0.0.1:9", openapi=True)).routes:
        assert isinstance(route, StarletteRoute), (
            f"{route} is no route that is asked over HTTP: add it to this test"
        )
        for method in route.methods or ():
            yield method, route.path.replace("{", "").replace("}", "")


ROUTES = sorted({*routes()})


@pytest.fixture
def proxy(serve: Any) -> str:
    """A server that shows its document."""
    url: str = serve(openapi=True)
    return url


@each_case("route", ROUTES, ids=" ".join)
def test_a_page_elsewhere_reaches_no_route(proxy: str, fake: Any, kit: Any, route: tuple[str, str]) -> None:
    """Nothing is read or asked for it; a probe tells it no more than its status."""
    method, path = route
    body = json.dumps(kit.asking("hi")).encode() if method == "POST" else b""
    for name, headers in FOREIGN.items():
        status, said = asked(proxy, method, path, [*headers.items(), PLAIN], body)
        if path in ANY_HOST:
            assert (status, said) == (200, b""), name
        else:
            # Portkey's hook answers every failure with 200, as the gateway lets errors pass: the verdict is no.
            assert status == 403 or b'"verdict":false' in said, (name, status, said)
            assert (
                method == "HEAD"
                or b"not_allowed" in said
                or b"allowed_hosts" in said
                or b"cors_origins" in said
            ), said
    assert fake.asked == []


def test_the_table_has_all_routes() -> None:
    """Of the APIs, the hooks, the probes, and the document."""
    paths = {path for _, path in ROUTES}
    assert {"/v1/chat/completions", "/hooks/portkey", "/openapi.json", *PROBES} <= paths
    assert len(ROUTES) > 60
