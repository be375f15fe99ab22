"""The routes that judge nothing: the upstream's models, and how this server is."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from guardrails.engine.core.worker_pool import workers
from guardrails.errors import BackendError, RequestError
from guardrails.protocols.protocol import invalid_answer
from guardrails.protocols.providers import ANTHROPIC, OPENAI
from guardrails.proxy.access.admission import AccessDenied
from guardrails.proxy.access.forwarded_headers import plain_headers
from guardrails.proxy.server.errors import respond
from guardrails.proxy.server.request_context import client_of, state_of
from guardrails.proxy.server.route import JSON, Endpoint
from guardrails.proxy.server.state import State
from guardrails.proxy.upstreams import model_lists
from guardrails.proxy.upstreams.upstream_client import response_headers
from guardrails.wire import strict_json

STUCK_S = 120.0
"""Seconds after which an event loop that does nothing else is taken for dead."""

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def serve_models(request: Request) -> Response:
    """`GET /v1/models`: what the upstream says, or what several say together, to clients of either family."""
    upstream, client = state_of(request).upstream, client_of(request.scope)
    provider = ANTHROPIC if "anthropic-version" in request.headers else OPENAI
    if upstream.named or (client.key is not None and client.key.models):
        listed = await model_lists.models(upstream, plain_headers(request.headers), provider, client.may_ask)
        return Response(strict_json.dump(listed), 200, media_type="application/json")
    async with upstream.answer("GET", "/models", plain_headers(request.headers), None, provider) as response:
        headers = response_headers(response)
        raw = await upstream.read_whole(response)
    try:
        strict_json.parse(raw)
    except RequestError as error:
        raise invalid_answer(f"the upstream's list of models is malformed: {error.code}") from None
    return Response(raw, 200, headers, "application/json")


async def serve_model(request: Request) -> Response:
    """`GET /v1/models/{model}`: one of these. It is found in the list: what a client calls a model goes to no upstream.

    Raises:
        BackendError: it is none of them, or the client may not ask it.
    """
    upstream, client = state_of(request).upstream, client_of(request.scope)
    provider = ANTHROPIC if "anthropic-version" in request.headers else OPENAI
    listed = await model_lists.models(upstream, plain_headers(request.headers), provider, client.may_ask)
    for entry in listed["data"]:
        if entry["id"] == request.path_params["model"]:
            return Response(strict_json.dump(entry), 200, media_type="application/json")
    raise BackendError("this model is not found here", 404, "model_not_found")


def tell_liveness(state: State, headers: Headers) -> Response:
    """Answer `GET /healthz`: 200 while the process answers, 503 once its event loop is stuck."""
    stuck = state.loop_watch.delay_s > STUCK_S
    status = b'{"status":"stuck"}' if stuck else b'{"status":"ok"}'
    return Response(status, 503 if stuck else 200, media_type="application/json")


def tell_readiness(state: State, headers: Headers) -> Response:
    """Answer `GET /readyz`: 200 once the policy is compiled and every detector has answered, and until the server is to end; what
    fails since then is named.
    """
    guard = state.loaded_guard
    down = [name for name, up in state.upstream.health().items() if not up]
    failing_models = state.upstream.failing_models()
    shown = {
        "ready": state.ready,
        "policy": None if guard is None else guard.policy.ref.to_dict(),
        "policies": [guard.policy.ref.to_dict() for guard in state.other_guards],
        "shadow": {
            "policies": [guard.policy.ref.to_dict() for guard in state.shadows.values()],
            "waiting": state.shadow_queue.waiting,
            "dropped": state.shadow_queue.dropped,
        },
        "reload": {
            "state": state.reload.state,
            "errors": list(state.reload.errors),
            "weaker": list(state.reload.weaker),
        },
        "degraded": bool(state.failing_detectors or down or failing_models),
        "failing_detectors": state.failing_detectors,
        "failing_upstreams": down,
        "failing_models": failing_models,
        "stuck_workers": workers().stuck,
        "admission": {
            "expected_wait_s": round(state.capacity.delay_s, 3),
            "stream_load": round(state.capacity.stream_load, 3),
            "streams": state.capacity.streams,
            "saturated_s": round(state.capacity.saturated_s, 1),
        },
        "records": None
        if state.decision_log is None
        else {"problem": state.decision_log.problem, "lost": state.decision_log.lost},
        "draining": state.lifecycle.draining,
        "problem": state.problem,
    }
    return Response(strict_json.dump(shown), 200 if state.ready else 503, media_type="application/json")


async def serve_openapi(request: Request) -> Response:
    """`GET /openapi.json`: the routes of the server, as an OpenAPI document."""
    return Response(strict_json.dump(request.app.openapi()), media_type="application/json")


def tell_metrics(state: State, headers: Headers) -> Response:
    """Answer `GET /metrics`: the counters, for Prometheus; raises `AccessDenied` for others where the operator has a key."""
    key = state.settings.admin_key
    given = headers.get("authorization", "").removeprefix("Bearer ")
    if key is not None and not hmac.compare_digest(given.encode(), key.encode()):
        raise AccessDenied(401, "invalid_api_key", "the numbers of this server need the operator's key")
    return Response(state.metrics.text(), media_type=PROMETHEUS)


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked of a server to know how it is.

    Attributes:
        tell: answers it, of the state and the headers of a request; from any thread.
        summary: one line on what it does.
        answers_any_host: whether it answers whatever host it is asked for, and every web page: by its status alone, where it
            would refuse to say more.
        is_operators: whether it is answered at the operator's address alone, where there is one.
        answer_type: the media type of its answer.
        is_private: whether it tells strangers its status alone.
    """

    tell: Callable[[State, Headers], Response]
    summary: str
    answers_any_host: bool = True
    is_operators: bool = False
    answer_type: str = JSON
    is_private: bool = False


