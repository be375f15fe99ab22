"""What is a message or a count of Anthropic's API, and the message that refuses."""

from __future__ import annotations

import pytest

from guardrails.errors import BackendError, RequestError
from guardrails.protocols.messages.protocol import COUNT_TOKENS, MESSAGES, refuse
from guardrails.proxy.exchange.answer import parse_answer
from tests.cases import each_case
from tests.proxy.conftest import message


@each_case("raw", [b"{}", b'{"type": "message"}', b'{"type": "message", "content": ["x"]}'])
def test_what_is_no_message_is_the_upstreams_fault(raw: bytes) -> None:
    """Nor a count."""
    for protocol in (MESSAGES, COUNT_TOKENS):
        with pytest.raises(BackendError):
            parse_answer(protocol, raw)
    MESSAGES.check_response(message("x"))
    COUNT_TOKENS.check_response({"input_tokens": 3})


def test_a_count_is_not_streamed() -> None:
    """Who asks for that is told so."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert COUNT_TOKENS.request_payload(body).tree.leaves
    with pytest.raises(RequestError, match="not streamed"):
        COUNT_TOKENS.request_payload({**body, "stream": True})


def test_a_refusal_names_the_model_that_was_asked() -> None:
    """It has an id of its own and cost nothing."""
    refused = refuse("No.", {"model": "a"})
    assert (refused["model"], refused["stop_reason"]) == ("a", "refusal")
    assert refused["id"].startswith("msg_")
    assert refused["content"] == [{"type": "text", "text": "No."}]
    assert refused["usage"] == {"input_tokens": 0, "output_tokens": 0}
