"""Cohere's chat API as one description."""

from __future__ import annotations

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.cohere.protocol import CHAT


def test_an_answer_has_a_message() -> None:
    """All else is none; the proxy has no route of it."""
    for answer in ({}, {"message": "x"}):
        with pytest.raises(BackendError):
            CHAT.check_response(answer)
    CHAT.check_response({"message": {}})
    assert not CHAT.is_served
