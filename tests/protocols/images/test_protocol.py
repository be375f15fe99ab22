"""Pictures written as events; an answer of which anything is stopped is an error."""

from __future__ import annotations

import pytest

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import BackendError
from guardrails.protocols.errors import Problem
from guardrails.protocols.images.protocol import EDITS, GENERATIONS, VARIATIONS
from guardrails.types import Action, Coverage


def test_a_whole_answer_is_written_as_an_event_for_each_picture() -> None:
    """Named by what was asked for, with what the answer says of all of them."""
    answer = {"created": 7, "size": "1x1", "data": [{"b64_json": "a"}, {"b64_json": "b"}]}
    for protocol, kind in ((GENERATIONS, "image_generation"), (EDITS, "image_edit")):
        assert protocol.event_answers is not None
        events = [*protocol.event_answers.events(answer)]
        assert [event.kind for event in events] == [f"{kind}.completed"] * 2
        assert [event.data["b64_json"] for event in events] == ["a", "b"]
        assert all((event.data["size"], event.data["created_at"]) == ("1x1", 7) for event in events)


def test_a_failure_is_an_event_in_the_words_of_the_api() -> None:
    """Where something is blocked."""
    assert GENERATIONS.event_answers is not None
    problem = Problem(400, {"message": "No.", "type": "x", "param": "messages", "code": "content_filter"})
    (event,) = GENERATIONS.event_answers.failure(problem, None)
    assert (event.kind, event.data["error"]["code"]) == ("error", "moderation_blocked")


def test_a_blocked_answer_is_an_error() -> None:
    """No picture could refuse."""
    blocked = Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset([-1]))
    with pytest.raises(BackendError, match="Not that"):
        VARIATIONS.withhold({"data": []}, ContentTree(), blocked, "Not that.")
