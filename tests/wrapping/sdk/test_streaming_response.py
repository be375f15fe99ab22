"""Streams that go on as they grow: bytes in, what may go on out; and OpenAI's released SDK before an upstream that waits."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import BackendError, Blocked, Guard
from guardrails.protocols.chat.protocol import CHAT
from guardrails.protocols.completions.protocol import COMPLETIONS
from guardrails.protocols.embeddings.protocol import EMBEDDINGS
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.responses.event_writer import REQUIRED
from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.wrapping.sdk.buffered_response import BufferedResponse
from guardrails.wrapping.sdk.events import END, ClientEvent, ClientEventReader
from guardrails.wrapping.sdk.exchange import JSON, STREAM, Exchange, Terms
from guardrails.wrapping.sdk.streaming_response import StreamingResponse, judge_response
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
WORDS = st.lists(
    st.sampled_from(["zqx", "mask", "bomb", " ", "fine", "\n", "é", "😀", '"', "z", ". "]), max_size=12
).map("".join)
HEAD = {"id": "c", "created": 1, "model": "m"}


def dump(events: list[ClientEvent], *, done: bool) -> bytes:
    """Return the bytes of a stream."""
    return b"".join(event.dump() for event in events) + (END if done else b"")


def chat_events(pieces: list[str]) -> list[dict[str, Any]]:
    """Return the chunks of a completion."""
    deltas = [({"content": piece}, None) for piece in pieces] + [({}, "stop")]
    return [
        {
            **HEAD,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": why}],
        }
        for delta, why in deltas
    ]


def text_events(pieces: list[str]) -> list[dict[str, Any]]:
    """Return the chunks of a text completion."""
    texts = [(piece, None) for piece in pieces] + [("", "stop")]
    return [
        {**HEAD, "object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": why}]}
        for text, why in texts
    ]


def message_events(pieces: list[str]) -> list[dict[str, Any]]:
    """Return the events of a message of Anthropic's."""
    head = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 1},
    }
    return [
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": each}}
            for each in pieces
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]


def response_events(pieces: list[str]) -> list[dict[str, Any]]:
    """Return the events of a response of OpenAI's."""
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "".join(pieces), "annotations": []}
    item = {"id": "i", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    begun = {**item, "status": "in_progress", "content": []}
    whole = {**REQUIRED, "id": "r", "output": [item]}
    events = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **place, "delta": each} for each in pieces),
        {"type": "response.output_text.done", **place, "text": part["text"]},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [{**event, "sequence_number": at} for at, event in enumerate(events)]


APIS: dict[str, tuple[Protocol, Any, Any]] = {
    "chat": (
        CHAT,
        chat_events,
        lambda data: data["choices"][0]["delta"].get("content") if data["choices"] else "",
    ),
    "completions": (COMPLETIONS, text_events, lambda data: data["choices"][0]["text"]),
}
TYPED: dict[str, tuple[Protocol, Any, Any]] = {
    "messages": (MESSAGES, message_events, lambda data: data.get("delta", {}).get("text")),
    "responses": (
        RESPONSES,
        response_events,
        lambda data: data["delta"] if data["type"] == "response.output_text.delta" else "",
    ),
}


def exchange(guard: Guard, api: Protocol, *, answers: bool = False) -> Exchange:
    """Return an exchange of which nothing was judged yet."""
    return Exchange(Terms(guard, answers), api, {"stream": True})


def released(made: Exchange, pieces: list[bytes]) -> Iterator[bytes]:
    """Return what may go on of a stream, by its pieces."""
    return StreamingResponse(made).released(pieces)


def data_of(raw: bytes) -> list[Any]:
    """Return the data of a stream's events."""
    return [event.data for event in ClientEventReader().feed(raw)]


def test_only_streams_go_on_as_they_grow(policy_guard: Guard) -> None:
    """And only of APIs whose events can be told."""
    assert isinstance(judge_response(exchange(policy_guard, CHAT), STREAM), StreamingResponse)
    assert isinstance(judge_response(exchange(policy_guard, CHAT), JSON), BufferedResponse)
    assert isinstance(judge_response(exchange(policy_guard, EMBEDDINGS), STREAM), BufferedResponse)


