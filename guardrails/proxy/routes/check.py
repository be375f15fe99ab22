"""`POST /v1/check`: a content in, the verdict itself out. 200 also for a block: the verdict is the answer."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.context import Context
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_payload
from guardrails.proxy.access.client import read_claims, run_while_connected
from guardrails.proxy.exchange.answer import record_verdict
from guardrails.proxy.exchange.report_headers import JsonResponse, Report
from guardrails.proxy.server.request_context import client_of, state_of
from guardrails.types import Stage
from guardrails.wire import strict_json

CONTENTS = ("content", "text", "input", "messages")
FIELDS: Mapping[str, tuple[type, ...]] = {
    "content": (str, list),
    "text": (str,),
    "input": (str, list),
    "messages": (list,),
    "stage": (str,),
    "user": (str, dict),
    "tenant": (str,),
    "client": (dict,),
    "metadata": (dict,),
    "model": (str,),
}
"""Field → what it may be. One of the first four is what to check; the caller knows who asks."""

NAMES: Mapping[type, str] = {str: "a string", list: "an array of messages", dict: "an object"}


async def check(request: HttpRequest) -> Response:
    """Serve the route."""
    state = state_of(request)
    raw = await request.body()
    weight = strict_json.weigh(raw)
    body = await state.run_by_size(weight, lambda: read(raw))
    content = next(body[name] for name in CONTENTS if name in body)
    user = body.get("user")
    told = client_of(request.scope).resolve_identity(
        {"user": {"id": user} if isinstance(user, str) else user, "tenant": body.get("tenant")}
    )
    state = state.select(client_of(request.scope), request.scope["path"], body.get("model"), told["tenant"])
    guard = state.guard
    stage = body.get("stage", Stage.INPUT.value)
    who = {
        "user": told["user"],
        "tenant": told["tenant"],
        "client": {**read_claims(request, {}), **body.get("client", {})},
        "metadata": body.get("metadata"),
        "model": body.get("model"),
        "trust_system": client_of(request.scope).trust_system,
    }
    try:
        asked = await state.run_by_size(weight, lambda: chat_payload.read(content, Stage(stage)))
    except TypeError as error:
        raise RequestError("invalid_type", str(error), "/content") from None
    taken = state.sample_for_shadow(asked.tree, Context(**who).request(asked.tree.turns))
    started = perf_counter()
    verdict = await run_while_connected(request.receive, guard.acheck(asked, stage, **who))
    state.record_verdict(verdict, perf_counter() - started, taken)
    report = Report(guard.policy.ref)
    record_verdict(request, report, verdict)
    shown = await state.run_by_size(weight, lambda: strict_json.dump(verdict.to_dict()))
    return JsonResponse(shown, 200, report.headers())


def read(raw: bytes) -> dict[str, Any]:
    """Return the body of a request.

    Raises:
        RequestError: it has unknown fields, fields of a wrong type, or not exactly one content.
    """
    body = {name: value for name, value in strict_json.parse_request(raw).items() if value is not None}
    for name, value in body.items():
        if name not in FIELDS:
            raise RequestError("unknown_field", f"fields are {', '.join(FIELDS)}", f"/{name[:64]}")
        if not isinstance(value, FIELDS[name]):
            raise RequestError(
                "invalid_type", f"must be {' or '.join(NAMES[each] for each in FIELDS[name])}", f"/{name}"
            )
    given = [name for name in CONTENTS if name in body]
    if len(given) != 1:
        raise RequestError("invalid_content", f"give exactly one of {', '.join(CONTENTS)}")
    if body.get("stage", Stage.INPUT) not in list(Stage):
        raise RequestError("invalid_stage", f"stage must be one of {', '.join(Stage)}", "/stage")
    return body
