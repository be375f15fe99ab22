"""The calls of Mistral's SDK: those of its API, and those in which there is nothing to judge."""

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
    *(f"{method} /**/v1/{name}" for name in ("models", "models/*", "files", "files/*") for method in ("GET", "DELETE")),
    *("POST /**/v1/files", "GET /**/v1/files/*/url"),
)  # fmt: skip
"""Calls in which nothing is a prompt or an answer of a model."""

CALLS = Calls({**calls_of("mistral"), **dict.fromkeys(UNJUDGED, None)})
"""What a wrapped client may call. All else is refused: conversations that the server keeps, batches, documents, sounds."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of Mistral's with a guard around every call; both share their connections.

    Raises:
        ValueError: another stage is named for its answers.
        TypeError: it is wrapped already, or of a version of the SDK that this build does not know.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is for functions: a client's calls say where their answers stand")
    kind = type(client).__name__
    given = client.sdk_configuration
    if isinstance(given.client, GuardedHttpClient) or isinstance(given.async_client, GuardedHttpClient):
        raise TypeError(f"cannot wrap a {kind} that is wrapped already")
    parts = getattr(type(client), "_sub_sdk_map", {})
    others = {name: value for name, value in vars(client).items() if name not in parts}
    if not parts or any(hasattr(each, "sdk_configuration") for each in others.values() if each is not client):
        raise TypeError(f"cannot wrap a {kind} of this version of its SDK")
    # The parts, which hold the configuration, are made when they are asked for.
    made = object.__new__(type(client))
    vars(made).update({name: made if value is client else value for name, value in others.items()})
    configuration = copy.copy(given)
    for name in ("client", "async_client"):
        if getattr(given, name) is not None:
            setattr(configuration, name, guard_http_client(getattr(given, name), terms, CALLS))
    made.sdk_configuration = configuration
    made._unguarded = client  # whose connections are closed when nobody holds it
    return unwrap_errors(made)


WRAPPER: Final = Wrapper("mistralai.Mistral", "Guards every call of a client of Mistral's SDK.", wrap)
