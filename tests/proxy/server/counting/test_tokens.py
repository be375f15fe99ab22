"""The tokens that upstreams say an answer took."""

from __future__ import annotations

from guardrails.proxy.server.counting.tokens import TokenCount
from tests.cases import each_case


@each_case(
    ("events", "expected"),
    [
        ([{"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}], [3, 4]),
        ([{"choices": []}, {"usage": None}, {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}], [3, 4]),
        (
            [
                {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}},
                {"type": "message_delta", "usage": {"output_tokens": 5}},
            ],
            [9, 5],
        ),
        ([{"type": "response.completed", "response": {"usage": {"input_tokens": 1, "output_tokens": 2}}}], [1, 2]),
        (
            [
                {"usageMetadata": {"promptTokenCount": 6, "candidatesTokenCount": 1}},
                {"usageMetadata": {"promptTokenCount": 6, "candidatesTokenCount": 8}},
            ],
            [6, 8],
        ),
        ([{"done": True, "prompt_eval_count": 11, "eval_count": 12}], [11, 12]),
        ([{"usage": {"prompt_tokens": "3", "completion_tokens": True}}, {"usage": [1]}, {"message": "x"}], [0, 0]),
        ([{"usage": {"prompt_tokens": -3, "completion_tokens": 1 << 50}}], [0, 0]),
        ([{}], [0, 0]),
    ],
)  # fmt: skip
def test_tokens_are_those_that_an_answer_tells(events, expected) -> None:
    """In every API; of a stream the last count, and nothing that is no number."""
    tokens = TokenCount()
    told = [(event, "", b"") for event in events]
    assert [*tokens.watch(told)] == told
    assert tokens.counts == expected
