"""What is an answer of Gemini's API, and what its requests ask for."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.gemini.protocol import COUNT_TOKENS, GENERATE, count_candidates
from guardrails.proxy.exchange.answer import parse_answer
from tests.cases import each_case


@each_case(
    "raw", [b"x", b"[]", b"{}", b'{"candidates": {}}', b'{"candidates": ["x"]}', b'{"promptFeedback": 1}']
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    """And what is no count."""
    with pytest.raises(BackendError):
        parse_answer(GENERATE, raw)
    with pytest.raises(BackendError):
        parse_answer(COUNT_TOKENS, raw)


@each_case(
    ("body", "count"),
    [
        ({}, 1),
        ({"generationConfig": {"candidateCount": 3}}, 3),
        ({"generation_config": {"candidate_count": 2}}, 2),
        ({"generationConfig": {"candidateCount": "2"}}, 1),
        ({"generationConfig": "x"}, 1),
    ],
)
def test_how_many_candidates_are_asked_for(body: Any, count: int) -> None:
    """In either spelling."""
    assert count_candidates(body) == count
