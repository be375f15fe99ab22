"""Streamed requests: judged whole, answered as events, and nothing of what is withheld leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Detection, Finding, Guard
from guardrails.protocols.chat.chat_stream import ChatCodec
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.exchange.stream import EVENTS_AT_ONCE, WEIGHT_ALONE, events_of, split_events
from guardrails.proxy.server.serve import running
from guardrails.testing import Reply, ScriptedUpstream
from guardrails.types import CLEAN
from guardrails.wire import sse
from tests.cases import each_case, scale
from tests.protocols.conftest import AnswerReader


def texts(frames, index=0, name="content") -> str:
    """Return the text of a choice in a stream's events."""
    choices = [choice for frame in frames for choice in frame["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get(name) or "" for choice in choices)


def finishes(frames) -> dict[int, str]:
    """Return why each choice ended."""
    ends = [choice for frame in frames for choice in frame["choices"] if choice["finish_reason"]]
    assert len({choice["index"] for choice in ends}) == len(ends)
    return {choice["index"]: choice["finish_reason"] for choice in ends}


def test_what_is_allowed_is_replayed_byte_for_byte(proxy, fake, kit) -> None:
    """The upstream's own data lines, padding and number formats included; its comments are not."""
    sent = fake.streams(
        kit.chunk({"role": "assistant", "content": ""}, obfuscation="x1"),
        b'data: {"choices":[{"index":0,"delta":{"content":"H\\u00e9"},"finish_reason":null}],"x":1.10}\n\n',
        kit.chunk({}, "stop"),
        {"id": "chatcmpl-1", "choices": [], "usage": {"total_tokens": 2}},
    )
    fake.reply.pieces = [b": a zqxbomb in a comment\n\nid: zqxbomb\n", *fake.reply.pieces]
    asked = json.dumps(kit.asking("hi", stream=True)).encode()

    answer = kit.chat(proxy, asked)

    assert fake.asked[0].raw == asked
    assert answer.events == sent
    assert answer.action == ("allow", "")
    assert len(answer.later["x-guardrails-verdict-id"].split(",")) == 2


def test_an_events_name_is_none_that_only_the_name_says(proxy, fake, kit) -> None:
    """Nobody would judge it; what the data says as well is judged there."""
    told = json.dumps(kit.chunk({"content": "Hello."}, "stop")).encode()
    typed = json.dumps({**kit.chunk({}), "type": "thread.chunk"}).encode()
    fake.streams(b"event: zqxbomb\ndata: " + told + b"\n\nevent: thread.chunk\ndata: " + typed + b"\n\n")

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert b"zqxbomb" not in answer.raw
    assert answer.events == b"data: %s\n\nevent: thread.chunk\ndata: %s\n\ndata: [DONE]\n\n" % (told, typed)


def test_what_is_flagged_is_replayed_and_named(proxy, fake, kit) -> None:
    """A comment before the last events tells of the check of the answer, which the headers could not."""
    sent = fake.streams(*kit.pieces("a zqxflag"))

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert (answer.events, answer.action) == (sent, ("flag", "flag.flag"))


def test_what_is_redacted_is_streamed_edited(proxy, fake, kit) -> None:
    """Role, content, end, usage and the end of the stream; the raw text, its tokens and its length stay here."""
    frames = kit.pieces("say zqxmask now")
    frames[3]["choices"][0]["logprobs"] = {"content": [{"token": "zqx", "logprob": -1}]}
    fake.streams(*frames, {"id": "chatcmpl-1", "choices": [], "usage": {"total_tokens": 9}})

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert texts(answer.frames) == "say [MASK] now"
    assert finishes(answer.frames) == {0: "stop"}
    assert answer.frames[-1]["usage"] == {"total_tokens": 9}
    assert answer.raw.endswith(b"data: [DONE]\n\n")
    assert b"zqx" not in answer.raw
    assert answer.action == ("redact", "mask.redact")


def test_what_is_blocked_ends_in_a_refusal(proxy, fake, kit) -> None:
    """A refusal with the policy's message, `content_filter`, the end of the stream; no part of what is blocked was sent."""
    fake.streams(*kit.pieces("erst ein paar harmlose Worte, und dann zqxbomb"))

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert answer.status == 200
    assert texts(answer.frames) == "erst ein paar harmlose Worte, und dann "
    assert texts(answer.frames, name="refusal") == "Das nicht."
    assert finishes(answer.frames) == {0: "content_filter"}
    assert answer.raw.endswith(b"data: [DONE]\n\n")
    assert b"zqx" not in answer.raw
    assert answer.action == ("block", "bomb.block")


def test_only_the_blocked_choice_ends_early(proxy, fake, kit) -> None:
    """Interleaved choices, each with its own end."""
    first, second = kit.pieces("all is fine"), kit.pieces("a zqxbomb", index=1)
    fake.streams(
        *(frame for pair in zip(first, second, strict=False) for frame in pair),
        *first[len(second) :],
        *second[len(first) :],
    )

    frames = kit.chat(proxy, kit.asking("hi", stream=True, n=2)).frames

    assert (texts(frames), texts(frames, 1, "refusal")) == ("all is fine", "Not that.")
    assert "a ".startswith(texts(frames, 1))
    assert finishes(frames) == {0: "stop", 1: "content_filter"}


@each_case("name", ["content", "refusal", "reasoning", "reasoning_content", "x_new"])
def test_a_hidden_term_is_found_in_every_field_of_a_delta(proxy, fake, kit, name) -> None:
    """Cut anywhere, in a field that we know or not, a word is still the word."""
    fake.streams(*kit.pieces("a zqxbomb b", 2, name=name))

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert finishes(answer.frames) == {0: "content_filter"}
    assert b"zqx" not in answer.raw


@each_case(
    "cut",
    [
        [{"name": "f", "arguments": '{"a": "zq'}, {"arguments": "xbo"}, {"arguments": 'mb"}'}],
        [{"name": "zqx", "arguments": "{"}, {"name": "bomb", "arguments": "}"}],
        [{"name": "f", "arguments": '{"a": "zqx\\u006'}, {"arguments": '2omb"}'}],
    ],
)
def test_streamed_tool_calls_are_judged(proxy, fake, kit, cut) -> None:
    """Arguments are judged as the JSON that they become; the call does not leave."""
    frames = [{"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": part}]} for part in cut]
    fake.streams(*map(kit.chunk, frames), kit.chunk({}, "tool_calls"))

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert finishes(answer.frames) == {0: "content_filter"}
    assert not any("tool_calls" in choice["delta"] for frame in answer.frames for choice in frame["choices"])


