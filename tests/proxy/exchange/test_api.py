"""Every API is a full table: what its parts take and give fits together."""

from __future__ import annotations

import json

import pytest

from guardrails.engine.core.outcome import Outcome
from guardrails.errors import RequestError
from guardrails.proxy.exchange.api import Events, asks_for_stream, choices
from guardrails.proxy.routes import gemini, messages, ollama
from guardrails.proxy.routes.openai import chat, responses
from guardrails.proxy.server.errors import build_problem
from guardrails.types import Action, Coverage
from guardrails.wire import sse
from tests.proxy.contract_ollama import completed, said
from tests.proxy.gemini_kit import gemini_answer

APIS = {
    "chat": chat.CHAT,
    "messages": messages.MESSAGES,
    "responses": responses.RESPONSES,
    "gemini": gemini.STREAM,
    "ollama": ollama.MESSAGES,
    "ollama, a prompt": ollama.COMPLETIONS,
}


@pytest.fixture
def answers(kit):
    """An answer of each API."""
    return {
        "chat": kit.completion("Hello."),
        "messages": kit.message("Hello."),
        "responses": kit.response("Hello."),
        "gemini": gemini_answer("Hello."),
        "ollama": said("Hello."),
        "ollama, a prompt": completed("Hello."),
    }


def blocked() -> Outcome:
    """Return an outcome that blocks what has no place."""
    return Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset([-1]))


@pytest.mark.parametrize("name", APIS)
def test_an_answer_is_read_written_and_read_again(name, answers) -> None:
    """What the writer writes, the collector takes for a whole answer, which is written the same once more."""
    api = APIS[name]
    answer = api.parsed(json.dumps(answers[name]).encode())
    collector = api.collector()

    raw = api.written(answer)

    for event in sse.Events().feed(raw.removesuffix(api.tail)):
        collector.take(json.loads(event.data))
    assert collector.finished
    assert api.response(collector.answer()).found
    assert api.written(collector.answer()) == raw


@pytest.mark.parametrize("name", APIS)
def test_a_refusal_is_an_answer(name, answers) -> None:
    """With the words that it is given, and none of the model's; it can be streamed like any."""
    api = APIS[name]
    leaves = api.response(answers[name])

    refused = api.withheld(answers[name], leaves, blocked(), "Not that.")

    assert api.parsed(json.dumps(refused).encode()) == refused
    raw = api.written(refused)
    assert b"Not that." in raw
    assert b"Hello" not in raw


@pytest.mark.parametrize("name", APIS)
def test_a_failure_is_an_event(name) -> None:
    """It holds the error, and ends with an empty line."""
    raw = APIS[name].failed(build_problem(502, "upstream_invalid", "It broke."))

    assert b"It broke." in raw
    assert raw.endswith(b"\n\n")


@pytest.mark.parametrize(
    ("body", "streamed", "asked"),
    [
        ({}, False, 1),
        ({"stream": None, "n": None}, False, 1),
        ({"stream": False, "n": 3}, False, 3),
        ({"stream": True, "n": "3"}, True, 1),
        ({"n": 2, "prompt": ["a", "b"]}, False, 4),
        ({"prompt": "ab"}, False, 1),
    ],
)
def test_a_body_says_what_it_asks_for(body, streamed, asked) -> None:
    """Whether for a stream, and for how many choices, unless an API has it otherwise."""
    assert (asks_for_stream(body), choices(body)) == (streamed, asked)


@pytest.mark.parametrize("stream", ["true", 1, [], {}])
def test_a_stream_is_asked_for_or_not(stream) -> None:
    """What a server behind might take for either is refused."""
    with pytest.raises(RequestError):
        asks_for_stream({"stream": stream})


def test_events_are_sent_as_they_are() -> None:
    """Unless an API writes its streams otherwise."""
    events = Events()
    assert (events.feed(b"data: {}\n\n: x\n\n"), events.flush()) == (b"data: {}\n\n: x\n\n", b"")
