"""Text completions put together of chunks, and written as chunks."""

from __future__ import annotations

from guardrails.protocols.completions.completions_stream import CompletionCodec
from guardrails.protocols.completions.protocol import write_events
from tests.protocols.conftest import AnswerReader
from tests.proxy.contract_completions import text_completion


def test_chunks_are_put_together() -> None:
    """Lists of log-probabilities are appended; what names no object is a text completion."""
    texts = AnswerReader(CompletionCodec())
    for text, more in (("a", {}), ("b", {"finish_reason": "stop"})):
        spelled = {"tokens": [text], "token_logprobs": [-1.0], "top_logprobs": [{text: -1.0}]}
        texts.take({"id": "c", "choices": [{"index": 0, "text": text, "logprobs": spelled, **more}]})
    assert texts.is_finished
    assert texts.answer() == {
        "id": "c",
        "object": "text_completion",
        "choices": [
            {
                "index": 0,
                "text": "ab",
                "finish_reason": "stop",
                "logprobs": {
                    "tokens": ["a", "b"],
                    "token_logprobs": [-1.0, -1.0],
                    "top_logprobs": [{"a": -1.0}, {"b": -1.0}],
                },
            }
        ],
    }


def test_a_whole_completion_is_written_as_chunks() -> None:
    """With all that stands beside its choices; without a cost there is no last one."""
    whole = text_completion("a", "b", x=1)
    first, second, cost = [event.data for event in write_events(whole)]
    assert (first["choices"], second["choices"]) == ([whole["choices"][0]], [whole["choices"][1]])
    assert (first["x"], "usage" in first, cost["choices"], cost["usage"]) == (1, False, [], whole["usage"])
    assert len([*write_events({**whole, "usage": None})]) == 2