def test_tools_and_streams_work_together(proxy, fake, kit) -> None:
    """The real SDK joins what comes back: allowed calls as they were, arguments that were redacted as valid JSON."""
    frames = [
        {"role": "assistant", "content": None},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"a": "zqx'},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": 'mask"}'}}]},
    ]
    fake.streams(*map(kit.chunk, frames), kit.chunk({}, "tool_calls"))

    with (
        openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client,
        client.chat.completions.stream(**kit.asking("hi")) as stream,
    ):
        choice = stream.get_final_completion().choices[0]

    assert choice.finish_reason == "tool_calls"
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"a": "[MASK]"}


@each_case("place", ["note", "obfuscation", "id"])
def test_a_hidden_term_outside_the_choices_refuses_all(proxy, fake, kit, place) -> None:
    """Fields of chunks are judged like fields of a completion."""
    fake.streams(kit.chunk({"content": "a"}, **{place: "a zqx"}), kit.chunk({}, "stop", **{place: "bomb b"}))

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert finishes(answer.frames) == {0: "content_filter"}
    assert b"zqx" not in answer.raw


def test_a_blocked_request_is_answered_400(proxy, fake, kit) -> None:
    """No stream begins: the status is the client's, as OpenAI's own server does it."""
    answer = kit.chat(proxy, kit.asking("zqxbomb", stream=True))

    assert (answer.status, answer.error["code"], answer.action) == (
        400,
        "content_filter",
        ("block", "bomb.block"),
    )
    assert fake.asked == []


def test_what_is_redacted_in_the_request_is_so_in_a_stream(proxy, fake, kit) -> None:
    """`stream: true` runs exactly the rules that `stream: false` runs."""
    fake.streams(*kit.pieces("ok"))

    answer = kit.chat(proxy, kit.asking("a zqxmask", stream=True))

    assert fake.asked[0].json["messages"][0]["content"] == "a [MASK]"
    assert answer.action == ("redact", "mask.redact")


def test_a_server_that_does_not_stream_is_streamed_for(proxy, fake, kit) -> None:
    """A whole completion comes back as events, judged all the same."""
    fake.answers(kit.completion("say zqxmask", "zqxbomb"))

    frames = kit.chat(proxy, kit.asking("hi", stream=True)).frames

    assert texts(frames) == "say [MASK]"
    assert finishes(frames) == {0: "stop", 1: "content_filter"}


