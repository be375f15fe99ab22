"""The calls of Cohere's SDK: the chat of version 2, and those in which there is nothing to judge."""

from __future__ import annotations

from typing import Any, Final

from guardrails.types import Stage
from guardrails.wrapping.guard_errors import unwrapped_class
from guardrails.wrapping.http.http_client import GuardedHttpClient, guard_http_client
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import Calls, calls_of
from guardrails.wrapping.sdk.exchange import Terms

UNJUDGED = ("GET /**/v1/models", "GET /**/v1/models/*", "POST /**/v1/check-api-key", "GET /**/v1/datasets")
"""Calls in which nothing is a prompt or an answer of a model."""

CALLS = Calls({**calls_of("cohere"), **dict.fromkeys(UNJUDGED, None)})
"""What a wrapped client may call. All else is refused: the chat of version 1, vectors, ranks, and what the server keeps."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of the same class with a guard around every call; both share their connections.

    It is made anew, as the SDK keeps methods of the client that it made, which would lead around the guard.

    Raises:
        ValueError: another stage is named for its answers.
        TypeError: it is wrapped already, or cannot be made anew.
    """
    kind = type(client).__name__
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is for functions: a client's calls say where their answers stand")
    given = client._client_wrapper
    inner = given.httpx_client.httpx_client
    if isinstance(inner, GuardedHttpClient):
        raise TypeError(f"cannot wrap a {kind} that is wrapped already")
    try:
        made = unwrapped_class(type(client))(
            api_key=given._token,
            base_url=given.get_base_url(),
            client_name=given._client_name,
            timeout=given.get_timeout(),
            max_retries=given.get_max_retries(),
            httpx_client=guard_http_client(inner, terms, CALLS),
        )
    except TypeError as error:
        raise TypeError(f"cannot wrap a {kind} whose class is made in another way: {error}") from None
    made._client_wrapper._headers = given.get_custom_headers()
    made._unguarded = client  # whose connections are closed when nobody holds it
    return made


WRAPPER: Final = Wrapper("cohere.ClientV2", "Guards every call of a client of Cohere's SDK.", wrap)