@pytest.mark.parametrize("name", [*APIS, *TYPED])
@given(text=WORDS, data=st.data())
def test_however_a_stream_is_cut_its_text_is_that_of_the_whole(
    policy_guard: Guard, name: str, text: str, data: st.DataObject
) -> None:
    """What goes on makes up what the policy leaves of the whole text; on a block it is the beginning of that, without the term."""
    api, events, text_of = {**APIS, **TYPED}[name]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    raw = dump(
        [ClientEvent(event.get("type", ""), event) for event in events(pieces)],
        done=exchange(policy_guard, api).ends_with_done,
    )
    at = data.draw(st.integers(0, len(raw)))
    whole = policy_guard.check(text, "output")
    got: list[bytes] = []

    def take() -> None:
        got.extend(released(exchange(policy_guard, api), [raw[:at], raw[at:]]))

    if whole.blocked:
        with pytest.raises(Blocked):
            take()
    else:
        take()
    shown = "".join(text_of(event) or "" for event in data_of(b"".join(got)))
    if not whole.blocked:
        assert shown == whole.content
    # A longer word that ends with one of them is another word.
    assert re.search(rf"\b({BOMB}|{MASK})\b", shown) is None
    if not whole.blocked:
        assert b"".join(got).endswith(END) == exchange(policy_guard, api).ends_with_done
        assert data_of(b"".join(got))[-1].get("type") == data_of(raw)[-1].get("type")


@each_case("name", APIS)
def test_each_event_goes_on_when_it_is_settled_and_not_before_it_is_asked_for(
    policy_guard: Guard, name: str
) -> None:
    """Bytes of the upstream's own; a piece is read only when one more is wanted."""
    api, events, _ = APIS[name]
    frames = [dump([ClientEvent("", event)], done=False) for event in events(["Hello ", "there ", "you"])]
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        for at, frame in enumerate([*frames, b"data: [DONE]\n\n", b": behind the end\n\n"]):
            read.append(at)
            yield frame

    out = StreamingResponse(exchange(policy_guard, api)).released(pieces())
    assert read == []
    assert (next(out), read) == (frames[0], [0, 1])
    assert (next(out), read) == (frames[1], [0, 1, 2])
    assert b"".join(out) == b"".join([*frames[2:], b"data: [DONE]\n\n"])
    assert read == [0, 1, 2, 3, 4, 5]


@each_case("name", TYPED)
def test_events_that_have_types_go_on_when_they_are_settled(policy_guard: Guard, name: str) -> None:
    """With their names; a block is raised behind them, or answered as the API does; what ends nowhere is no answer."""
    api, events, text_of = TYPED[name]
    frames = [
        ClientEvent(each["type"], each).dump() for each in events(["Hello ", "there ", "zqxbomb ", "x"])
    ]
    for answers in (False, True):
        got: list[bytes] = []
        pieces = iter(frames)
        with contextlib.nullcontext() if answers else pytest.raises(Blocked, match="Not that"):
            got.extend(StreamingResponse(exchange(policy_guard, api, answers=answers)).released(pieces))
        told = data_of(b"".join(got))
        assert "".join(text_of(event) or "" for event in told).startswith("Hello ")
        assert [*pieces]
        assert ("Not that." in str(told)) == answers
        assert BOMB not in str(told)
    fine = [ClientEvent(each["type"], each).dump() for each in events(["Hello ", "there."])]
    assert b"".join(StreamingResponse(exchange(policy_guard, api)).released(fine)) == b"".join(fine)
    with pytest.raises(BackendError, match="ended before its end"):
        list(StreamingResponse(exchange(policy_guard, api)).released(fine[:-1]))
    with pytest.raises(BackendError, match="two types"):
        list(
            StreamingResponse(exchange(policy_guard, api)).released(
                [ClientEvent("odd", events(["x"])[0]).dump()]
            )
        )


