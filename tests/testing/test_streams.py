"""Streams of APIs: however a text is cut, the assembler of the protocol makes the same answer of it."""

from __future__ import annotations

import json
from typing import Any

from guardrails.protocols.registry import load_protocols
from guardrails.testing import Reply
from guardrails.testing.answers import write_answer
from guardrails.testing.streams import write_stream
from guardrails.types import ToolCall
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader

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


@each_case("protocol", STREAMING, ids=lambda protocol: protocol.name)
@each_case("cut", [0, 1, 5])
def test_a_cut_stream_is_the_whole_answer(protocol: Any, cut: int) -> None:
    """Texts and calls of tools; each event is a piece of bytes by itself, and more cuts make more of them."""
    reply = Reply(TEXT, [ToolCall("look", '{"at": "it"}')], cut=cut)
    answer = write_answer(protocol, reply, {"stream": True, "prompt": "x"})
    pieces = write_stream(protocol.name, protocol.stream, answer, reply.pieces)
    reader, assembler = protocol.stream.framing.reader(), AnswerReader(protocol.stream.codec())
    for piece in pieces:
        for event in reader.feed(piece):
            if event.data not in (b"", b"[DONE]"):
                assembler.take(json.loads(event.data))
    whole = assembler.answer()
    protocol.check_response(whole)

    def texts(body: Any) -> list[str]:
        return [
            leaf.content.text for leaf in protocol.read_response(body).leaves if hasattr(leaf.content, "text")
        ]

    assert sorted(texts(whole)) == sorted(texts(answer))
    assert len(pieces) >= len(reply.pieces(TEXT))
