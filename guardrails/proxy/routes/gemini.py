"""`POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` and `:countTokens`: Google's Gemini API, as tables; the
same below `/v1`.

What is stopped says so as Google's own filters do, with status 200: a prompt by `promptFeedback` with a `blockReason`, without
candidates; a candidate by `finishReason: SAFETY`, without content, our words in `finishMessage`. A stream is one of events with
`alt=sse`, else one array of JSON; of the upstream it is always asked as events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.gemini import gemini_answer_fields, gemini_fields
from guardrails.protocols.gemini.gemini_assembly import Chunks as Whole
from guardrails.protocols.gemini.gemini_stream import STOPPED, GeminiTeller, refusal
from guardrails.protocols.streaming.codec import Event
from guardrails.proxy.exchange import answer
from guardrails.proxy.exchange.api import Api
from guardrails.proxy.exchange.exchange import exchange
from guardrails.proxy.exchange.stream import written
from guardrails.proxy.routes import messages
from guardrails.proxy.routes.gemini_stream import Array, Chunks
from guardrails.proxy.server.middleware import ROUTE
from guardrails.proxy.upstreams.upstream_client import Dialect, invalid
from guardrails.wire import sse

GEMINI = Dialect(("authorization", "x-goog-api-key", "x-goog-user-project"), {"x-goog-api-key": ""})
BASES = ("/v1beta", "/v1")

MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")
FORMS: Mapping[str, Callable[[], Chunks]] = {"sse": Chunks, "json": Array}
"""`alt` → how a stream is written."""


def asked(body: Any, model: str, reader: Callable[[Any], ContentTree]) -> ContentTree:
    """Return the leaves of a request to a model; raises `RequestError` where it names another, or is refused."""
    tree = reader(body)
    for holder in (body, gemini_fields.field_of(body, "generateContentRequest")):
        named = gemini_fields.field_of(holder, "model")
        if named is not None and named not in (model, f"models/{model}"):
            raise RequestError("ambiguous_model", "the body names another model than the path", "/model")
    return tree


def several(body: Mapping[str, Any]) -> int:
    """Return how many candidates a request asks for."""
    count = gemini_fields.field_of(gemini_fields.field_of(body, "generationConfig"), "candidateCount")
    return count if isinstance(count, int) and count > 0 else 1


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the answer that an upstream's is.

    Raises:
        BackendError: it is none.
    """
    found = answer.parsed(raw)
    candidates = found.get("candidates", [] if isinstance(found.get("promptFeedback"), dict) else None)
    if not isinstance(candidates, list) or not all(isinstance(each, dict) for each in candidates):
        raise invalid("the upstream's answer is malformed: it has no candidates")
    return found


def withheld(found: dict[str, Any], tree: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
    """Return an answer with texts edited and candidates refused: all, for what belongs to none of them."""
    changed: Any = gemini_fields.changed(found, tree, outcome)
    places = [tree.leaves[index].path if index >= 0 else () for index in outcome.blocked]
    if not places:
        return dict(changed)
    blocked = {path[1] for path in places if path[:1] == ("candidates",) and len(path) > 1}
    everything = any(path[:1] != ("candidates",) or len(path) < 2 for path in places)
    candidates = [
        refusal(_index(candidate, position), words) if everything or position in blocked else candidate
        for position, candidate in enumerate(changed.get("candidates") or ({},))
    ]
    gone = answer.blocked_fields(tree, outcome)
    top = {name: value for name, value in changed.items() if (name,) not in gone}
    return {**top, "candidates": candidates}


def _index(candidate: Mapping[str, Any], position: int) -> int:
    index = candidate.get("index")
    return index if type(index) is int else position


def refused(words: str) -> dict[str, Any]:
    """Return the answer to a prompt that is stopped."""
    return {"promptFeedback": {"blockReason": STOPPED, "blockReasonMessage": words}}


def counted(raw: bytes) -> dict[str, Any]:
    """Return the count that an upstream's answer is.

    Raises:
        BackendError: it is none.
    """
    count = answer.parsed(raw)
    if type(count.get("totalTokens")) is not int:
        raise invalid("the upstream's answer is malformed: it is no count")
    return count


GENERATE = Api(
    path=":generateContent",
    dialect=GEMINI,
    request=gemini_fields.request,
    edited=gemini_fields.changed,
    parsed=parsed,
    response=gemini_answer_fields.response,
    withheld=withheld,
    collector=Whole,
    teller=GeminiTeller,
    written=lambda found: written([Event("", found)]),
    failed=lambda told: sse.event(told.body(BASES[0] + "/")),
    is_streamed=lambda body: False,
    choices=several,
    refused=refused,
)
STREAM = replace(GENERATE, path=":streamGenerateContent", is_streamed=lambda body: True)
COUNT = replace(
    GENERATE,
    path=":countTokens",
    request=gemini_fields.to_count,
    parsed=counted,
    response=gemini_answer_fields.count,
    withheld=messages.no_count,
    refused=None,
)


def of(request: HttpRequest, api: Api) -> Api:
    """Return an API for the model that the path of a request names, and the form that its query asks for.

    Raises:
        RequestError: there can be no such model, or no such form.
    """
    model, base = request.path_params["model"], request.scope["path"].split("/models/", 1)[0]
    request.scope[ROUTE] = f"{base}/models/{{model}}{api.path}"
    if not MODEL.fullmatch(model):
        raise RequestError("invalid_model", "the name of the model is none")
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    # Some clients of Google's say more of how they like JSON (`json;enum-encoding=int`), which they need not get.
    forms = {value.partition(";")[0] for name, value in query if name in ("alt", "$alt")} or {"json"}
    form = forms.pop()
    if forms or form not in FORMS:
        raise RequestError("invalid_query", f"alt must be one of {', '.join(FORMS)}")
    return replace(
        api,
        path=f"/models/{model}{api.path}" + ("?alt=sse" if api is STREAM else ""),
        base=base,
        model=model,
        request=partial(asked, model=model, reader=api.request),
        recast=FORMS[form],
    )


async def generate(request: HttpRequest) -> Response:
    """Serve `:generateContent`."""
    return await exchange(request, of(request, GENERATE))


async def stream(request: HttpRequest) -> Response:
    """Serve `:streamGenerateContent`."""
    return await exchange(request, of(request, STREAM))


async def count(request: HttpRequest) -> Response:
    """Serve `:countTokens`: a request is judged like one that is answered; one that is stopped is an error."""
    return await exchange(request, of(request, COUNT))


ROUTES = tuple(
    ("POST", f"{base}/models/{{model}}{api.path}", endpoint)
    for base in BASES
    for api, endpoint in ((GENERATE, generate), (STREAM, stream), (COUNT, count))
)
