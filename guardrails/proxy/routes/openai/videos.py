"""`/v1/videos`: OpenAI's videos API, as other servers keep it. Jobs are tables; films are judged before they are given out.

What is asked is judged when a job is created, changed or continued; what is told of jobs, as any answer. A film, and each
picture of it (`variant`), lies in a file until it was judged (`proxy/media/spool.py`); one that is blocked is a 403. A film of
fragments goes out as they are judged (`proxy/media/fragmented_films.py`).
"""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import keep
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Request
from guardrails.errors import GuardrailsError, RequestError, block_error
from guardrails.protocols.providers import OPENAI
from guardrails.protocols.videos.protocol import JOB, REMIX
from guardrails.proxy.access.client import build_request, read_claims, run_while_connected
from guardrails.proxy.access.forwarded_headers import read_headers
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.answer import Call, judge_answer, vet_error
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.exchange import REQUESTED, exchange
from guardrails.proxy.exchange.report_headers import JsonResponse, Report
from guardrails.proxy.media.fragmented_films import relay_film
from guardrails.proxy.server.errors import respond
from guardrails.proxy.server.request_context import client_of, state_of
from guardrails.proxy.server.state import State
from guardrails.proxy.upstreams.upstream_client import forwarded_headers, response_headers
from guardrails.types import Stage
from guardrails.wire import strict_json

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:=~-]{0,255}")
WORD: Final = re.compile(r"[A-Za-z0-9_.:=~-]{1,256}")

LISTING: Final = ("after", "limit", "order")
VARIANT: Final = ("variant",)
"""What may be asked for in the query of a list, and of a film: no more of it goes on."""

ADDRESSED: Final = frozenset({"video_id", *LISTING, *VARIANT})
"""What a path and a query say that go on."""


async def remix(request: HttpRequest) -> Response:
    """Serve `/v1/videos/{video_id}/remix`."""
    at = _job(request)
    await _judge_address(request)
    model = await _model(state_of(request), request, at)
    return await exchange(request, Endpoint(REMIX, upstream_path=at + "/remix", model=model))


async def listed(request: HttpRequest) -> Response:
    """Serve `GET /v1/videos`."""
    path = "/videos" + _query(request, LISTING)
    await _judge_address(request)
    return await _told(request, "GET", path, None)


async def job(request: HttpRequest) -> Response:
    """Serve `GET` and `DELETE /v1/videos/{video_id}`."""
    at = _job(request)
    await _judge_address(request)
    return await _told(request, request.method, at, await _model(state_of(request), request, at))


async def content(request: HttpRequest) -> Response:
    """Serve `GET /v1/videos/{video_id}/content`."""
    at, state = _job(request), state_of(request)
    path = at + "/content" + _query(request, VARIANT)
    await _judge_address(request)
    call = _call(state, request, await _model(state, request, at))
    return await _answered(call, _film(call, path))


async def _told(request: HttpRequest, method: str, path: str, model: str | None) -> Response:
    """Ask for what is told of jobs, and judge it."""
    call = _call(state_of(request), request, model)
    return await _answered(call, _whole(call, method, path))


async def _answered(call: Call, work: Coroutine[Any, Any, Response]) -> Response:
    """Return what work returns as long as the client is there, or why there is none."""
    request = call.http
    try:
        return await run_while_connected(request.receive, work)
    except GuardrailsError as error:
        return respond(await vet_error(call, error), call.report.headers(), request.scope["path"])


async def _film(call: Call, path: str) -> Response:
    headers, upstream = call.http.headers, call.state.upstream
    return await relay_film(call, upstream.answer("GET", path, headers, None, OPENAI, "", call.who.model))


async def _whole(call: Call, method: str, path: str) -> Response:
    headers, upstream = call.http.headers, call.state.upstream
    async with upstream.answer(method, path, headers, None, OPENAI, "", call.who.model) as found:
        back, raw = response_headers(found), await upstream.read_whole(found)
    told = await call.state.run_by_size(
        strict_json.weigh(raw), lambda: answer.parse_answer(call.protocol, raw)
    )
    left = await judge_answer(call, told, strict_json.weigh(raw))
    out = raw if left is told else strict_json.dump(left)
    return JsonResponse(out, 200, {**back, **call.report.headers()})


def _call(state: State, request: HttpRequest, model: str | None) -> Call:
    """Return who asks about a job of a model, judged by whose policy; raises `AccessDenied` where the key may not."""
    client = client_of(request.scope)
    who: Request = build_request(client, read_claims(request, {}), {}, 1, model)
    client.check_models(who.model, {}, state.settings.policies)
    own = state.select(client, request.scope["path"], who.model)
    return Call(own, Endpoint(JOB), request, who, Report(own.guard.policy.ref), b"")


async def _judge_address(request: HttpRequest) -> None:
    """Judge what the path, the query and the headers of a request say that go on; raises `Blocked` where the policy stops it."""
    tree, query = ContentTree(), request.query_params
    for name, value in (*request.path_params.items(), *query.multi_items()):
        if name in ADDRESSED:
            keep(tree, value, (name,), REQUESTED)
    read_headers(tree, request.scope["headers"], forwarded_headers(OPENAI), REQUESTED)
    if not tree.leaves:
        return
    state, client = state_of(request), client_of(request.scope)
    who = build_request(client, read_claims(request, {}), {}, 1, None)
    state = state.select(client, request.scope["path"], who.model)
    verdict, _ = await state.judge(Payload(tree, lambda _: None), who, Stage.INPUT)
    if verdict.blocked:
        raise block_error(verdict)


async def _model(state: State, request: HttpRequest, path: str) -> str | None:
    """Return the model of a job, which nothing but the job itself says; None where that makes no difference."""
    key = client_of(request.scope).key
    by_model = any(row.models for row in state.settings.policies)
    if not by_model and not (key is not None and key.models):
        return None
    upstream = state.upstream
    async with upstream.answer("GET", path, request.headers, None, OPENAI) as found:
        told: Any = answer.parse_object(await upstream.read_whole(found))
    model = told.get("model")
    return model if isinstance(model, str) else None


def _job(request: HttpRequest) -> str:
    """Return the path of the job that is asked about; raises `RequestError` where its id is none."""
    identity = request.path_params["video_id"]
    if not ID.fullmatch(identity):
        raise RequestError("invalid_id", "this is no id of a video")
    return f"/videos/{identity}"


def _query(request: HttpRequest, names: tuple[str, ...]) -> str:
    """Return what goes on of a query; raises `RequestError` for a value that is no word, or stands there twice."""
    found = {name: request.query_params.getlist(name) for name in names}
    wrong = [name for name, some in found.items() if len(some) > 1 or not all(map(WORD.fullmatch, some))]
    if wrong:
        raise RequestError("invalid_query", f"{wrong[0]} in the query must be one word", f"/{wrong[0]}")
    written = urlencode([(name, each) for name, some in found.items() for each in some])
    return f"?{written}" if written else ""
