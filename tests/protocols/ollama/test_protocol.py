"""What is an answer of Ollama's API, and what asks for a stream there."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.ollama.protocol import CHATS, EMBED, GENERATIONS, SHOW
from guardrails.protocols.protocol import Protocol
from tests.cases import each_case


@each_case(
    ("protocol", "wrong", "right"),
    [
        (CHATS, {"response": "x"}, {"message": {"content": "x"}}),
        (GENERATIONS, {"message": {}}, {"response": "x"}),
        (EMBED, {"embeddings": "x"}, {"embedding": [0.1]}),
    ],
    ids=["chat", "generate", "embed"],
)
def test_what_is_no_answer_is_the_upstreams_fault(protocol: Protocol, wrong: Any, right: Any) -> None:
    """It lacks what people, or programs, read."""
    with pytest.raises(BackendError, match="malformed"):
        protocol.check_response(wrong)
    protocol.check_response(right)


def test_a_stream_is_the_default() -> None:
    """Where there is one."""
    for body, streamed in (({}, True), ({"stream": None}, True), ({"stream": False}, False)):
        assert CHATS.is_streamed(body) is streamed
        assert not EMBED.is_streamed(body)
        assert not SHOW.is_streamed(body)
