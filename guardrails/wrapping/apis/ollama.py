"""The calls of Ollama's SDK: those of its API, and those in which there is nothing to judge."""

from __future__ import annotations

import copy
from typing import Any, Final

from guardrails.types import Stage
from guardrails.wrapping.guard_errors import unwrap_errors
from guardrails.wrapping.http.http_client import GuardedHttpClient, guard_http_client
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import Calls, calls_of
from guardrails.wrapping.sdk.exchange import Terms

UNJUDGED = (
    *(f"GET /**/api/{name}" for name in ("tags", "ps", "version")),
    *(f"POST /**/api/{name}" for name in ("pull", "push", "copy", "me", "signout")),
    *("DELETE /**/api/delete", "HEAD /**/api/blobs/*", "POST /**/api/blobs/*"),
)
"""Calls in which nothing is a prompt or an answer of a model."""

CALLS = Calls({**calls_of("ollama"), **dict.fromkeys(UNJUDGED, None)})
"""What a wrapped client may call. All else is refused: models that are made with prompts, and searches of the web."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of Ollama's with a guard around every call.

    Raises:
        ValueError: another stage is named for its answers.
        TypeError: it is wrapped already.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is for functions: a client's calls say where their answers stand")
    if isinstance(client._client, GuardedHttpClient):
        raise TypeError(f"cannot wrap a {type(client).__name__} that is wrapped already")
    made = copy.copy(client)
    made._client = guard_http_client(client._client, terms, CALLS)
    return unwrap_errors(made)


WRAPPER: Final = Wrapper(
    "ollama.Client", "Guards every call of a client of Ollama's SDK.", wrap, takes_schema=True
)
