"""Streams of APIs: however a text is cut, the assembler of the protocol makes the same answer of it."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.protocols.registry import load_protocols
from guardrails.testing import Reply
from guardrails.testing.answers import write_answer
from guardrails.testing.streams import write_stream
from guardrails.types import ToolCall
from tests.testing.whole_answers import read_whole

SAYING = {
    "openai.chat",
    "openai.completions",
    "openai.responses",
    "anthropic.messages",
    "gemini.stream",
    "ollama.chat",
    "ollama.generate",
}
STREAMING = [each for each in load_protocols() if each.name in SAYING]
TEXT = "Hello there, 😀 friend."


@pytest.mark.parametrize("protocol", STREAMING, ids=lambda protocol: protocol.name)
@pytest.mark.parametrize("cut", [0, 1, 5])
def test_a_cut_stream_is_the_whole_answer(protocol: Any, cut: int) -> None:
    """Texts and calls of tools; each event is a piece of bytes by itself, and more cuts make more of them."""
    reply = Reply(TEXT, [ToolCall("look", '{"at": "it"}')], cut=cut)
    answer = write_answer(protocol, reply, {"stream": True, "prompt": "x"})
    pieces = write_stream(protocol.name, protocol.stream, answer, reply.pieces)
    whole, count = read_whole(protocol, pieces)
    protocol.check_response(whole)

    def texts(body: Any) -> list[str]:
        return [
            leaf.content.text for leaf in protocol.read_response(body).leaves if hasattr(leaf.content, "text")
        ]

    assert sorted(texts(whole)) == sorted(texts(answer))
    assert count >= len(reply.pieces(TEXT))
