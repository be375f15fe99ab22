"""Bedrock's Converse API as one description."""

from __future__ import annotations

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.bedrock.protocol import CONVERSE, PROTOCOLS, STREAM


def test_an_answer_has_a_message() -> None:
    """All else is none."""
    for answer in ({}, {"output": {}}, {"output": {"message": {"content": "x"}}}):
        with pytest.raises(BackendError):
            CONVERSE.check_response(answer)


def test_whether_it_streams_its_path_says() -> None:
    """The body does not; the proxy has no routes of it."""
    assert [protocol.is_streamed({}) for protocol in (CONVERSE, STREAM)] == [False, True]
    assert not any(protocol.is_served for protocol in PROTOCOLS)
