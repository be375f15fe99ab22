"""`POST /openai/deployments/{deployment}/…?api-version=…`: chats, completions, embeddings, pictures and sounds as Azure has them.

Responses are asked for at `/openai/responses`.

The deployment is the model that the upstream is asked for, whatever the body says, at the upstream's own path; it is judged as
the body's model is. All else is as at the paths under `/v1`, also which policy holds, but that chats are annotated. Which
version of its API a client speaks makes no difference to what is read and judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Scope

from guardrails.proxy.exchange.api import Api
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.routes.openai.audio import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from guardrails.proxy.routes.openai.chat import CHAT
from guardrails.proxy.routes.openai.completions import COMPLETIONS
from guardrails.proxy.routes.openai.embeddings import EMBEDDINGS
from guardrails.proxy.routes.openai.images import EDITS, GENERATIONS
from guardrails.proxy.routes.openai.responses import RESPONSES, for_one
from guardrails.proxy.upstreams.upstream_client import Dialect
from guardrails.wire.json_patch import saying

BASE, USUAL = "/openai/deployments/{deployment}", "/v1"
KEY, TOKEN = b"api-key", b"authorization"

AZURE = Dialect(
    ("authorization", "api-key", "openai-organization", "openai-project", "openai-beta"),
    {"authorization": "Bearer ", "api-key": ""},
)
"""Servers know a key in one of these headers: Azure's own, or that of all others."""

APIS = (
    replace(CHAT, annotated="always"),
    COMPLETIONS,
    EMBEDDINGS,
    GENERATIONS,
    EDITS,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
)
"""Those of deployments."""


async def responded(request: HttpRequest) -> Response:
    """Serve responses, whose model the body names."""
    enter(request.scope, RESPONSES)
    return await exchange(request, for_one(replace(RESPONSES, dialect=AZURE)))


def served(api: Api) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Return what serves an API of deployments."""

    async def endpoint(request: HttpRequest) -> Response:
        enter(request.scope, api)
        return await exchange(request, deployed(api, request.path_params["deployment"]))

    return endpoint


def enter(scope: Scope, api: Api) -> None:
    """Let a request be one for the usual path of an API; it is counted as the route that it came by."""
    scope["path"] = USUAL + api.path
    show_key(scope)


def deployed(api: Api, deployment: str) -> Api:
    """Return an API of which one deployment is asked."""

    def placed(body: dict[str, Any], raw: bytes) -> tuple[dict[str, Any], bytes]:
        if body.get("model") == deployment:
            return body, raw
        return {**body, "model": deployment}, saying(raw, "model", deployment)

    return replace(api, dialect=AZURE, model=deployment, placed=placed)


def show_key(scope: Scope) -> None:
    """Let the key of one of Azure's clients stand where other servers look for it too, unless something else stands there."""
    headers = dict(scope["headers"])
    if KEY in headers and TOKEN not in headers:
        scope["headers"] = [*scope["headers"], (TOKEN, b"Bearer " + headers[KEY])]
