"""The calls of Cohere's SDK; the released SDK itself is in `tests/system/clients/`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx2 as httpx
import pytest

from guardrails import RequestError
from guardrails.protocols.cohere.protocol import CHAT
from guardrails.testing import FakeGuard
from guardrails.wrapping.apis.cohere import CALLS, wrap
from guardrails.wrapping.sdk.exchange import Terms


def test_the_calls_that_are_guarded() -> None:
    """Wherever the server stands; version 1, vectors and ranks are refused."""
    assert CALLS.find("POST", "/behind/v2/chat") is CHAT
    assert CALLS.find("GET", "/v1/models") is None
    for method, url in (("POST", "/v1/chat"), ("POST", "/v2/embed"), ("POST", "/v2/rerank")):
        with pytest.raises(RequestError):
            CALLS.find(method, url)


def test_a_client_of_another_class_cannot_be_made_anew() -> None:
    """Its own arguments are not known; it is not wrapped in part."""
    held: Any = SimpleNamespace(
        _token="none",
        _client_name=None,
        httpx_client=SimpleNamespace(httpx_client=httpx.Client()),
        **{name: lambda: None for name in ("get_base_url", "get_timeout", "get_max_retries")},
    )

    class Own:
        _client_wrapper = held

    with pytest.raises(TypeError, match="made in another way"):
        wrap(Own(), Terms(FakeGuard(), answers=False))
