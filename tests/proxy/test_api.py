"""Every API is a full table: what its parts take and give fits together."""

from __future__ import annotations

import json

import pytest

from guardrails.engine.outcome import Outcome
from guardrails.proxy import chat, messages, responses, sse
from guardrails.proxy.errors import problem
from guardrails.types import Action, Coverage

APIS = {"chat": chat.CHAT, "messages": messages.MESSAGES, "responses": responses.RESPONSES}


@pytest.fixture
def answers(kit):
    """An answer of each API."""
    return {
        "chat": kit.completion("Hello."),
        "messages": kit.message("Hello."),
        "responses": kit.response("Hello."),
    }


def blocked() -> Outcome:
    """Return an outcome that blocks what has no place."""
    return Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset([-1]))


@pytest.mark.parametrize("name", APIS)
def test_an_answer_is_read_written_and_read_again(name, answers) -> None:
    """What the writer writes, the collector takes for a whole answer, which replays as it was written."""
    api = APIS[name]
    answer = api.parsed(json.dumps(answers[name]).encode())
    collector = api.collector()

    raw = api.written(answer)

    assert [collector.take(event) for event in sse.Events().feed(raw)][-1]
    assert api.response(collector.answer(), "", "", "").found
    assert collector.replay() == raw


@pytest.mark.parametrize("name", APIS)
def test_a_refusal_is_an_answer(name, answers) -> None:
    """With the words that it is given, and none of the model's; it can be streamed like any."""
    api = APIS[name]
    leaves = api.response(answers[name], "", "", "")

    refused = api.withheld(answers[name], leaves, blocked(), "Not that.")

    assert api.parsed(json.dumps(refused).encode()) == refused
    raw = api.written(refused)
    assert b"Not that." in raw
    assert b"Hello" not in raw


@pytest.mark.parametrize("name", APIS)
def test_a_failure_is_an_event(name) -> None:
    """It holds the error, and ends with an empty line."""
    raw = APIS[name].failed(problem(502, "upstream_invalid", "It broke."))

    assert b"It broke." in raw
    assert raw.endswith(b"\n\n")
