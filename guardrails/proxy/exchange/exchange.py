"""The one path of every API: a request in, the model's answer out, both judged by the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.errors import Blocked, GuardrailsError, RequestError
from guardrails.protocols import image_links
from guardrails.protocols.reasks import AnswerRejected
from guardrails.protocols.registry import error_writer
from guardrails.protocols.streaming.codec import dump_events
from guardrails.proxy.access.client import build_request, client_headers, read_claims, run_while_connected
from guardrails.proxy.access.forwarded_headers import read_headers
from guardrails.proxy.exchange.answer import (
    AskedRequest,
    Call,
    judge_answer,
    parse_answer,
    record_verdict,
    vet_error,
)
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.reasks import ask_again
from guardrails.proxy.exchange.report_headers import JsonResponse, Report
from guardrails.proxy.exchange.request_parsing import ParsedRequest, parse_request
from guardrails.proxy.exchange.speculative_request import BESIDE, SpeculativeRequest, decide_order
from guardrails.proxy.exchange.stream import stream_to
from guardrails.proxy.server.errors import explain, respond
from guardrails.proxy.server.logs.request_entry import KEY as LOG_ENTRY
from guardrails.proxy.server.request_context import begin_stream, context_of, open_stream
from guardrails.proxy.server.state import State
from guardrails.proxy.upstreams.upstream_client import (
    BAGGAGE,
    forwarded_headers,
    response_headers,
    with_baggage,
)
from guardrails.types import Place, Stage, Verdict
from guardrails.wire import strict_json

REQUESTED: Final = Place(Stage.INPUT, role="user")


async def exchange(request: HttpRequest, endpoint: Endpoint) -> Response:
    """Serve one request: read it, judge it, forward it, judge the answer, write it."""
    context = context_of(request.scope)
    client, state, raw = context.client, context.state, context.body
    protocol = endpoint.protocol
    headers = client_headers(request.scope)
    media = headers.get("content-type", "")
    given = await state.run_by_size(strict_json.weigh(raw), lambda: parse_request(endpoint, raw, media))
    body, leaves = given.body, given.tree
    if leaves.unknown and state.settings.unknown_fields == "refuse":
        raise RequestError(
            "unknown_field", "this server refuses fields that it does not know", leaves.unknown[0]
        )
    streams, choices = protocol.is_streamed(body), protocol.count_choices(body)
    if streams:
        open_stream(request)
    state.budget.allows(choices=choices)
    names, span = forwarded_headers(endpoint.provider), request.scope[LOG_ENTRY].span
    if span is not None:
        span.describe_question(body, streams=streams, choices=choices)
        span.baggage, names = headers.get(BAGGAGE, ""), with_baggage(names)
    read_headers(leaves, request.scope["headers"], names, REQUESTED)
    who = build_request(client, read_claims(request, body), body, leaves.turns, endpoint.model)
    client.check_models(who.model, body, state.settings.policies)
    if state.image_fetcher is not None and given.form is None:
        given = await run_while_connected(request.receive, fetch_request_pictures(state, endpoint, given))
        body, leaves = given.body, given.tree
    state = state.select(client, request.scope["path"], who.model)
    report = Report(state.guard.policy.ref)
    asides = given.asides(endpoint, headers, state.guard.pipeline.policies)
    call = Call(state, endpoint, request, who, report, given.raw, asides=asides, form=given.form)
    if not state.guard.parallel:
        return await run_while_connected(request.receive, serve_request(call, body, leaves))
    when = decide_order(endpoint.path, body, leaves, state.upstream.model_names(who.model))
    state.metrics.count("guardrails_parallel_total", sent=when)
    if when != BESIDE:
        return await run_while_connected(request.receive, serve_request(call, body, leaves))
    early = SpeculativeRequest(call.answer())
    serving = run_while_connected(request.receive, serve_request(call, body, leaves, early))
    return await early.around(serving)


async def fetch_request_pictures(state: State, endpoint: Endpoint, given: ParsedRequest) -> ParsedRequest:
    """Return a request with the pictures in it of which it had the addresses, as far as they may be fetched."""
    body = await state.fetch_pictures(given.body, image_links.request_links)
    if body is given.body:
        return given
    found = await state.run_in_worker(lambda: parse_request(endpoint, strict_json.dump(body)))
    return replace(found, moderation=given.moderation)


async def serve_request(
    call: Call, body: dict[str, Any], leaves: ContentTree, early: SpeculativeRequest | None = None
) -> Response:
    """Return what serves a request that was read, and perhaps sent on (`early`): its check comes first, then all else."""
    state, protocol, request, report = call.state, call.protocol, call.http, call.report
    asked, asides = payload.body(body, leaves, protocol.edit_request), call.asides
    settled = asides.settled("input")
    verdict, outcome = await state.judge(asked, call.who, Stage.INPUT, complete=bool(asides), settled=settled)
    record_verdict(request, report, verdict)
    asides.saw("input", verdict, leaves, outcome)
    content = verdict.content
    if content is not body and early is not None:
        await early.close()
    if verdict.unavailable is not None:
        return respond(call.unavailable(verdict), report.headers(), request.scope["path"])
    if verdict.blocked:
        return refuse_request(call, body, verdict)
    who = call.who
    call.given = AskedRequest(body, who, perf_counter())
    if content is not body:
        call.raw = await state.run_by_size(strict_json.weigh(call.raw), lambda: call.dump(content))
    elif early is not None:
        call.early = early
    if outcome.vault is not None or verdict.heard != who.heard:
        call.who = replace(who, vault=outcome.vault or who.vault, heard=verdict.heard)
    call.choices = protocol.count_choices(body)
    call.system = verdict.system if leaves.roles else leaves.system()
    call.prompt, call.sources = verdict.prompt, verdict.sources
    if protocol.is_streamed(body):
        begin_stream(request)
        return stream_to(call)
    try:
        return await (call.endpoint.answer_whole or answer_whole)(call)
    except GuardrailsError as error:
        told = await vet_error(call, error)
        return respond(told, report.headers(), request.scope["path"])


def refuse_request(call: Call, body: Mapping[str, Any], verdict: Verdict) -> Response:
    """Answer a request that is stopped."""
    protocol, report = call.protocol, call.report
    if protocol.refuse is None or not protocol.refuses_in_kind:
        told = explain(Blocked(verdict))
        error = call.asides.refused(error_writer(call.http.scope["path"])(told))
        return JsonResponse(strict_json.dump(error), told.status, report.headers())
    answer = protocol.refuse(verdict.refusal, body)
    if protocol.stream is None or not protocol.is_streamed(body):
        return JsonResponse(strict_json.dump(answer), 200, report.headers())
    writer = call.endpoint.write_stream()
    raw = writer.feed(dump_events([*protocol.stream.events(answer)])) + writer.flush()
    return Response(raw, 200, {**report.headers(), **writer.headers})


async def answer_whole(call: Call) -> Response:
    """Ask the upstream for a whole answer, and judge it; again where it is not in the format that a rule wants."""
    while True:
        try:
            return await _answer_once(call)
        except AnswerRejected as rejected:
            call = await ask_again(call, rejected.reask)


async def _answer_once(call: Call) -> Response:
    async with call.answer() as response:
        headers = response_headers(response)
        raw = await call.state.upstream.read_whole(response)
    weight = strict_json.weigh(raw)
    answer = await call.state.run_by_size(weight, lambda: parse_answer(call.protocol, raw))
    tokens = call.begin_count()
    tokens.see(answer)
    call.record_count(tokens)
    content = call.asides.whole(await judge_answer(call, answer, weight))
    if content is not answer:
        raw = await call.state.run_by_size(weight, lambda: strict_json.dump(content))
    return JsonResponse(raw, 200, {**headers, **call.report.headers()})