PROBES: Final[Mapping[str, Probe]] = {
    "/healthz": Probe(tell_liveness, "Tell that the process answers."),
    "/readyz": Probe(
        tell_readiness, "Tell whether the policy is loaded and its detectors answer.", is_private=True
    ),
    "/health": Probe(tell_readiness, "The same as /readyz, as detectors of FMS have it.", is_private=True),
    "/metrics": Probe(
        tell_metrics,
        "Return the counters, for Prometheus.",
        answers_any_host=False,
        is_operators=True,
        answer_type="text/plain",
    ),
}
"""The probes, by path."""


def serve_probe(probe: Probe) -> Endpoint:
    """Return the endpoint that answers a probe on the server's own port."""

    async def serve(request: Request) -> Response:
        state = state_of(request)
        if probe.is_operators and state.settings.admin is not None:
            raise HTTPException(404)
        return _answer(state, probe, request.scope)

    return serve


def _answer(state: State, probe: Probe, scope: Scope, *, is_admin: bool = False) -> Response:
    """Answer a probe; raises `AccessDenied` for one that is for who knows the server alone."""
    try:
        state.cross_site.check(scope)
    except AccessDenied:
        if not probe.answers_any_host:
            raise
        return Response(status_code=probe.tell(state, Headers(scope=scope)).status_code)
    answer = probe.tell(state, Headers(scope=scope))
    if probe.is_private and not is_operator(state, scope, is_admin=is_admin):
        return Response(status_code=answer.status_code)
    return answer


def is_operator(state: State, scope: Scope, *, is_admin: bool = False) -> bool:
    """Tell whether a request is the operator's: it has his key, or where he has none it came to his address (`is_admin`), or from
    this machine: what comes by a Unix socket has no address.
    """
    key = state.settings.admin_key
    if key is not None:
        given = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), key.encode())
    peer = scope.get("client")
    if is_admin or (peer is None and state.settings.unix is not None):
        return True
    try:
        return peer is not None and ip_address(peer[0]).is_loopback
    except ValueError:
        return False


def answer_probe(state: State, scope: Scope, *, is_admin: bool = False) -> Response:
    """Answer a probe at an address of their own, under the rules of the server's own port; from any thread. `is_admin`: whether
    it is the operator's.
    """
    probe = PROBES.get(scope["path"])
    if probe is None or (probe.is_operators and state.settings.admin is not None and not is_admin):
        return Response("Only probes are answered on this port.", 404, media_type="text/plain")
    try:
        return _answer(state.current, probe, scope, is_admin=is_admin)
    except AccessDenied as error:
        return respond(error, path=scope["path"])