@each_case("name", APIS)
def test_a_block_ends_a_stream_as_its_api_does(policy_guard: Guard, name: str) -> None:
    """Behind what went on before; the upstream is not read any further."""
    api, events, text_of = APIS[name]
    frames = [dump([ClientEvent("", event)], done=False) for event in events(["Say ", "a zqx", "bomb ", "x"])]
    pieces = iter(frames)
    shown = data_of(b"".join(StreamingResponse(exchange(policy_guard, api, answers=True)).released(pieces)))
    assert len([*pieces]) == 1
    assert BOMB not in str(shown)
    assert "Not that." in str(shown)
    assert shown[-1]["choices"][0]["finish_reason"] == "content_filter"
    assert "".join(text_of(event) or "" for event in shown).startswith("Say ")


def test_a_stream_that_says_nothing_can_be_told_is_refused(policy_guard: Guard) -> None:
    """Of an event that is none, all of it; what went on before stays so."""
    fine, more = (dump([ClientEvent("", each)], done=False) for each in chat_events(["Hello ", "you "])[:2])
    for odd in (
        b'{"choices": 5}',
        b'{"choices": [{"index": true}]}',
        b"[1]",
        b'{"choices": [], "choices": []}',
    ):
        out = released(exchange(policy_guard, CHAT), [fine, more, b"data: " + odd + b"\n\n"])
        assert next(out) == fine
        with pytest.raises(BackendError, match=r"cannot be judged|malformed"):
            next(out)


@each_case(("said", "told"), [("too much", "too much"), ("of zqxmask", "of [MASK]"), (BOMB, None)])
def test_an_error_ends_a_stream(policy_guard: Guard, said: str, told: str | None) -> None:
    """Behind what went on before, in place of what did not; it is judged as any text."""
    frames = [dump([ClientEvent("", each)], done=False) for each in chat_events(["Hello ", "you "])[:2]]
    error = ClientEvent("", {"error": {"message": said, "code": 1}})
    out = released(exchange(policy_guard, CHAT), [*frames, error.dump()])
    assert next(out) == frames[0]
    if told is None:
        with pytest.raises(Blocked):
            next(out)
    else:
        assert [data_of(piece) for piece in out] == [[{"error": {"message": told, "code": 1}}]]
    answered = released(exchange(policy_guard, CHAT, answers=True), [*frames, error.dump()])
    assert ("Not that." in str([*answered])) == (told is None)


def options(fake: Any) -> dict[str, Any]:
    """Return how a client is made."""
    return {"base_url": fake.url, "api_key": "k", "max_retries": 0, "timeout": 20}


def content(chunk: Any) -> str:
    """Return the text of a chunk."""
    return "".join(choice.delta.content or "" for choice in chunk.choices)


def until(stream: Any, text: str) -> None:
    """Read a stream until it said a text."""
    said = ""
    while said != text:
        said += content(next(stream))
        assert text.startswith(said)


async def auntil(stream: Any, text: str) -> None:
    """Its twin on an event loop."""
    said = ""
    while said != text:
        said += content(await anext(stream))
        assert text.startswith(said)


Gates = Callable[[int], threading.Event]


def test_the_first_text_is_there_before_the_upstream_has_sent_the_last(
    fake: Any, kit: Any, policy_guard: Guard, gated: Gates
) -> None:
    """Sync and async; what is redacted over the gate is redacted."""
    for is_async in (False, True):
        fake.streams(*kit.pieces("say zqxmask now"))
        gate = gated(3)

        def sync(gate: threading.Event = gate) -> str:
            with policy_guard.wrap(openai.OpenAI(**options(fake))) as client:
                stream = client.chat.completions.create(**ASKED, stream=True)
                until(stream, "say ")
                gate.set()
                return "".join(map(content, stream))

        async def awaited(gate: threading.Event = gate) -> str:
            async with policy_guard.wrap(openai.AsyncOpenAI(**options(fake))) as client:
                stream = await client.chat.completions.create(**ASKED, stream=True)
                await auntil(stream, "say ")
                gate.set()
                return "".join([content(chunk) async for chunk in stream])

        assert (asyncio.run(awaited()) if is_async else sync()) == "[MASK] now"


