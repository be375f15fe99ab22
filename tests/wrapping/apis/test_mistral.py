"""The calls of Mistral's SDK; the released SDK itself is in `tests/system/clients/`."""

from __future__ import annotations

import pytest

from guardrails import RequestError
from guardrails.protocols.mistral.protocol import AGENTS, CHATS, FILLS, VECTORS
from guardrails.wrapping.apis.mistral import CALLS


def test_the_calls_that_are_guarded() -> None:
    """Wherever the server stands; what the server keeps, and what no table names, is refused."""
    for url, protocol in (
        ("/v1/chat/completions", CHATS),
        ("/behind/v1/agents/completions", AGENTS),
        ("/v1/fim/completions", FILLS),
        ("/v1/embeddings", VECTORS),
    ):
        assert CALLS.find("POST", url) is protocol
    assert CALLS.find("GET", "/v1/models") is None
    for method, url in (("POST", "/v1/conversations"), ("POST", "/v1/batch/jobs"), ("POST", "/v1/ocr")):
        with pytest.raises(RequestError):
            CALLS.find(method, url)
