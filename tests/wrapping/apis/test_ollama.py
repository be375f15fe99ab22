"""The calls of Ollama's SDK; the released SDK itself is in `tests/system/clients/`."""

from __future__ import annotations

import pytest

from guardrails import RequestError
from guardrails.protocols.ollama.protocol import CHATS, EMBED, GENERATIONS
from guardrails.wrapping.apis.ollama import CALLS


def test_the_calls_that_are_guarded() -> None:
    """Wherever the server stands; models that are made with prompts, searches, and what no table names are refused."""
    for url, protocol in (("/api/chat", CHATS), ("/behind/api/generate", GENERATIONS), ("/api/embed", EMBED)):
        assert CALLS.find("POST", url) is protocol
    for method, url in (("GET", "/api/tags"), ("POST", "/api/pull"), ("POST", "/api/blobs/sha256:1")):
        assert CALLS.find(method, url) is None
    for method, url in (("POST", "/api/create"), ("POST", "/api/web_search"), ("GET", "/api/chat")):
        with pytest.raises(RequestError):
            CALLS.find(method, url)
