"""What is a response, and the response that refuses."""

from __future__ import annotations

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.responses.protocol import INPUT_TOKENS, RESPONSES, STORED, refuse
from guardrails.proxy.exchange.answer import parse_answer
from tests.cases import each_case
from tests.proxy.conftest import response


@each_case("raw", [b"{}", b'{"object": "response"}', b'{"object": "response", "output": ["x"]}'])
def test_what_is_no_response_is_the_upstreams_fault(raw: bytes) -> None:
    """A list of items alone is none either."""
    with pytest.raises(BackendError):
        parse_answer(RESPONSES, raw)
    RESPONSES.check_response(response("x"))


def test_a_refusal_repeats_the_settings_of_the_request() -> None:
    """And none of its texts."""
    body = {
        "model": "m",
        "input": "hi",
        "instructions": "Be brief.",
        "temperature": 0.5,
        "metadata": {"a": "b"},
    }
    refused = refuse("No.", body)
    assert (refused["model"], refused["temperature"], refused["metadata"]) == ("m", 0.5, {"a": "b"})
    assert (refused["status"], refused["instructions"]) == ("incomplete", None)
    assert refused["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
    assert refused["id"].startswith("resp_")


def test_what_is_fetched_is_judged_as_an_answer() -> None:
    """There is nothing to judge of the request for it; a count of tokens has nothing to judge in its answer."""
    assert STORED.read_request is None
    assert STORED.response_payload(response("x")).tree.leaves
    assert INPUT_TOKENS.read_response is None
