"""The one path of every API: a request in, the model's answer out, both judged by the policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.fields import Leaves
from guardrails.engine.subject import Subject
from guardrails.errors import Blocked, GuardrailsError, RequestError
from guardrails.proxy import wire
from guardrails.proxy.answer import Call, judged, note
from guardrails.proxy.api import Api
from guardrails.proxy.client import body_of, claims, while_connected
from guardrails.proxy.errors import respond
from guardrails.proxy.held import Held
from guardrails.proxy.state import Report, state_of, who_asks
from guardrails.proxy.stream import stream
from guardrails.proxy.upstream import passed_back
from guardrails.types import Stage


async def exchange(request: HttpRequest, api: Api) -> Response:
    """Serve one request: read it, judge it, forward it, judge the answer, write it."""
    state = state_of(request)
    path = request.url.path
    raw = await body_of(request, state.settings.max_body_bytes)
    report = Report(state.guard.policy.ref)
    body, leaves = await state.by_size(len(raw), lambda: read(api, raw))
    if leaves.unknown and state.settings.unknown_fields == "refuse":
        raise RequestError(
            "unknown_field", "this server refuses fields that it does not know", leaves.unknown[0]
        )
    streamed = body.get("stream")
    if streamed is not None and not isinstance(streamed, bool):
        raise RequestError("invalid_type", "stream must be true or false", "/stream")
    who = who_asks(claims(request, body), body, leaves.turns)
    asked = Subject(leaves, lambda outcome: api.edited(body, leaves, outcome))
    verdict, outcome = await state.judge(asked, who, Stage.INPUT)
    note(request, report, verdict)
    if verdict.blocked:
        return respond(Blocked(verdict), report.headers(), path)
    content = verdict.content
    forwarded = raw if content is body else await state.by_size(len(raw), lambda: wire.dump(content))
    handed_out = replace(who, vault=outcome.vault)
    beside = (leaves.system(), leaves.prompt(), leaves.sources())
    call = Call(state, api, request, handed_out, report, forwarded, *beside)
    if streamed:
        return Held(lambda: stream(call), api, report, state.settings.keep_alive_s, path)
    try:
        return await while_connected(request.receive, whole(call))
    except GuardrailsError as error:
        return respond(error, report.headers(), path)


def read(api: Api, raw: bytes) -> tuple[dict[str, Any], Leaves]:
    """Return a request and its leaves."""
    body = wire.parse(raw)
    return body, api.request(body)


async def whole(call: Call) -> Response:
    """Ask the upstream for a whole answer, and judge it."""
    upstream = call.state.upstream
    async with upstream.answer("POST", call.path, call.http.headers, call.raw, call.api.dialect) as response:
        headers = passed_back(response)
        raw = await upstream.whole(response)
    answer = await call.state.by_size(len(raw), lambda: call.api.parsed(raw))
    content = await judged(call, answer, len(raw))
    sent = raw if content is answer else await call.state.by_size(len(raw), lambda: wire.dump(content))
    return Response(sent, 200, {**headers, **call.report.headers()}, "application/json")
