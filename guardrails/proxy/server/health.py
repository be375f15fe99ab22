"""The routes that judge nothing: the upstream's models, and how this server is."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response

from guardrails.engine.core.worker_pool import workers
from guardrails.errors import RequestError
from guardrails.protocols.protocol import invalid_answer
from guardrails.protocols.providers import ANTHROPIC, OPENAI
from guardrails.proxy.access.admission import AccessDenied
from guardrails.proxy.access.forwarded_headers import plain_headers
from guardrails.proxy.server.request_context import state_of
from guardrails.proxy.upstreams import model_lists
from guardrails.proxy.upstreams.upstream_client import response_headers
from guardrails.wire import strict_json

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def serve_models(request: Request) -> Response:
    """`GET /v1/models`: what the upstream says, or what several say together, to clients of either family."""
    upstream = state_of(request).upstream
    provider = ANTHROPIC if "anthropic-version" in request.headers else OPENAI
    if upstream.named:
        listed = await model_lists.models(upstream, plain_headers(request.headers), provider)
        return Response(strict_json.dump(listed), 200, media_type="application/json")
    async with upstream.answer("GET", "/models", plain_headers(request.headers), None, provider) as response:
        headers = response_headers(response)
        raw = await upstream.read_whole(response)
    try:
        strict_json.parse(raw)
    except RequestError as error:
        raise invalid_answer(f"the upstream's list of models is malformed: {error.code}") from None
    return Response(raw, 200, headers, "application/json")


async def serve_liveness(request: Request) -> Response:
    """`GET /healthz`: the process answers."""
    return Response(b'{"status":"ok"}', media_type="application/json")


async def serve_readiness(request: Request) -> Response:
    """`GET /readyz`: 200 once the policy is compiled and every detector has answered; what fails since then is named."""
    state = state_of(request)
    guard = state.loaded_guard
    down = [name for name, up in state.upstream.health().items() if not up]
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
        "degraded": bool(state.failing_detectors or down),
        "failing_detectors": state.failing_detectors,
        "failing_upstreams": down,
        "stuck_workers": workers().abandoned,
        "problem": state.problem,
    }
    return Response(strict_json.dump(shown), 200 if state.ready else 503, media_type="application/json")


async def serve_openapi(request: Request) -> Response:
    """`GET /openapi.json`: the routes of the server, as an OpenAPI document."""
    return Response(strict_json.dump(request.app.openapi()), media_type="application/json")


async def serve_metrics(request: Request) -> Response:
    """`GET /metrics`: the counters, for Prometheus; raises `AccessDenied` for others where the operator has a key."""
    state = state_of(request)
    key = state.settings.admin_key
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if key is not None and not hmac.compare_digest(given.encode(), key.encode()):
        raise AccessDenied(401, "invalid_api_key", "the numbers of this server need the operator's key")
    return Response(state.metrics.text(), media_type=PROMETHEUS)
