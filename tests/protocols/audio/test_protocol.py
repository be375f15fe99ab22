"""Speech and transcripts: held to their end; an answer of which anything is stopped is an error."""

from __future__ import annotations

import pytest

from guardrails.engine.model import Outcome
from guardrails.errors import BackendError, RequestError
from guardrails.protocols.audio.protocol import PROTOCOLS, TRANSCRIPTIONS
from guardrails.protocols.protocol import Protocol
from guardrails.types import Action, Coverage
from tests.cases import each_case


@each_case("protocol", PROTOCOLS, ids=lambda each: each.name)
def test_nothing_is_sent_as_it_comes(protocol: Protocol) -> None:
    """What is no boolean is refused."""
    assert not protocol.is_streamed({"stream": True})
    with pytest.raises(RequestError):
        protocol.is_streamed({"stream": "yes"})


def test_a_blocked_transcript_is_an_error() -> None:
    """One that is edited is not."""
    answer = {"text": "a b"}
    leaves = TRANSCRIPTIONS.response_payload(answer).tree
    blocked = Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset([0]))
    with pytest.raises(BackendError, match="Not that"):
        TRANSCRIPTIONS.withhold(answer, leaves, blocked, "Not that.")
    edited = Outcome(Action.REDACT, (), (), (), Coverage(), (), True, edits={0: "a [X]"})
    assert TRANSCRIPTIONS.withhold(answer, leaves, edited, "") == {"text": "a [X]"}
