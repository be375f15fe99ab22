"""`POST /v1/moderations`: OpenAI's moderation API, answered by the policy here; no upstream is asked. 200 for a verdict,
503 where an input could not be judged.

What is asked about is judged as if a user had said it; `stage`, a field of ours, says where else it stands.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.context import Context
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.errors import GuardUnavailable, RequestError
from guardrails.guard import Guard
from guardrails.protocols import image_links
from guardrails.protocols.moderations.moderations_fields import MODEL_NAME, Moderation, inputs
from guardrails.proxy.access.client import read_claims, run_while_connected
from guardrails.proxy.exchange.answer import record_verdict
from guardrails.proxy.exchange.report_headers import Report
from guardrails.proxy.server.errors import respond
from guardrails.proxy.server.request_context import client_of, state_of
from guardrails.proxy.server.state import State
from guardrails.types import Stage, Verdict
from guardrails.wire import strict_json

MODEL = "omni-moderation-latest"
"""What is asked for where no model is named. Whatever it is, the policy judges."""

FIELDS = ("input", "model", "stage")
NAME = re.compile(r"[a-z_]{1,32}")
"""A name of a field that an error repeats."""

RESULT_WEIGHT = 8 << 10
"""What the result of one input weighs (`strict_json.weigh`): some 0.4 milliseconds."""

SHOWN_IDS = 32
"""Verdicts whose ids stand in the header."""


async def create(request: HttpRequest) -> Response:
    """Serve the route."""
    state = state_of(request)
    raw = await request.body()
    weight = strict_json.weigh(raw)
    body, asked = await state.run_by_size(weight, lambda: read(raw))
    state = state.select(client_of(request.scope), request.scope["path"], body["model"])
    pictured = await state.fetch_pictures(body, image_links.request_links)
    if pictured is not body:
        asked = inputs(pictured["input"], Stage(body["stage"]))
    guard = state.guard
    report = Report(guard.policy.ref)
    client = client_of(request.scope)
    who = {"client": read_claims(request, {}), "user": client.user, "tenant": client.tenant}
    verdicts = await run_while_connected(request.receive, judged(state, guard, asked, body, who))
    for verdict in verdicts:
        record_verdict(request, report, verdict)
    unjudged = next((verdict for verdict in verdicts if verdict.unavailable is not None), None)
    if unjudged is not None:  # a result would call it flagged, or harmless
        return respond(GuardUnavailable(unjudged), report.headers(), request.scope["path"])
    moderation = Moderation(guard.pipeline.policies, Stage(body["stage"]))

    def write() -> bytes:
        results = [moderation.result(verdict, tree) for verdict, tree in zip(verdicts, asked, strict=True)]
        return strict_json.dump(
            {"id": f"modr-{os.urandom(16).hex()}", "model": body["model"], "results": results}
        )

    ids = ",".join(verdict.id for verdict in verdicts[:SHOWN_IDS])
    headers = {**report.headers(), "x-guardrails-verdict-id": ids}
    answer = await state.run_by_size(max(weight, len(asked) * RESULT_WEIGHT), write)
    return Response(answer, 200, headers, "application/json")


async def judged(
    state: State, guard: Guard, asked: list[ContentTree], body: Mapping[str, Any], who: Mapping[str, Any]
) -> list[Verdict]:
    """Return the verdict on each input; all detectors have their say, also on what is certain to be blocked."""
    guard.pipeline.admit(*asked)
    verdicts: list[Verdict] = []
    for tree in asked:
        await asyncio.sleep(0)  # others have their turn
        subject = Payload(tree, lambda _: None)
        taken = state.sample_for_shadow(tree, Context(**who, model=body["model"]).request(tree.turns))
        started = perf_counter()
        verdict = await guard.acheck(subject, body["stage"], model=body["model"], complete=True, **who)
        state.record_verdict(verdict, perf_counter() - started, taken)
        verdicts.append(verdict)
    return verdicts


def read(raw: bytes) -> tuple[dict[str, Any], list[ContentTree]]:
    """Return the body of a request, its defaults filled in, and what there is to judge for each result.

    Raises:
        RequestError: it has unknown fields, or ones that are not what they should be.
    """
    given = {name: value for name, value in strict_json.parse_request(raw).items() if value is not None}
    for name in given:
        if name not in FIELDS:
            where = f"/{name}" if NAME.fullmatch(name) else ""
            raise RequestError("unknown_field", f"fields are {', '.join(FIELDS)}", where)
    body = {"model": MODEL, "stage": Stage.INPUT.value, **given}
    if not isinstance(body["model"], str) or not MODEL_NAME.fullmatch(body["model"]):
        raise RequestError("invalid_type", "must be the name of a model", "/model")
    if body["stage"] not in list(Stage):
        raise RequestError("invalid_stage", f"stage must be one of {', '.join(Stage)}", "/stage")
    return body, inputs(body.get("input"), Stage(body["stage"]))
