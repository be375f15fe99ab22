"""`POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` and `:countTokens`: Google's Gemini API; the same below
`/v1`.

The path names the model. A stream is one of events with `alt=sse`, else one array of JSON; of the upstream it is always asked as
events.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import keep
from guardrails.errors import RequestError
from guardrails.protocols.gemini.gemini_fields import field_of
from guardrails.protocols.gemini.gemini_framing import ArrayWriter, ChunkWriter
from guardrails.protocols.gemini.protocol import STREAM
from guardrails.protocols.protocol import Protocol
from guardrails.proxy.exchange.endpoint import Endpoint
from guardrails.proxy.exchange.exchange import exchange
from guardrails.types import Place, Stage

BASES = ("/v1beta", "/v1")

MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")
FORMS: Mapping[str, Callable[[], ChunkWriter]] = {"sse": ChunkWriter, "json": ArrayWriter}
"""`alt` → how a stream is written."""


def read_for_model(body: Any, model: str, read: Callable[[Any], ContentTree]) -> ContentTree:
    """Return the contents of a request to a model; raises `RequestError` where it names another, or is refused."""
    leaves = read(body)
    keep(leaves, model, ("model",), Place(Stage.INPUT, role="user"))
    for holder in (body, field_of(body, "generateContentRequest")):
        named = field_of(holder, "model")
        if named is not None and named not in (model, f"models/{model}"):
            raise RequestError("ambiguous_model", "the body names another model than the path", "/model")
    return leaves


def endpoint_of(request: HttpRequest, protocol: Protocol) -> Endpoint:
    """Return the endpoint of the model that the path of a request names, in the form that its query asks for.

    Raises:
        RequestError: there can be no such model, or no such form.
    """
    assert protocol.read_request is not None
    model, base = request.path_params["model"], request.scope["path"].split("/models/", 1)[0]
    if not MODEL.fullmatch(model):
        raise RequestError("invalid_model", "the name of the model is none")
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    # Some clients of Google's say more of how they like JSON (`json;enum-encoding=int`), which they need not get.
    forms = {value.partition(";")[0] for name, value in query if name in ("alt", "$alt")} or {"json"}
    form = forms.pop()
    if forms or form not in FORMS:
        raise RequestError("invalid_query", f"alt must be one of {', '.join(FORMS)}")
    return Endpoint(
        protocol,
        upstream_path=f"/models/{model}{protocol.path}" + ("?alt=sse" if protocol is STREAM else ""),
        upstream_base=base,
        model=model,
        model_reader=partial(read_for_model, model=model, read=protocol.read_request),
        stream_writer=FORMS[form],
    )


def serve(protocol: Protocol) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Return what serves an API of models that the path names."""

    async def served(request: HttpRequest) -> Response:
        return await exchange(request, endpoint_of(request, protocol))

    return served