FAULTS = {
    "cut": ({"done": False, "cut": True}, "upstream_invalid"),
    "no end": ({"done": False}, "upstream_invalid"),
    "malformed": ({"last": b'data: {"choices": [\n\n'}, "upstream_invalid"),
    "no JSON": ({"last": b"data: zqxplain words\n\n"}, "upstream_invalid"),
    "doubled key": ({"last": b'data: {"choices":[],"choices":[]}\n\n'}, "upstream_invalid"),
    "error": ({"last": {"error": {"message": "over", "type": "server_error", "code": "busy"}}}, "busy"),
    "error event": ({"last": b'event: error\ndata: {"message": "over"}\n\n'}, "upstream_error"),
    "error text": ({"last": b'data: {"error": "over"}\n\n'}, "upstream_error"),
}


@each_case("fault", FAULTS)
def test_a_stream_that_fails_is_an_error_event_alone(proxy, fake, kit, fault) -> None:
    """OpenAI's error shape, nothing of the content before it, no end of stream that looks like success."""
    more, code = FAULTS[fault]
    more = dict(more)
    last = [more.pop("last")] if "last" in more else []
    fake.streams(kit.chunk({"content": "harmless"}), *last, **more)

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    [frame] = answer.frames
    assert set(frame["error"]) == {"message", "type", "param", "code"}
    assert frame["error"]["code"] == code
    assert b"zqx" not in answer.raw
    assert b"zqxplain" not in answer.raw
    assert b"[DONE]" not in answer.raw
    with (
        openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client,
        pytest.raises(openai.APIError),
    ):
        list(client.chat.completions.create(**kit.asking("hi", stream=True)))


def test_a_stream_over_the_limit_is_an_error_event(serve, fake, kit) -> None:
    """What is held is bounded."""
    fake.streams(*kit.pieces("x" * 5000, 500))

    frames = kit.chat(serve(max_answer_bytes=2000), kit.asking("hi", stream=True)).frames

    assert frames[-1]["error"]["code"] == "upstream_invalid"
    assert all(not texts([frame]).strip("x") for frame in frames[:-1])


def test_a_stream_that_stalls_is_a_time_out(serve, fake, kit) -> None:
    """The upstream began and then says nothing: 504 as an event, and its connection is closed."""
    fake.streams(kit.chunk({"content": "harmless"}), done=False, hang=True)

    answer = kit.chat(serve(idle_s=0.2), kit.asking("hi", stream=True))

    assert [frame["error"]["code"] for frame in answer.frames] == ["upstream_timeout"]
    assert fake.dropped.wait(kit.wait_s)


@each_case("status", [400, 401, 429, 500, 503])
def test_an_upstream_that_refuses_to_stream_keeps_its_status(proxy, fake, kit, status) -> None:
    """Before the stream begins an error is an HTTP error, with the input's headers."""
    fake.answers(
        {"error": {"message": "no", "type": "t", "param": None, "code": "c"}},
        status,
        headers={"retry-after": "7"},
    )

    answer = kit.chat(proxy, kit.asking("a zqxflag", stream=True))

    assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (status, "c", "7")
    assert answer.action == ("flag", "flag.flag")


@each_case("end", [[], [b"data: [DONE]"], [b"data: [DONE]\n"], [b"data: [DONE]\n\n", b"data: zqxbomb\n\n"]])
def test_the_end_of_a_stream_is_forgiving(proxy, fake, kit, end) -> None:
    """All choices ended, or `[DONE]`, with or without the last line end; what follows it is not passed on."""
    frames = kit.pieces("fine")
    fake.streams(*frames, *end, done=False)

    answer = kit.chat(proxy, kit.asking("hi", stream=True))

    assert (texts(answer.frames), answer.action) == ("fine", ("allow", ""))
    assert answer.raw.endswith(b"data: [DONE]\n\n")
    assert b"zqxbomb" not in answer.raw


def test_streams_at_one_time_do_not_mix(proxy, fake, kit) -> None:
    """Ten async SDK streams on one proxy, all of them redacted and whole."""
    fake.streams(*kit.pieces("one zqxmask two"))

    async def read(client) -> str:
        stream = await client.chat.completions.create(**kit.asking("hi", stream=True))
        return "".join([part.choices[0].delta.content or "" async for part in stream])

    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
            return await asyncio.gather(*(read(client) for _ in range(10)))

    assert asyncio.run(ask()) == ["one [MASK] two"] * 10


