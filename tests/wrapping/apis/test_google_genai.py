"""The calls of Google's Gen AI SDK, for both of its services; the released SDK itself is in `tests/system/clients/`."""

from __future__ import annotations

import pytest

from guardrails import Guard, RequestError
from guardrails.protocols.gemini.protocol import COUNT_TOKENS, GENERATE, STREAM
from guardrails.wrapping.apis.google_genai import CALLS, wrap
from guardrails.wrapping.sdk.exchange import Terms

VERTEX = "/v1beta1/projects/p/locations/global/publishers/google/models/gemini"


def test_the_calls_that_are_guarded() -> None:
    """Of models of any name; pictures, vectors, caches, batches and what no table names are refused."""
    for root in ("/v1beta/models/gemini", "/v1beta/tunedModels/mine", VERTEX):
        assert CALLS.find("POST", f"{root}:generateContent") is GENERATE
        assert CALLS.find("post", f"{root}:streamGenerateContent?alt=sse") is STREAM
        assert CALLS.find("POST", f"{root}:countTokens") is COUNT_TOKENS
    assert CALLS.find("GET", "/v1beta/models") is None
    assert CALLS.find("GET", "/v1beta/files/1") is None
    for method, url in (
        ("POST", f"{VERTEX}:predict"),
        ("POST", "/v1beta/models/e:batchEmbedContents"),
        ("POST", "/v1beta/cachedContents"),
        ("POST", "/v1beta/batches"),
    ):
        with pytest.raises(RequestError):
            CALLS.find(method, url)


def test_a_client_of_another_package_of_google_is_none_of_these() -> None:
    """Several packages have the first name and the name of the class."""
    other = type("Client", (), {"__module__": "google.cloud.storage.client"})
    with pytest.raises(TypeError, match=r"a Client of google\.cloud"):
        wrap(other(), Terms(Guard.load("default"), answers=False))
