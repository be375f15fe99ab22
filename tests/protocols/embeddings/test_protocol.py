"""What is a list of embeddings; one that holds something that is stopped is an error."""

from __future__ import annotations

import pytest

from guardrails.engine.model import Outcome
from guardrails.errors import BackendError
from guardrails.protocols.embeddings.protocol import EMBEDDINGS
from guardrails.proxy.exchange.answer import parse_answer
from guardrails.types import Action, Coverage
from tests.cases import each_case


@each_case("raw", [b"{}", b'{"data": {}}', b'{"data": ["x"]}'])
def test_what_is_no_list_is_the_upstreams_fault(raw: bytes) -> None:
    """It has no data."""
    with pytest.raises(BackendError, match="no data"):
        parse_answer(EMBEDDINGS, raw)


def test_a_blocked_answer_is_an_error() -> None:
    """No vector could refuse."""
    answer = {"data": [{"embedding": [0.1], "note": "x"}]}
    leaves = EMBEDDINGS.response_payload(answer).tree
    blocked = Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset([0]))
    with pytest.raises(BackendError, match="Not that") as caught:
        EMBEDDINGS.withhold(answer, leaves, blocked, "Not that.")
    assert caught.value.code == "content_filter"
    clean = Outcome(Action.ALLOW, (), (), (), Coverage(), (), True)
    assert EMBEDDINGS.withhold(answer, leaves, clean, "") == answer