@settings(max_examples=scale(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_cuts_of_the_text_change_nothing(proxy, fake, kit, sizes) -> None:
    """However the model cuts its chunks, the client gets what it would have got from a whole answer."""
    text, frames, start = "a zqxmask, b zqxmask.", [], 0
    while start < len(text):
        size = sizes[len(frames) % len(sizes)]
        frames.append(kit.chunk({"content": text[start : start + size]}))
        start += size
    fake.streams(*frames, kit.chunk({}, "stop"))

    assert texts(kit.chat(proxy, kit.asking("hi", stream=True)).frames) == "a [MASK], b [MASK]."


def test_a_choice_without_those_before_it_tells_nothing(serve, guard_of, fake, kit) -> None:
    """What is held to the end would not be found again there: an error, where a text would go on as it came."""
    held = kit.policy.replace("custom.mask > 0, then: redact", "custom.mask > 0, then: redact, stream: whole")
    fake.streams(kit.chunk({"content": "a zqxmask"}, index=1), kit.chunk({}, "stop", index=1))

    answer = kit.chat(serve(guard_of(held)), kit.asking("hi", stream=True))

    assert answer.frames[-1]["error"]["code"] == "upstream_invalid"
    assert b"zqx" not in answer.raw


def test_bytes_may_be_cut_anywhere(kit) -> None:
    """An event that arrives byte by byte is one event."""
    raw = (
        b"".join(b"data: " + json.dumps(frame).encode() + b"\r\n\r\n" for frame in kit.pieces("h\u00e9llo"))
        + b"data: [DONE]\n\n"
    )

    async def bytewise():
        for byte in raw:
            yield bytes([byte])

    async def collected() -> list[sse.Event]:
        return [event async for some in events_of(bytewise(), sse.Events(), 10_000) for event in some]

    gathered = AnswerReader(ChatCodec())
    *told, end = asyncio.run(collected())
    assert end.data == sse.DONE
    for event in told:
        gathered.take(json.loads(event.data))

    assert gathered.answer()["choices"][0]["message"]["content"] == "h\u00e9llo"


CITED = {"type": "char_location", "cited_text": "b", "document_index": 0}
CALLED = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "b"}}
THOUGHT = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}]}
ASKED = {
    "type": "function_call",
    "id": "f",
    "call_id": "c",
    "name": "f",
    "arguments": "{}",
    "status": "completed",
}


def all_streams(kit):
    """Return a stream of each API, with the route it answers and a request for it."""
    noted = {"type": "text", "text": "fine", "citations": [CITED]}
    asked = kit.asking("hi", stream=True)
    tool = kit.chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]})
    yield "/v1/chat/completions", asked, [*kit.pieces("fine")[:-1], tool, kit.chunk({}, "stop")]
    yield "/v1/messages", asked, kit.message_events(kit.message(noted, CALLED))
    yield (
        "/v1/responses",
        {"input": "hi", "stream": True},
        kit.response_events(kit.response(THOUGHT, "fine", ASKED)),
    )


@pytest.mark.parametrize(("api", "term"), [(0, "zqxbomb"), (1, "zqxmask"), (2, "zqxbomb")])
def test_no_place_of_any_event_leaks(proxy, fake, kit, api, term) -> None:
    """A term in any string or new field of any event of any API never leaves, whatever else becomes of the stream."""
    path, asked, events = [*all_streams(kit)][api]
    send = fake.streams if path.endswith("completions") else fake.events
    tried = 0
    for position, event in enumerate(events):
        for place in kit.places(event):
            send(*events[:position], kit.put(event, place, f"a {term} "), *events[position + 1 :])
            answer = kit.send(proxy, path, asked)
            assert term.encode() not in answer.raw, place
            tried += 1
    assert tried > 30


@each_case("term", ["zqxbomb", "zqxmask"])
@each_case("api", [0, 1, 2])
def test_no_place_of_any_answer_leaks(proxy, fake, kit, api, term) -> None:
    """The same for whole answers, asked for as such or as a stream."""
    path, asked, _ = [*all_streams(kit)][api]
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "fine", "tool_calls": [call]}
    noted = {"type": "text", "text": "fine", "citations": [CITED]}
    answers = (kit.completion(message), kit.message(noted, CALLED), kit.response(THOUGHT, "fine", ASKED))
    for place in kit.places(answers[api]):
        fake.answers(kit.put(answers[api], place, f"a {term} "))
        for stream in (True, False):
            answer = kit.send(proxy, path, {**asked, "stream": stream})
            assert term.encode() not in answer.raw, place


HELD = """
detectors:
  form: {use: format, kind: json, category: custom.form}
rules:
  - {id: form.block, on: output, when: custom.form > 0, then: block}
"""
"""A rule that needs the whole of a text."""

