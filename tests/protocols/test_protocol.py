"""Every protocol is a full table: what its parts take and give fits together."""

from __future__ import annotations

import json

import pytest

from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.errors import Problem
from guardrails.protocols.gemini.protocol import STREAM
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.protocols.ollama.protocol import CHATS, GENERATIONS
from guardrails.protocols.protocol import EventStream, Protocol, StreamFormat, asks_for_stream, count_choices
from guardrails.protocols.registry import load_protocols
from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.proxy.exchange.stream import dump_events
from guardrails.types import Action, Coverage
from guardrails.wire import sse
from tests.protocols.conftest import AnswerReader
from tests.proxy.conftest import completion, message, response
from tests.proxy.contract_ollama import completed, said
from tests.proxy.gemini_kit import gemini_answer

APIS = {
    "chat": CHAT,
    "messages": MESSAGES,
    "responses": RESPONSES,
    "gemini": STREAM,
    "ollama": CHATS,
    "ollama, a prompt": GENERATIONS,
}


def streams_of(protocol: Protocol) -> StreamFormat:
    """Return how the streams of a protocol are read and written."""
    assert protocol.stream is not None
    return protocol.stream


@pytest.fixture
def answers():
    """An answer of each API."""
    return {
        "chat": completion("Hello."),
        "messages": message("Hello."),
        "responses": response("Hello."),
        "gemini": gemini_answer("Hello."),
        "ollama": said("Hello."),
        "ollama, a prompt": completed("Hello."),
    }


def blocked() -> Outcome:
    """Return an outcome that blocks what has no place."""
    return Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset([-1]))


@pytest.mark.parametrize("name", APIS)
def test_an_answer_is_read_written_and_read_again(name, answers) -> None:
    """What is written as events is read as a whole answer, which is written the same once more."""
    protocol, streams = APIS[name], streams_of(APIS[name])
    protocol.check_response(answers[name])
    read = AnswerReader(streams.codec())

    raw = dump_events([*streams.events(answers[name])])

    for event in sse.Events().feed(raw):
        read.take(json.loads(event.data))
    assert read.is_finished
    assert protocol.response_payload(read.answer()).tree.leaves
    assert dump_events([*streams.events(read.answer())]) == raw


@pytest.mark.parametrize("name", APIS)
def test_a_refusal_is_an_answer(name, answers) -> None:
    """With the words that it is given, and none of the model's; it can be streamed like any."""
    protocol = APIS[name]
    leaves = protocol.response_payload(answers[name]).tree

    refused = protocol.withhold(answers[name], leaves, blocked(), "Not that.")

    protocol.check_response(refused)
    raw = dump_events([*streams_of(protocol).events(refused)])
    assert b"Not that." in raw
    assert b"Hello" not in raw


@pytest.mark.parametrize("name", APIS)
def test_a_failure_is_an_event(name) -> None:
    """It holds the error."""
    problem = Problem(502, {"message": "It broke.", "type": "server_error", "param": None, "code": "x"})
    streams = streams_of(APIS[name])

    events = streams.failure(problem, streams.codec())

    assert b"It broke." in dump_events(events)


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
    assert (asks_for_stream(body), count_choices(body)) == (streamed, asked)


@pytest.mark.parametrize("stream", ["true", 1, [], {}])
def test_a_stream_is_asked_for_or_not(stream) -> None:
    """What a server behind might take for either is refused."""
    with pytest.raises(RequestError):
        asks_for_stream({"stream": stream})


def test_events_are_sent_as_they_are() -> None:
    """Unless an API writes its streams otherwise."""
    events = EventStream()
    assert (events.feed(b"data: {}\n\n: x\n\n"), events.flush()) == (b"data: {}\n\n: x\n\n", b"")


def test_each_protocol_has_a_name_and_a_call_of_its_own() -> None:
    """No two stand at one path of the proxy, or of an SDK."""
    protocols = load_protocols()
    for rows in (
        [protocol.name for protocol in protocols],
        [(each.method, each.provider.root + each.path) for each in protocols if each.is_served],
        [(each.method, each.provider.sdk_root + each.path) for each in protocols if each.is_wrapped],
    ):
        assert len({*rows}) == len(rows) > 10
    assert all(each.read_request is not None for each in protocols if each.is_served)


@pytest.mark.parametrize(
    "protocol", [each for each in load_protocols() if each.refuse], ids=lambda each: each.name
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_of_a_request_is_an_answer(protocol: Protocol, stream: bool) -> None:
    """With the words that it is given, which its own reader finds in it."""
    assert protocol.refuse is not None
    refused = protocol.refuse("Not that.", {"model": "m", "stream": stream})
    if not protocol.refuses_in_kind:
        protocol.check_response(refused)
    texts = [getattr(leaf.content, "text", "") for leaf in protocol.response_payload(refused).tree.leaves]
    assert "Not that." in texts
