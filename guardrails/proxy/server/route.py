"""A route of the server, and the table that finds the route of a request."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Scope

from guardrails.proxy.server import errors

Endpoint = Callable[[Request], Awaitable[Response]]
Respond = Callable[[Exception, Mapping[str, str] | None, str], Response]
"""Answers an exception, with further headers, in the form of the API at a path."""

MATCH: Final = "guardrails.route_match"
"""Key of a scope under which the `RouteMatch` of a request stands; None for a path of no route."""

UNKNOWN: Final = "other"
"""What counters name a path of no route: a client may have made it up."""

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, with all that depends on which route a request is for.

    Attributes:
        method: the HTTP method; `GET` answers `HEAD` too.
        path: the path, with `{name}` where a name stands; also what counters name the route.
        endpoint: serves a request.
        summary: one line on what it does.
        tag: the API that it belongs to.
        is_judged: whether what it takes or gives is judged by the policy.
        is_probe: whether it answers under any load, and to whoever has no key.
        answers_any_host: whether it answers whatever host it is asked for.
        takes_key_in_query: whether its clients may send their key in the query.
        body_types: the media types of what it takes; none where it takes no body.
        answer_type: the media type of what it answers at once.
        stream_type: the media type of what it answers as a stream; "" where it does not.
        respond: answers an exception.
    """

    method: str
    path: str
    endpoint: Endpoint
    summary: str
    tag: str
    is_judged: bool = True
    is_probe: bool = False
    answers_any_host: bool = False
    takes_key_in_query: bool = False
    body_types: tuple[str, ...] = (JSON,)
    answer_type: str = JSON
    stream_type: str = ""
    respond: Respond = errors.respond

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return PARAMETER.findall(self.path)


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The route that a path is for, and the names in that path. Where `methods` has not the request's, it is not served."""

    route: Route
    methods: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)

    def serves(self, method: str) -> bool:
        """Tell whether the route is for a method."""
        return method in _methods(self.route)


class RouteTable:
    """The routes of a server: the one place from which applications, admission and counters know them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._fixed: dict[tuple[str, str], RouteMatch] = {}
        self._fixed_paths: dict[str, RouteMatch] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        self._methods: dict[str, tuple[str, ...]] = {}
        for route in self.routes:
            self._methods[route.path] = (*self._methods.get(route.path, ()), *_methods(route))
        for route in self.routes:
            if route.parameters:
                self._patterns.append((compile_path(route.path)[0], route))
                continue
            match = RouteMatch(route, self._methods[route.path])
            self._fixed_paths.setdefault(route.path, match)
            for method in _methods(route):
                self._fixed[method, route.path] = match

    def find(self, method: str, path: str) -> RouteMatch | None:
        """Return the route of a request: one for its method, else one for its path alone, None where there is none."""
        if (match := self._fixed.get((method, path))) is not None:
            return match
        other = self._fixed_paths.get(path)
        for pattern, route in self._patterns:
            if (found := pattern.match(path)) is not None:
                match = RouteMatch(route, self._methods[route.path], found.groupdict())
                if match.serves(method):
                    return match
                other = other or match
        return other


def _methods(route: Route) -> tuple[str, ...]:
    return ("GET", "HEAD") if route.method == "GET" else (route.method,)


def match_of(scope: Scope) -> RouteMatch | None:
    """Return the route that a request was found to be for."""
    match: RouteMatch | None = scope.get(MATCH)
    return match


def label_of(scope: Scope) -> str:
    """Return the route of a request, as counters and logs name it."""
    match = match_of(scope)
    return UNKNOWN if match is None else match.route.path
