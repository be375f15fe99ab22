"""Every protocol is a full table: what its parts take and give fits together."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.completions.protocol import COMPLETIONS
from guardrails.protocols.errors import Problem
from guardrails.protocols.gemini.protocol import STREAM
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.protocols.ollama.protocol import CHATS, GENERATIONS
from guardrails.protocols.protocol import EventStream, Protocol, StreamFormat, asks_for_stream, count_choices
from guardrails.protocols.registry import load_protocols
from guardrails.protocols.responses.event_writer import REQUIRED
from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.protocols.streaming.codec import dump_events
from guardrails.types import Action, Coverage
from guardrails.wire import sse
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader
from tests.proxy.conftest import completion, message, response
from tests.proxy.contract_completions import text_completion
from tests.proxy.contract_ollama import completed, said
from tests.proxy.gemini_kit import gemini_answer

APIS = {
    "chat": CHAT,
    "completions": COMPLETIONS,
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
        "completions": text_completion("Hello."),
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


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = TEXT.filter(bool)
CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USAGE = {"total_tokens": 3}


def fields(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw objects with these fields, or without some of them."""
    return st.fixed_dictionaries({}, optional=more)


def choices(choice: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Draw choices, each with its index."""
    return st.lists(choice, min_size=1, max_size=3).map(
        lambda drawn: [{**each, "index": index} for index, each in enumerate(drawn)]
    )


def parts(*kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Draw parts of which no two of a kind follow each other."""
    return st.lists(st.sampled_from(range(len(kinds))), max_size=4).flatmap(
        lambda drawn: st.tuples(*(kinds[kind] for kind, _ in itertools.groupby(drawn))).map(list)
    )


WHOLE: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "chat": st.builds(
        lambda own, more: {**completion("x"), "choices": own, **more},
        choices(
            st.builds(
                lambda content, more: {
                    "message": {"role": "assistant", "content": content, **more},
                    "finish_reason": "stop",
                },
                TEXT,
                fields(refusal=WORDS, x_new=WORDS, tool_calls=st.just([CALL])),
            )
        ),
        fields(usage=st.just(USAGE), x_note=WORDS),
    ),
    "completions": st.builds(
        lambda own, more: {**text_completion("x"), "choices": own, **more},
        choices(
            st.builds(
                lambda text, more: {"text": text, "finish_reason": "stop", **more}, TEXT, fields(x_new=WORDS)
            )
        ),
        fields(usage=st.just(USAGE), x_note=WORDS),
    ),
    "messages": st.builds(
        lambda blocks: {**message("x"), "content": blocks},
        st.lists(
            st.one_of(
                st.builds(lambda text, more: {"type": "text", "text": text, **more}, TEXT, fields(citations=st.lists(st.builds(lambda text: {"cited_text": text}, TEXT)))),
                st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, TEXT, TEXT),
                st.builds(lambda text: {"type": "tool_use", "id": "t", "name": "f", "input": text}, WORDS),
                st.builds(lambda text: {"type": "web_search_tool_result", "tool_use_id": "t", "content": text}, TEXT),
            ),
            max_size=4,
        ),
    ),
    "responses": st.builds(
        lambda text, notes: {**REQUIRED, **response("x"), "output": [{"type": "message", "id": "m", "content": [{"type": "output_text", "text": text, "annotations": notes}]}]},
        TEXT,
        st.lists(TEXT.map(lambda text: {"title": text}), max_size=2),
    ),
    "gemini": st.builds(
        lambda own, more: {**gemini_answer("x"), "candidates": own, **more},
        choices(
            st.builds(
                lambda parts: {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"},
                parts(
                    st.builds(lambda text: {"text": text}, TEXT),
                    st.builds(lambda text: {"text": text, "thought": True}, TEXT),
                    st.just({"functionCall": {"name": "f", "args": {}}}),
                ),
            )
        ),
        fields(x_note=WORDS),
    ),
    "ollama": st.builds(
        lambda text, more: {**said("x"), "message": {"role": "assistant", "content": text, **more}},
        TEXT,
        fields(thinking=WORDS, tool_calls=st.just([CALL, CALL]), x_new=WORDS),
    ),
    "ollama, a prompt": st.builds(
        lambda text, more: {**completed("x"), "response": text, **more}, TEXT, fields(thinking=WORDS, x_new=WORDS)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", APIS)
@given(data=st.data())
def test_what_is_written_as_events_is_read_again(name: str, data: st.DataObject) -> None:
    """Whatever an answer says."""
    answer, streams = data.draw(WHOLE[name]), streams_of(APIS[name])
    read = AnswerReader(streams.codec())
    for event in streams.events(answer):
        assert not read.is_finished or name in ("chat", "completions")
        read.take(event.data)
    assert read.is_finished
    assert read.answer() == answer


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


@each_case("name", APIS)
def test_a_failure_is_an_event(name) -> None:
    """It holds the error."""
    problem = Problem(502, {"message": "It broke.", "type": "server_error", "param": None, "code": "x"})
    streams = streams_of(APIS[name])

    events = streams.failure(problem, streams.codec())

    assert b"It broke." in dump_events(events)


@each_case(
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


@each_case("stream", ["true", 1, [], {}])
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


@each_case("protocol", [each for each in load_protocols() if each.refuse], ids=lambda each: each.name)
@each_case("stream", [False, True])
def test_a_refusal_of_a_request_is_an_answer(protocol: Protocol, stream: bool) -> None:
    """With the words that it is given, which its own reader finds in it."""
    assert protocol.refuse is not None
    refused = protocol.refuse("Not that.", {"model": "m", "stream": stream})
    if not protocol.refuses_in_kind:
        protocol.check_response(refused)
    texts = [getattr(leaf.content, "text", "") for leaf in protocol.response_payload(refused).tree.leaves]
    assert "Not that." in texts
