"""The calls of Google's Gen AI SDK, for the Gemini API and for Vertex AI: those of the protocols that are its provider's.

Every call of `models`, `chats` and their twins below `aio` goes through one function of the client for requests, which is
guarded. What goes around it is refused: live sessions over web sockets, and the parts of the SDK that have clients of their own.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, ClassVar, Final

from guardrails.errors import RequestError
from guardrails.types import Stage
from guardrails.wrapping.guard_errors import unwrap_errors
from guardrails.wrapping.http import json_calls
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.body_formats import parse_answer
from guardrails.wrapping.sdk.calls import UNGUARDED, Calls, calls_of, to_plain_json
from guardrails.wrapping.sdk.exchange import Exchange, Terms

UNJUDGED = tuple(
    f"{method} /**/{name}"
    for name in (
        "models",
        "models/*",
        "files",
        "files/*",
        "operations/*",
        "cachedContents",
        "cachedContents/*",
    )
    for method in ("GET", "DELETE")
)
"""Calls in which nothing is a prompt or an answer of a model."""

CALLS = Calls({**calls_of("gemini"), **dict.fromkeys((*UNJUDGED, "POST /**/files"), None)})
"""What a wrapped client may call. All else is refused: pictures, films and vectors, caches and batches that are made, tuning."""

PARTS = ("models", "chats", "files", "caches", "operations", "aio", "vertexai")
"""What a wrapped client has; all else of it goes around the guard, or holds nothing that can be called."""


class GuardedApiClient:
    """A guard before the SDK's client for requests. It is no client itself: `wrap` puts it in front of one's class."""

    _guardrails: ClassVar[tuple[Terms, Calls]]
    _unguarded: Any
    """The client that was wrapped, whose connections are used: it closes them when nobody holds it."""

    def __del__(self) -> None:
        """Leave the connections to the client that was wrapped."""

    def _exchange(self, request: Any) -> Exchange | None:
        terms, calls = self._guardrails
        path = str(request.url).partition("://")[2].partition("/")[2]
        protocol = calls.find(request.method, path)
        if protocol is None:
            return None
        if not isinstance(request.data, dict):
            raise RequestError("unguarded_body", f"a body that is no JSON object is refused: {UNGUARDED}")
        model = path.partition("?")[0].rpartition("/")[2].partition(":")[0]
        asked = replace(terms, context={"model": model, **terms.context})
        return json_calls.open_exchange(asked, protocol, to_plain_json(request.data))

    def _request(self, http_request: Any, *args: Any, **options: Any) -> Any:
        """Make a request that is judged before; return a response that is."""
        inner: Any = super()
        exchange = self._exchange(http_request)
        if exchange is None:
            return inner._request(http_request, *args, **options)
        responses: list[Any] = []

        def send(body: dict[str, Any]) -> Any:
            http_request.data = body
            responses.append(inner._request(http_request, *args, **options))
            return responses[-1]

        if exchange.streams:
            events = json_calls.ask_stream(exchange, lambda body: send(body).segments())
            return self._response(responses, segments=lambda: events)
        answer = json_calls.ask(exchange, lambda body: _body_of(send(body)))
        return self._response(responses, response_stream=[json.dumps(answer)])

    async def _async_request(self, http_request: Any, *args: Any, **options: Any) -> Any:
        """The twin of `_request` on an event loop."""
        inner: Any = super()
        exchange = self._exchange(http_request)
        if exchange is None:
            return await inner._async_request(http_request, *args, **options)
        responses: list[Any] = []

        async def send(body: dict[str, Any]) -> Any:
            http_request.data = body
            responses.append(await inner._async_request(http_request, *args, **options))
            return _body_of(responses[-1])

        async def send_stream(body: dict[str, Any]) -> AsyncIterator[Any]:
            http_request.data = body
            responses.append(await inner._async_request(http_request, *args, **options))
            events: AsyncIterator[Any] = responses[-1].async_segments()
            return events

        if exchange.streams:
            events = await json_calls.aask_stream(exchange, send_stream)
            return self._response(responses, async_segments=lambda: events)
        answer = await json_calls.aask(exchange, send)
        return self._response(responses, response_stream=[json.dumps(answer)])

    def _response(self, responses: list[Any], **changed: Any) -> Any:
        """Return the response that came, or one where none did, which says something else."""
        made = copy.copy(responses[-1]) if responses else _module_of(self).HttpResponse(headers={})
        vars(made).update(changed)
        return made


def _body_of(response: Any) -> dict[str, Any]:
    body = response.response_stream
    return parse_answer(body[0] if isinstance(body, list) and body else "")


def _module_of(client: Any) -> Any:
    """Return the SDK's module of a wrapped client for requests."""
    return next(sys.modules[base.__module__] for base in type(client).__mro__ if base.__module__ != __name__)


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of the same class with a guard around its calls; both share their connections.

    Raises:
        ValueError: another stage is named for its answers.
        TypeError: it is wrapped already, or of a version of the SDK that this build does not know.
    """
    if not any(base.__module__.startswith("google.genai.") for base in type(client).__mro__):
        raise TypeError(f"cannot wrap a {type(client).__name__} of {type(client).__module__}")
    api = client._api_client
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is for functions: a client's calls say where their answers stand")
    if isinstance(api, GuardedApiClient):
        raise TypeError(f"cannot wrap a {type(client).__name__} that is wrapped already")
    if not all(callable(getattr(type(api), name, None)) for name in ("_request", "_async_request")):
        raise TypeError(f"cannot wrap a {type(client).__name__} of this version of its SDK")
    kind = type(
        type(api).__name__,
        (GuardedApiClient, type(api)),
        {"_guardrails": (terms, CALLS), "__module__": __name__},
    )
    guarded: Any = copy.copy(api)
    guarded.__class__, guarded._unguarded = kind, (api, client)
    return _with_api(client, guarded)


def _with_api(thing: Any, api: Any) -> Any:
    """Return a client, or a part of one, that makes its requests by another client; without the parts that go around that."""
    made = copy.copy(thing)
    for name, value in vars(thing).items():
        if hasattr(value, "_api_client"):
            setattr(made, name, _with_api(value, api))
    made._api_client = api
    base = type(thing)
    unwrap_errors(made)
    if base.__name__ in ("Client", "AsyncClient"):
        refused = {name: _refuse(name) for name in dir(base) if isinstance(getattr(base, name), property)}
        refused = {name: each for name, each in refused.items() if name not in PARTS}
        named = {"__module__": base.__module__, "__doc__": base.__doc__, "__del__": lambda self: None}
        made.__class__ = type(base.__name__, (base,), {**refused, **named})
    return made


def _refuse(name: str) -> property:
    def read(client: Any) -> Any:
        raise RequestError("unguarded_call", f"{name} is refused: {UNGUARDED}")

    return property(read)


WRAPPER: Final = Wrapper(
    "google.Client",
    "Guards the calls of models and chats of a client of Google's Gen AI SDK.",
    wrap,
    takes_schema=True,
)
