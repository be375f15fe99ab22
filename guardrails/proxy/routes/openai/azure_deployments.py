"""`POST /openai/deployments/{deployment}/…?api-version=…`: chats, completions, embeddings, pictures and sounds as Azure has them.

Responses are asked for at `/openai/responses`. Azure's newer API stands below `/openai/v1/…`, where the body names the model.

The deployment is the model that the upstream is asked for, whatever the body says, at the upstream's own path; it is judged as
the body's model is. All else is as at the paths under `/v1`, also which policy holds, but that chats are annotated. Which
version of its API a client speaks makes no difference to what is read and judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Scope

from guardrails.protocols.audio.protocol import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.completions.protocol import COMPLETIONS
from guardrails.protocols.embeddings.protocol import EMBEDDINGS
from guardrails.protocols.images.protocol import EDITS, GENERATIONS
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.providers import AZURE
from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.routes.model_apis import endpoint_of
from guardrails.wire.json_patch import saying

BASE, NEWER, USUAL = "/openai/deployments/{deployment}", "/openai/v1", "/v1"
KEY, TOKEN = b"api-key", b"authorization"

PROTOCOLS = (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    GENERATIONS,
    EDITS,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
)
"""Those of deployments."""


async def serve_responses(request: HttpRequest) -> Response:
    """Serve responses, whose model the body names."""
    enter(request.scope, RESPONSES)
    return await exchange(request, endpoint_of(RESPONSES, sent_as=AZURE))


def serve_newer(protocol: Protocol) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Return what serves an API whose body names the model."""
    more = {"annotated": "always"} if protocol is CHAT else {}

    async def served(request: HttpRequest) -> Response:
        enter(request.scope, protocol)
        return await exchange(request, endpoint_of(protocol, sent_as=AZURE, **more))

    return served


def with_shown_key(
    endpoint: Callable[[HttpRequest], Awaitable[Response]],
) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Return what serves the same to one of Azure's clients."""

    async def served(request: HttpRequest) -> Response:
        show_key(request.scope)
        return await endpoint(HttpRequest(request.scope, request.receive))

    return served


def serve(protocol: Protocol) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Return what serves an API of deployments."""

    async def served(request: HttpRequest) -> Response:
        enter(request.scope, protocol)
        return await exchange(request, deployed(protocol, request.path_params["deployment"]))

    return served


def enter(scope: Scope, protocol: Protocol) -> None:
    """Let a request be one for the usual path of an API; it is counted as the route that it came by."""
    scope["path"] = USUAL + protocol.path
    show_key(scope)


def deployed(protocol: Protocol, deployment: str) -> Endpoint:
    """Return the endpoint of an API of which one deployment is asked."""

    def place_model(body: dict[str, Any], raw: bytes) -> tuple[dict[str, Any], bytes]:
        if body.get("model") == deployment:
            return body, raw
        return {**body, "model": deployment}, saying(raw, "model", deployment)

    more = {"annotated": "always"} if protocol is CHAT else {}
    return endpoint_of(protocol, sent_as=AZURE, model=deployment, place_model=place_model, **more)


def show_key(scope: Scope) -> None:
    """Let the key of one of Azure's clients stand where other servers look for it too, unless something else stands there."""
    headers = dict(scope["headers"])
    if KEY in headers and TOKEN not in headers:
        scope["headers"] = [*scope["headers"], (TOKEN, b"Bearer " + headers[KEY])]
