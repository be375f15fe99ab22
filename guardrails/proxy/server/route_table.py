"""Every route of the server, each listed once."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from guardrails.proxy.exchange.api import Api
from guardrails.proxy.hooks import HOOKS
from guardrails.proxy.hooks.hook import Hook, serve_hook
from guardrails.proxy.routes import check, gemini, messages, ollama
from guardrails.proxy.routes.openai import (
    audio,
    azure_deployments,
    chat,
    completions,
    embeddings,
    images,
    moderations,
    responses,
    videos,
)
from guardrails.proxy.server import health
from guardrails.proxy.server.route import FORM, JSON, Route

JSON_OR_FORM, FORM_ONLY = (JSON, FORM), (FORM,)

_post = partial(Route, "POST")
_get = partial(Route, "GET", body_types=())
_delete = partial(Route, "DELETE", body_types=())
_forward = partial(_get, is_judged=False)
"""What an upstream says of itself: nothing that a model wrote."""
_probe = partial(_get, is_judged=False, is_probe=True)

OPENAI = (
    _post("/v1/chat/completions", chat.completions, "Answer a conversation.", "OpenAI"),
    _post("/v1/completions", completions.create, "Continue a text.", "OpenAI"),
    _post("/v1/responses", responses.create, "Answer a conversation (Responses API).", "OpenAI"),
    _post("/v1/embeddings", embeddings.create, "Return the vectors of texts.", "OpenAI"),
    _post("/v1/moderations", moderations.create, "Return what the policy finds in inputs.", "OpenAI"),
    _post("/v1/images/generations", images.generate, "Generate pictures.", "OpenAI"),
    _post("/v1/images/edits", images.edit, "Edit pictures.", "OpenAI", body_types=JSON_OR_FORM),
    _post("/v1/images/variations", images.vary, "Vary a picture.", "OpenAI", body_types=FORM_ONLY),
    _post("/v1/videos", videos.created("/videos"), "Begin a film.", "OpenAI", body_types=JSON_OR_FORM),
    _post(
        "/v1/videos/edits",
        videos.created("/videos/edits"),
        "Begin to edit a film.",
        "OpenAI",
        body_types=JSON_OR_FORM,
    ),
    _post(
        "/v1/videos/extensions",
        videos.created("/videos/extensions"),
        "Begin to continue a film.",
        "OpenAI",
        body_types=JSON_OR_FORM,
    ),
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
    _post("/v1/audio/speech", audio.speak, "Say a text.", "OpenAI", answer_type="audio/*"),
    _post(
        "/v1/audio/transcriptions",
        audio.transcribe,
        "Write down what is said in a sound.",
        "OpenAI",
        body_types=FORM_ONLY,
    ),
    _post(
        "/v1/audio/translations",
        audio.translate,
        "Write down in English what is said in a sound.",
        "OpenAI",
        body_types=FORM_ONLY,
    ),
    _forward("/v1/models", health.serve_models, "List the models of the upstreams.", "OpenAI"),
)

ANTHROPIC = (
    _post("/v1/messages", messages.create, "Answer a conversation.", "Anthropic"),
    _post("/v1/messages/count_tokens", messages.count_tokens, "Count the tokens of a request.", "Anthropic"),
)

OLLAMA = (
    _post("/api/chat", ollama.chat, "Answer a conversation.", "Ollama"),
    _post("/api/generate", ollama.generate, "Continue a text.", "Ollama"),
    _post("/api/embed", ollama.embed, "Return the vectors of texts.", "Ollama"),
    _post("/api/embeddings", ollama.embedded, "Return the vector of a text (older form).", "Ollama"),
    _post("/api/show", ollama.show, "Return what is known of a model.", "Ollama"),
    _forward("/api/tags", ollama.listed, "List the models.", "Ollama"),
    _forward("/api/ps", ollama.listed, "List the models that are loaded.", "Ollama"),
    _forward("/api/version", ollama.listed, "Return the version of the upstream.", "Ollama"),
)

GEMINI = tuple(
    _post(
        f"{base}/models/{{model}}{api.path}",
        endpoint,
        summary,
        "Gemini",
        takes_key_in_query=True,
    )
    for base in gemini.BASES
    for api, endpoint, summary in (
        (gemini.GENERATE, gemini.generate, "Answer a conversation."),
        (gemini.STREAM, gemini.stream, "Answer a conversation as a stream."),
        (gemini.COUNT, gemini.count, "Count the tokens of a request."),
    )
)


def _body_types(api: Api) -> tuple[str, ...]:
    """Return the media types of an API's requests."""
    return {"never": (JSON,), "taken": JSON_OR_FORM, "only": FORM_ONLY}[api.forms]


AZURE = (
    *(
        _post(
            azure_deployments.BASE + api.path,
            azure_deployments.served(api),
            f"The same as /v1{api.path}, of a deployment.",
            "Azure",
            body_types=_body_types(api),
        )
        for api in azure_deployments.APIS
    ),
    _post("/openai/responses", azure_deployments.responded, "The same as /v1/responses.", "Azure"),
)


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
    _probe(
        "/healthz", health.serve_liveness, "Tell that the process answers.", "Server", answers_any_host=True
    ),
    _probe(
        "/readyz",
        health.serve_readiness,
        "Tell whether the policy is loaded and its detectors answer.",
        "Server",
        answers_any_host=True,
    ),
    _probe(
        "/health",
        health.serve_readiness,
        "The same as /readyz, as detectors of FMS have it.",
        "Server",
        answers_any_host=True,
    ),
    _probe(
        "/metrics",
        health.serve_metrics,
        "Return the counters, for Prometheus.",
        "Server",
        answer_type="text/plain",
    ),
)

DOCUMENT = _forward("/openapi.json", health.serve_openapi, "Return this document.", "Server")
"""Served where the operator says so (the setting `openapi`)."""

ROUTES = (*OPENAI, *ANTHROPIC, *GEMINI, *OLLAMA, *AZURE, *map(_hook_route, HOOKS.values()), *SERVER)