@each_case("hangs", [False, True])
def test_a_block_is_raised_where_it_is_found(fake: Any, kit: Any, policy_guard: Guard, hangs: bool) -> None:
    """Out of the iteration, as it is, with the verdict; the call of the upstream is ended, though it would go on."""
    for is_async in (False, True):
        fake.reset()
        fake.streams(*kit.pieces("say zqxbomb now. "), done=not hangs, hang=hangs)

        def sync() -> None:
            with policy_guard.wrap(openai.OpenAI(**options(fake))) as client:
                stream = client.chat.completions.create(**ASKED, stream=True)
                until(stream, "say ")
                with pytest.raises(Blocked, match="Not that") as caught:
                    list(stream)
                assert [rule.id for rule in caught.value.verdict.rules] == ["bomb.block"]
                assert stream.response.is_closed
                assert not hangs or fake.dropped.wait(kit.WAIT_S)

        async def awaited() -> None:
            async with policy_guard.wrap(openai.AsyncOpenAI(**options(fake))) as client:
                stream = await client.chat.completions.create(**ASKED, stream=True)
                await auntil(stream, "say ")
                with pytest.raises(Blocked, match="Not that"):
                    [chunk async for chunk in stream]
                assert stream.response.is_closed
                assert not hangs or await asyncio.to_thread(fake.dropped.wait, kit.WAIT_S)

        asyncio.run(awaited()) if is_async else sync()


def test_a_block_is_answered_where_it_is_found(client: Any, fake: Any, kit: Any) -> None:
    """Though the upstream would go on for ever."""
    fake.streams(*kit.pieces("say zqxbomb now. "), done=False, hang=True)
    chunks = client(on_block="answer")("chat.completions.create", **ASKED, stream=True)
    assert "".join(map(content, chunks)) == "say "
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == "Not that."
    assert chunks[-1].choices[0].finish_reason == "content_filter"
    assert fake.dropped.wait(kit.WAIT_S)


def test_one_choice_of_several_is_refused(client: Any, fake: Any, kit: Any) -> None:
    """The others go on; where a block is raised, it is raised at once."""
    frames = [
        each
        for pair in zip(kit.pieces("all is fine"), kit.pieces("a zqxbomb it", index=1), strict=False)
        for each in pair
    ]
    fake.streams(*frames)
    chunks = client(on_block="answer")("chat.completions.create", **ASKED, stream=True, n=2)
    told = {0: "", 1: ""}
    for choice in (choice for chunk in chunks for choice in chunk.choices):
        told[choice.index] += choice.delta.content or choice.delta.refusal or ""
    assert (told[0], told[1].removeprefix("a ")) == ("all is fine", "Not that.")
    ends = [
        (each.index, each.finish_reason) for chunk in chunks for each in chunk.choices if each.finish_reason
    ]
    assert ends == [(0, "stop"), (1, "content_filter")]
    with pytest.raises(Blocked):
        client()("chat.completions.create", **ASKED, stream=True, n=2)


def test_choices_may_come_in_any_order(client: Any, fake: Any, kit: Any) -> None:
    """The last first."""
    fake.streams(*kit.pieces("b zqxmask", index=1), *kit.pieces("a zqxmask"))
    chunks = client()("chat.completions.create", **ASKED, stream=True, n=2)
    for index, text in enumerate(["a [MASK]", "b [MASK]"]):
        choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
        assert "".join(choice.delta.content or "" for choice in choices) == text


