"""The table of hooks: each is served under its path, and answers errors in its own shape."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException

from guardrails.errors import RequestError
from guardrails.proxy.hooks import HOOKS
from guardrails.proxy.routes.route_table import ROUTES
from guardrails.proxy.server.errors import explain
from guardrails.proxy.server.middleware import respond
from guardrails.proxy.server.route import MATCH, RouteTable
from tests.cases import each_case


@each_case("hook", HOOKS.values(), ids=HOOKS)
def test_each_hook_is_served(hooked, kit, hook) -> None:
    """Another method is refused, with the one that there is."""
    answer = kit.send(hooked, hook.path, method="GET")

    assert "POST" in answer.headers["allow"]
    assert answer.status == hook.write_failure(explain(HTTPException(405))).status


def test_names_and_paths_are_there_once() -> None:
    """One row, one route."""
    assert len({hook.path for hook in HOOKS.values()}) == len(HOOKS)
    assert all(name == hook.name for name, hook in HOOKS.items())


@each_case(
    ("path", "fields"),
    [
        ("/v1/chat/completions", {"error"}),
        ("/v1/messages", {"type", "error", "request_id"}),
        ("/api/v1/text/chat", {"code", "message"}),
        ("/guardrail/a/version/b/apply", {"message"}),
        ("/request", {"action"}),
        ("/hooks/portkey", {"verdict", "data"}),
    ],
)
def test_errors_have_the_shape_of_their_path(path, fields) -> None:
    """Paths with names in them too; of all others, that of their API."""
    scope = {"path": path, MATCH: RouteTable(ROUTES).find("POST", path)}
    assert set(json.loads(respond(RequestError("x", "y"), scope).body)) == fields
