"""A table of routes finds the route of a request, by its method if it can."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardrails.proxy.server.route import MATCH, Route, RouteTable, label_of
from tests.cases import each_case


async def endpoint(request: Request) -> Response:
    """Serve nothing."""
    return Response()


def route(method: str, path: str) -> Route:
    """Return a route."""
    return Route(method, path, endpoint, "A route.", "Tests")


TABLE = RouteTable(
    [
        route("GET", "/films"),
        route("POST", "/films"),
        route("POST", "/films/edits"),
        route("GET", "/films/{id}"),
        route("DELETE", "/films/{id}"),
        route("POST", "/models/{model}:count"),
    ]
)


@each_case(
    ("method", "path", "found", "parameters"),
    [
        ("GET", "/films", ("GET", "/films"), {}),
        ("HEAD", "/films", ("GET", "/films"), {}),
        ("POST", "/films", ("POST", "/films"), {}),
        ("DELETE", "/films/a", ("DELETE", "/films/{id}"), {"id": "a"}),
        ("HEAD", "/films/a", ("GET", "/films/{id}"), {"id": "a"}),
        ("POST", "/films/edits", ("POST", "/films/edits"), {}),
        ("GET", "/films/edits", ("GET", "/films/{id}"), {"id": "edits"}),
        ("POST", "/models/a:b:count", ("POST", "/models/{model}:count"), {"model": "a:b"}),
    ],
)
def test_a_request_has_the_route_of_its_method_and_path(
    method: str, path: str, found: tuple[str, str], parameters: dict[str, str]
) -> None:
    """A path without names goes before one with them, if it has the method."""
    match = TABLE.find(method, path)

    assert match is not None
    assert match.serves(method)
    assert (match.route.method, match.route.path, match.parameters) == (*found, parameters)


@each_case(
    ("path", "methods"),
    [
        ("/films", ("GET", "HEAD", "POST")),
        ("/films/a", ("GET", "HEAD", "DELETE")),
        ("/films/edits", ("POST",)),
    ],
)
def test_a_path_without_the_method_tells_those_that_it_has(path: str, methods: tuple[str, ...]) -> None:
    """It is counted as that path, and not served."""
    match = TABLE.find("PUT", path)

    assert match is not None
    assert not match.serves("PUT")
    assert match.methods == methods


@each_case("path", ["", "/", "/films/", "/films/a/b", "/models/:count", "/models/a:counts", "/FILMS"])
def test_what_is_no_route_is_other(path: str) -> None:
    """Whatever a client makes up."""
    scope: dict[str, Any] = {MATCH: TABLE.find("GET", path)}

    assert scope[MATCH] is None
    assert label_of(scope) == "other"