def test_the_calls_of_tools_wait_for_the_end(fake: Any, kit: Any, policy_guard: Guard, gated: Gates) -> None:
    """Text before them goes on; the call goes on when the whole answer was judged, or not at all."""
    for argument, fine in (("x", True), (BOMB, False)):
        cut = [{"name": "f", "arguments": '{"q": "'}, {"arguments": argument}, {"arguments": '"}'}]
        calls = [
            {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": each}]} for each in cut
        ]
        fake.streams(
            *[kit.chunk({"content": each}) for each in ("I call. ", "Now. ")],
            *map(kit.chunk, calls),
            kit.chunk({}, "tool_calls"),
        )
        gate = gated(5)
        with policy_guard.wrap(openai.OpenAI(**options(fake))) as client:
            stream = client.chat.completions.create(**ASKED, stream=True)
            until(stream, "I call. ")
            gate.set()
            rest: list[Any] = []
            if not fine:
                with pytest.raises(Blocked):
                    rest.extend(stream)
                assert not any(chunk.choices[0].delta.tool_calls for chunk in rest)
                continue
            rest.extend(stream)
            deltas = [
                chunk.choices[0].delta.tool_calls for chunk in rest if chunk.choices[0].delta.tool_calls
            ]
            assert json.loads("".join(each[0].function.arguments for each in deltas)) == {"q": "x"}
            assert rest[-1].choices[0].finish_reason == "tool_calls"


def test_values_of_the_user_come_back_as_they_are_told(
    guard_of: Callable[..., Guard], fake: Any, kit: Any, gated: Gates
) -> None:
    """A placeholder that is cut is held until it is whole."""
    guard = guard_of(
        "detectors:\n  pii: {use: pii, entities: [email]}\n"
        "rules:\n  - {id: mail, on: input, when: pii.email > 0, then: redact, with: vault}\n"
    )
    asked = {"model": "m", "messages": [{"role": "user", "content": "I am jo@example.com"}]}
    fake.streams(*[kit.chunk({"content": each}) for each in ("Mail to [EMA", "IL_1].\n", "Bye.")])
    gate = gated(2)
    with guard.wrap(openai.OpenAI(**options(fake))) as client:
        stream = client.chat.completions.create(**asked, stream=True)
        until(stream, "Mail to jo@example.com.\n")
        gate.set()
        assert "".join(map(content, stream)) == "Bye."


@each_case("way", ["close", "with", "break"])
def test_who_stops_early_ends_the_call(fake: Any, kit: Any, policy_guard: Guard, way: str) -> None:
    """The connection is closed, and no thread is left behind."""
    for is_async in (False, True):
        fake.reset()
        fake.streams(*kit.pieces("Hello there, you. "), done=False, hang=True)
        before = threading.active_count()

        def sync() -> None:
            with policy_guard.wrap(openai.OpenAI(**options(fake))) as client:
                if way == "with":
                    with client.chat.completions.create(**ASKED, stream=True) as stream:
                        until(stream, "Hello ")
                else:
                    stream = client.chat.completions.create(**ASKED, stream=True)
                    until(stream, "Hello ")
                    stream.close() if way == "close" else None
                assert way == "break" or fake.dropped.wait(kit.WAIT_S)

        async def awaited() -> None:
            async with policy_guard.wrap(openai.AsyncOpenAI(**options(fake))) as client:
                stream = await client.chat.completions.create(**ASKED, stream=True)
                if way == "with":
                    async with stream:
                        await auntil(stream, "Hello ")
                else:
                    await auntil(stream, "Hello ")
                    await stream.close() if way == "close" else None
                assert way == "break" or await asyncio.to_thread(fake.dropped.wait, kit.WAIT_S)

        asyncio.run(awaited()) if is_async else sync()
        assert fake.dropped.wait(kit.WAIT_S)
        assert threading.active_count() <= before + 1


def test_two_streams_of_one_client_are_read_in_turns(fake: Any, kit: Any, policy_guard: Guard) -> None:
    """On one loop; halves of a word in each are no word."""

    async def main() -> list[str]:
        async with policy_guard.wrap(openai.AsyncOpenAI(**options(fake))) as client:
            streams = []
            for text in ("a zqx and zqxmask", "a bomb and so on"):
                fake.streams(*kit.pieces(text))
                streams.append(await client.chat.completions.create(**ASKED, stream=True))
            said = ["", ""]
            open_ = {0, 1}
            while open_:
                for at in sorted(open_):
                    chunk = await anext(streams[at], None)
                    if chunk is None:
                        open_.discard(at)
                    else:
                        said[at] += content(chunk)
            return said

    assert asyncio.run(main()) == ["a zqx and [MASK]", "a bomb and so on"]


def test_judging_does_not_hold_up_the_event_loop(policy_guard: Guard) -> None:
    """The twins give the same."""
    raw = dump([ClientEvent("", event) for event in chat_events(["a zqx", "mask ", "and"])], done=True)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(raw), 7):
            yield raw[at : at + 7]

    async def main() -> bytes:
        return b"".join(
            [piece async for piece in StreamingResponse(exchange(policy_guard, CHAT)).areleased(pieces())]
        )

    assert asyncio.run(main()) == b"".join(released(exchange(policy_guard, CHAT), [raw]))
