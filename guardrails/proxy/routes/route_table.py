"""Every route of the server, each listed once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from guardrails.protocols.gemini.protocol import COUNT_TOKENS, GENERATE, STREAM
from guardrails.protocols.protocol import SSE, Protocol
from guardrails.protocols.registry import load_protocols
from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.proxy.hooks import HOOKS
from guardrails.proxy.hooks.hook import Hook, serve_hook
from guardrails.proxy.routes import check, gemini, model_apis, ollama
from guardrails.proxy.routes.openai import azure_deployments, moderations, videos
from guardrails.proxy.server import health
from guardrails.proxy.server.route import FORM, JSON, Route

JSON_OR_FORM, FORM_ONLY = (JSON, FORM), (FORM,)

_post = partial(Route, "POST")
_get = partial(Route, "GET", body_types=())
_delete = partial(Route, "DELETE", body_types=())
_forward = partial(_get, is_judged=False)
"""What an upstream says of itself: nothing that a model wrote."""


def _body_types(protocol: Protocol) -> tuple[str, ...]:
    """Return the media types of an API's requests."""
    return {"never": (JSON,), "taken": JSON_OR_FORM, "only": FORM_ONLY}[protocol.forms]


def _stream_type(protocol: Protocol) -> str:
    """Return the media type of an API's streams, "" where it has none."""
    streams = protocol.stream or protocol.event_answers
    if streams is not None:
        return streams.framing.media_type
    # What answers in a way of its own, sounds and what is heard in them, may answer in events too.
    return SSE.media_type if model_apis.endpoint_of(protocol).answer_whole is not None else ""


def make_routes(protocols: Iterable[Protocol]) -> tuple[Route, ...]:
    """Return the routes of the protocols that are served by their description alone."""
    return tuple(
        Route(
            protocol.method,
            protocol.provider.root + protocol.path,
            model_apis.serve(model_apis.endpoint_of(protocol)),
            protocol.summary,
            protocol.provider.title,
            body_types=_body_types(protocol),
            answer_type=protocol.answer_type,
            stream_type=_stream_type(protocol),
        )
        for protocol in protocols
        if protocol.is_served
    )


MODEL_APIS = make_routes(load_protocols())
"""The protocols that are served by their description alone."""

OPENAI = (
    _post("/v1/moderations", moderations.create, "Return what the policy finds in inputs.", "OpenAI"),
    _post("/v1/videos/{video_id}/remix", videos.remix, "Begin to change a film by a prompt.", "OpenAI"),
    _get("/v1/videos", videos.listed, "List the jobs of films.", "OpenAI"),
    _get("/v1/videos/{video_id}", videos.job, "Return how the job of a film is.", "OpenAI"),
    _delete("/v1/videos/{video_id}", videos.job, "Delete the job of a film.", "OpenAI"),
    _get(
        "/v1/videos/{video_id}/content",
        videos.content,
        "Return a film, or a picture of it.",
        "OpenAI",
        answer_type="video/*",
    ),
    _forward("/v1/models", health.serve_models, "List the models of the upstreams.", "OpenAI"),
)

OLLAMA = (
    _forward("/api/tags", ollama.list_models, "List the models.", "Ollama"),
    _forward("/api/ps", ollama.list_models, "List the models that are loaded.", "Ollama"),
    _forward("/api/version", ollama.list_models, "Return the version of the upstream.", "Ollama"),
)

GEMINI = tuple(
    _post(
        f"{base}/models/{{model}}{protocol.path}",
        gemini.serve(protocol),
        protocol.summary,
        protocol.provider.title,
        takes_key_in_query=True,
        stream_type=_stream_type(protocol),
    )
    for base in gemini.BASES
    for protocol in (GENERATE, STREAM, COUNT_TOKENS)
)

AZURE = (
    *(
        _post(
            azure_deployments.BASE + protocol.path,
            azure_deployments.serve(protocol),
            f"The same as /v1{protocol.path}, of a deployment.",
            "Azure",
            body_types=_body_types(protocol),
            answer_type=protocol.answer_type,
            stream_type=_stream_type(protocol),
        )
        for protocol in azure_deployments.PROTOCOLS
    ),
    _post(
        "/openai/responses",
        azure_deployments.serve_responses,
        "The same as /v1/responses.",
        "Azure",
        stream_type=_stream_type(RESPONSES),
    ),
    *(
        _post(
            f"{azure_deployments.NEWER}{protocol.path}",
            azure_deployments.serve_newer(protocol),
            f"The same as /v1{protocol.path}.",
            "Azure",
            body_types=_body_types(protocol),
            answer_type=protocol.answer_type,
            stream_type=_stream_type(protocol),
        )
        for protocol in (*azure_deployments.PROTOCOLS, RESPONSES)
    ),
    _forward(f"{azure_deployments.NEWER}/models", health.serve_models, "The same as /v1/models.", "Azure"),
)

MODELS = (
    _forward(
        "/v1/models/{model:path}",
        health.serve_model,
        "Return one of the models of the upstreams.",
        "OpenAI",
        takes_key_in_query=True,
    ),
    _forward(
        f"{azure_deployments.NEWER}/models/{{model:path}}",
        azure_deployments.with_shown_key(health.serve_model),
        "The same as /v1/models/{model}.",
        "Azure",
    ),
)
"""Behind all paths that begin so: a model's name may have any form."""


def _hook_route(hook: Hook) -> Route:
    """Return the route of a hook."""

    async def endpoint(request: Request) -> Response:
        return await serve_hook(request, hook)

    return Route(
        hook.method,
        hook.path,
        endpoint,
        hook.summary,
        "Hooks",
        takes_key_in_query=hook.takes_key_in_query,
        respond=hook.respond,
    )


SERVER = (
    _post("/v1/check", check.check, "Return the verdict of the policy on a content.", "Server"),
    *(
        _get(
            path,
            health.serve_probe(probe),
            probe.summary,
            "Server",
            is_judged=False,
            is_probe=True,
            answers_any_host=probe.answers_any_host,
            answer_type=probe.answer_type,
        )
        for path, probe in health.PROBES.items()
    ),
)

DOCUMENT = _forward("/openapi.json", health.serve_openapi, "Return this document.", "Server")
"""Served where the operator says so (the setting `openapi`)."""

ROUTES = (*MODEL_APIS, *OPENAI, *GEMINI, *OLLAMA, *AZURE, *map(_hook_route, HOOKS.values()), *SERVER, *MODELS)
