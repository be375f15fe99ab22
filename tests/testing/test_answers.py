"""Answers of APIs: each is one that its own protocol takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guardrails.protocols.registry import load_protocols
from guardrails.testing import Reply
from guardrails.testing.answers import WRITERS, write_answer
from guardrails.types import ToolCall
from tests.cases import each_case

BODIES: dict[str, Any] = {"prompt": "hi", "input": "hi", "messages": []}
WITH_WORDS = [protocol for protocol in load_protocols() if protocol.name in WRITERS]


@each_case("protocol", WITH_WORDS, ids=lambda protocol: protocol.name)
def test_an_answer_is_the_api_s_own(protocol: Any) -> None:
    """It passes the check that the proxy makes, and no field of it is unknown to the field tables."""
    reply = Reply("Hello.", [ToolCall("look", '{"at": "it"}')])
    answer = write_answer(protocol, reply, BODIES)
    protocol.check_response(answer)
    if protocol.read_response is not None:
        tree = protocol.read_response(answer)
        assert tree.unknown == []
        texts = [getattr(leaf.content, "text", "") for leaf in tree.leaves]
        assert ("Hello." in texts) == (
            protocol.refuse is not None or protocol.name in ("ollama.chat", "ollama.generate")
        )


def test_an_api_without_a_writer_says_it_as_it_refuses() -> None:
    """So that a new one has words from its description alone; one without any has none."""
    by_name = {protocol.name: protocol for protocol in load_protocols()}
    new = replace(by_name["anthropic.messages"], name="new.api")
    answer = write_answer(new, Reply("Hello."), {})
    assert answer is not None
    assert answer["content"][0]["text"] == "Hello."
    assert write_answer(by_name["openai.images.generations"], Reply("Hello."), {}) is None