STREAMED = {
    "/api/chat": {"messages": [{"role": "user", "content": "x"}]},
    "/api/generate": {"prompt": "x"},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}], "stream": True},
    "/v1/completions": {"prompt": "x", "stream": True},
    "/v1/messages": {"messages": [{"role": "user", "content": "x"}], "stream": True, "max_tokens": 9},
    "/v1/responses": {"input": "x", "stream": True},
}


@each_case("path", STREAMED)
def test_a_text_that_is_held_whole_waits_for_the_end_of_the_answer(kit, path: str) -> None:
    """Not for its own, which comes before the answer is judged: nothing of what is blocked goes out."""
    guard = Guard.load(f"format: 1\nname: p\n{HELD}")
    with (
        ScriptedUpstream(Reply("this is no JSON", cut=4)) as upstream,
        running(Settings(upstream=upstream.url, port=0), guard) as url,
    ):
        answer = kit.send(url, path, {"model": "m", **STREAMED[path]})
    assert answer.status == 200
    assert b"this" not in answer.raw


PIECE = 64 << 10
OFFERED = 1_000
HANG = 60.0


class Gate:
    """A detector that waits for somebody before it finds something in what goes on."""

    passages = True

    def __init__(self) -> None:
        self.opened = threading.Event()

    def detect(self, batch):
        """Judge texts."""
        if not any("goes on" in content.text for content in batch):
            return [CLEAN for _ in batch]  # the server's own, of what checks cost
        assert self.opened.wait(HANG)
        return [Detection((Finding("custom.own", 1.0, "own"),)) for _ in batch]


def offer_pieces(listener: socket.socket, taken: list[int]) -> None:
    """Answer a request with a stream that is long, until nobody has taken any of it for a while."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(PIECE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        connection.settimeout(0.3)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        delta = {"index": 0, "delta": {"content": "So it goes on. " * (PIECE // 15)}}
        event = sse.event(json.dumps({"object": "chat.completion.chunk", "choices": [delta]}).encode())
        with contextlib.suppress(TimeoutError):
            for _ in range(OFFERED):
                connection.sendall(event)
                taken.append(len(event))


def test_the_upstream_is_read_no_faster_than_it_is_judged(guard_of, kind_of, kit) -> None:
    """What was not read fills the buffers of the connection, and then the upstream waits."""
    gate, taken = Gate(), list[int]()
    rule = "rules:\n  - {id: r, on: output, when: custom.own > 0, then: block}\n"
    guard = guard_of(
        f"detectors:\n  own: {{use: own}}\n{rule}limits: {{deadline_ms: 60000}}\n",
        detectors={"own": kind_of(gate, spans=False, tier=1)},
    )
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as asking:
        upstream = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        with running(Settings(upstream=upstream, port=0), guard) as url:
            body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
            asked = asking.submit(kit.send, url, "/v1/chat/completions", body)
            offer_pieces(listener, taken)
            gate.opened.set()
            answer = asked.result(HANG)
    assert finishes(answer.frames) == {0: "content_filter"}
    assert 0 < sum(taken) < OFFERED * PIECE // 3


SMALL, LARGE = sse.Event(b"", b"{}"), sse.Event(b"", b"x" * WEIGHT_ALONE)


@each_case(
    ("events", "sizes"),
    [
        ([], []),
        ([SMALL] * EVENTS_AT_ONCE, [EVENTS_AT_ONCE]),
        ([SMALL] * (2 * EVENTS_AT_ONCE + 1), [EVENTS_AT_ONCE, EVENTS_AT_ONCE, 1]),
        ([SMALL, SMALL, LARGE, SMALL, LARGE], [2, 2, 1]),
    ],
)
def test_events_are_taken_few_at_a_time(events, sizes) -> None:
    """In their order; a large one is not held up by those before it, nor they by it."""
    split = [*split_events(events)]

    assert [len(some) for some in split] == sizes
    assert [event for some in split for event in some] == events


def test_others_have_their_turn_while_many_events_are_taken() -> None:
    """Also where all of them came at once."""
    turns: list[str] = []

    async def main() -> None:
        async def pieces():
            yield b"data: {}\n\n" * (3 * EVENTS_AT_ONCE)

        async def other() -> None:
            for _ in range(3):
                turns.append("other")
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            group.create_task(other())
            async for some in events_of(pieces(), sse.Events(), 1 << 20):
                turns.append("events")
                assert len(some) <= EVENTS_AT_ONCE

    asyncio.run(main())

    assert turns == ["events", "other"] * 3
