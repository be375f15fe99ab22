"""Streams of Anthropic's API: judged whole, written as its events, and nothing of what is withheld leaves."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

import anthropic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.errors import BackendError
from guardrails.proxy import sse
from guardrails.proxy.messages_stream import Blocks, events

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": ["x"], "n": 1}}
CITED = {"type": "char_location", "cited_text": "green", "document_index": 0, "document_title": None}
ALL = (
    {"type": "thinking", "thinking": "Hm, well.", "signature": SEALED},
    {"type": "text", "text": "Grass is green.", "citations": [CITED, {**CITED, "cited_text": "Grass"}]},
    CALL,
    {"type": "redacted_thinking", "data": SEALED},
    {"type": "text", "text": "h\u00e9llo"},
)


def taken(*given: Any) -> Blocks:
    """Return what collected these events."""
    blocks = Blocks()
    for each in given:
        raw = each if isinstance(each, bytes) else json.dumps(each).encode()
        kind = b"" if isinstance(each, bytes) else each["type"].encode()
        blocks.take(sse.Event(kind, raw))
    return blocks


def said(raw: bytes) -> dict[str, Any]:
    """Return the message that a client reads in a stream."""
    read, blocks = sse.Events(), Blocks()
    assert [blocks.take(event) for event in read.feed(raw)][-1]
    return blocks.answer()


def test_what_is_allowed_is_replayed_byte_for_byte(proxy, fake, kit) -> None:
    """The upstream's own events with their names; its comments are not."""
    sent = fake.events(*kit.message_events(kit.message(*ALL[:3])))
    fake.reply.pieces = [b": a zqxbomb in a comment\n\nid: zqxbomb\n", *fake.reply.pieces]

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    assert answer.raw == sent
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.action == ("allow", "")


def test_a_stream_is_the_message_that_it_makes(kit) -> None:
    """Blocks grow by their deltas, calls get the JSON that these make, the end tells why and what it cost."""
    collected = taken(*kit.message_events(kit.message(*ALL))).answer()

    assert collected["content"] == [
        {**block, "input": json.dumps(block["input"])} if block["type"] == "tool_use" else block
        for block in ALL
    ]
    assert (collected["stop_reason"], collected["usage"]) == (
        "end_turn",
        {"input_tokens": 3, "output_tokens": 2},
    )


def test_what_is_written_is_read_again(kit) -> None:
    """The writer's events make the message that was written, and Anthropic's order holds."""
    message = kit.message(*ALL, stop_details=None)
    raw = b"".join(events(message))

    assert said(raw)["content"][2]["input"] == '{"a":["x"],"n":1}'
    assert {**said(raw), "content": []} == {**message, "content": []}
    kinds = [line[7:].decode() for line in raw.split(b"\n") if line.startswith(b"event: ")]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == len(ALL)


def test_what_is_redacted_is_streamed_edited(proxy, fake, kit) -> None:
    """Text, citations and the input of a call; the raw text, also its pieces, stays here."""
    text = {"type": "text", "text": "say zqxmask", "citations": [{**CITED, "cited_text": "zqxmask"}]}
    fake.events(*kit.message_events(kit.message(text, {**CALL, "input": {"a": "zqxmask"}}), 2))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    first, second = said(answer.raw)["content"]
    assert (first["text"], first["citations"][0]["cited_text"]) == ("say [MASK]", "[MASK]")
    assert json.loads(second["input"]) == {"a": "[MASK]"}
    assert b"zqx" not in answer.raw
    assert answer.action == ("redact", "mask.redact")


def test_a_signed_thought_that_would_be_edited_is_left_out(proxy, fake, kit) -> None:
    """What follows moves up, so that indexes have no gap."""
    thought = {"type": "thinking", "thinking": "a zqxmask", "signature": SEALED}
    fake.events(*kit.message_events(kit.message(thought, "fine")))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    assert said(answer.raw)["content"] == [{"type": "text", "text": "fine"}]
    assert b'mask"' not in answer.raw


PLACES = [
    {"type": "text", "text": "a zqxbomb b"},
    {"type": "thinking", "thinking": "a zqxbomb b", "signature": SEALED},
    {"type": "thinking", "thinking": "x", "signature": "zqxbomb"},
    {"type": "text", "text": "x", "citations": [{**CITED, "cited_text": "a zqxbomb"}]},
    {"type": "text", "text": "x", "note": "a zqxbomb"},
    {**CALL, "input": {"a": "a zqxbomb b"}},
    {**CALL, "input": {"zqxbomb": 1}},
    {**CALL, "name": "zqxbomb"},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "zqxbomb"}},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "title": "zqxbomb"}]},
    {"type": "a_new_block", "x": "zqxbomb"},
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("block", PLACES)
def test_a_hidden_term_in_any_block_ends_in_a_refusal(proxy, fake, kit, block, size) -> None:
    """However it is cut: our text, `refusal` with its details, the usage, the end; nothing of the rest."""
    fake.events(*kit.message_events(kit.message("harmless", block), size))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    message = said(answer.raw)
    assert message["content"] == [{"type": "text", "text": "Not that."}]
    assert message["stop_reason"] == "refusal"
    assert message["stop_details"] == {"type": "refusal", "category": None, "explanation": "Not that."}
    assert message["usage"]["output_tokens"] == 2
    assert b"zqx" not in answer.raw
    assert b"harmless" not in answer.raw
    assert answer.action[0] == "block"


def variant(kit: Any, kind: str, **fields: Any) -> list[Any]:
    """Return a stream whose event of a kind has these fields as well."""
    return [
        {**event, **fields} if event["type"] == kind else event
        for event in kit.message_events(kit.message("fine"))
    ]


@pytest.mark.parametrize(
    "kind",
    ["ping", "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"],
)  # fmt: skip
def test_what_the_message_does_not_hold_does_not_leave(proxy, fake, kit, kind) -> None:
    """Fields of events that nobody has judged are left out: the stream is written anew."""
    fake.events(*variant(kit, kind, note="a zqxbomb"))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    assert said(answer.raw)["content"] == [{"type": "text", "text": "fine"}]
    assert b"zqx" not in answer.raw


def test_what_a_later_event_takes_back_does_not_leave(proxy, fake, kit) -> None:
    """Neither of the start of a message, nor of a delta, nor a delta's fields that no client knows."""
    start, ping, *rest, end, stop = kit.message_events(kit.message("fine"))
    begun = {**start, "message": {**start["message"], "stop_sequence": "zqxbomb"}}
    sent = {**rest[1], "delta": {**rest[1]["delta"], "note": "zqxbomb"}}
    said_twice = {**end, "delta": {**end["delta"], "stop_sequence": "zqxbomb"}}
    for stream in (
        (begun, ping, *rest, end, stop),
        (start, ping, rest[0], sent, *rest[2:], end, stop),
        (start, ping, *rest, said_twice, end, stop),
    ):
        fake.events(*stream)
        answer = kit.ask(proxy, kit.asking("hi", stream=True))
        assert said(answer.raw)["content"] == [{"type": "text", "text": "fine"}]
        assert b"zqx" not in answer.raw


def test_events_without_a_name_are_written_with_one(proxy, fake, kit) -> None:
    """Some servers leave it out, and Anthropic's clients need it."""
    fake.streams(*kit.message_events(kit.message("fine")), done=False)

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    assert answer.raw.startswith(b"event: message_start\n")
    assert said(answer.raw)["content"] == [{"type": "text", "text": "fine"}]


START = {"type": "message_start", "message": {"type": "message", "content": [], "usage": {}}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
TOOL = {"type": "content_block_start", "index": 0, "content_block": {**CALL, "input": {"a": 1}}}
STOP = {"type": "content_block_stop", "index": 0}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}


def delta(kind: str, index: Any = 0, **fields: Any) -> dict[str, Any]:
    """Return a delta of a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


ODD = {
    "no start": [TEXT],
    "two starts": [START, START],
    "a start with content": [{**START, "message": {"type": "message", "content": [{"type": "text"}]}}],
    "a start without a message": [{"type": "message_start"}],
    "a start of something else": [{**START, "message": {"type": "x", "content": []}}],
    "a block without a type": [START, {**TEXT, "content_block": {}}],
    "a block that is none": [START, {**TEXT, "content_block": "zqx"}],
    "a gap": [START, {**TEXT, "index": 1}],
    "an index that is none": [START, {**TEXT, "index": False}],
    "a block in a block": [START, TEXT, {**TEXT, "index": 1}],
    "a delta without a block": [START, delta("text_delta", text="x")],
    "a delta of another block": [START, TEXT, delta("text_delta", 1, text="x")],
    "a delta after the end": [START, TEXT, STOP, delta("text_delta", text="x")],
    "an unknown delta": [START, TEXT, delta("hologram_delta", text="x")],
    "a delta without a text": [START, TEXT, delta("text_delta")],
    "a delta that is no text": [START, TEXT, delta("text_delta", text=["x"])],
    "a delta of another kind": [START, TEXT, delta("thinking_delta", thinking="x")],
    "a delta that is none": [START, TEXT, {**delta("x"), "delta": "x"}],
    "a citation that is none": [START, TEXT, delta("citations_delta", citation="x")],
    "a citation with half a character": [START, TEXT, delta("citations_delta", citation={"x": "\ud83d"})],
    "half a character": [START, TEXT, delta("text_delta", text="\ud83d"), STOP],
    "two inputs": [START, TOOL, delta("input_json_delta", partial_json="{}"), STOP],
    "a text that begins as none": [START, {**TEXT, "content_block": {"type": "text", "text": 1}}, delta("text_delta", text="x"), STOP],
    "an end of another block": [START, TEXT, {**STOP, "index": 1}],
    "an end in a block": [START, TEXT, END],
    "an end before the start": [END],
    "an end without a delta": [START, {"type": "message_delta"}],
    "usage that is none": [START, {**END, "usage": "x"}],
    "a block after the end": [START, END, TEXT],
    "a stop without an end": [START, {"type": "message_stop"}],
    "an unknown event": [START, {"type": "hologram"}],
    "a type that is none": [START, b'{"type": ["ping"]}'],
    "no JSON": [START, b"zqxplain words"],
    "a doubled key": [START, b'{"type":"ping","type":"ping"}'],
    "half a character in a name": [START, b'{"type":"ping","\\ud83d":1}'],
    "the end of another API": [START, b"[DONE]"],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_is_out_of_order_is_the_upstreams_fault(name) -> None:
    """Nothing is guessed: what another reader might read otherwise ends the stream."""
    with pytest.raises(BackendError) as caught:
        taken(*ODD[name])
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")


def test_an_event_has_one_type() -> None:
    """Clients go by the name, or by the data."""
    with pytest.raises(BackendError):
        Blocks().take(sse.Event(b"ping", json.dumps(START).encode()))


def test_input_that_is_cut_off_is_judged_as_it_stands(proxy, fake, kit) -> None:
    """A call that ran into `max_tokens` holds no JSON: it passes as it was, and a term in it blocks."""
    for text, reason in (("harmless", "max_tokens"), ("zqxbomb", "refusal")):
        start, ping, block, *_, end, stop = kit.message_events(kit.message(CALL, stop_reason="max_tokens"))
        cut = [delta("input_json_delta", partial_json=piece) for piece in ('{"a": "', text[:4], text[4:])]
        sent = fake.events(start, ping, block, *cut, STOP, end, stop)

        answer = kit.ask(proxy, kit.asking("hi", stream=True))

        assert said(answer.raw)["stop_reason"] == reason
        assert (answer.raw == sent) is (reason == "max_tokens")


FAULTS = {
    "cut": ({"cut": True}, "api_error", "upstream_invalid"),
    "no end": ({}, "api_error", "upstream_invalid"),
    "malformed": ({"last": b'event: ping\ndata: {"type": [\n\n'}, "api_error", "upstream_invalid"),
    "odd": ({"last": START}, "api_error", "upstream_invalid"),
    "error": (
        {"last": {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}},
        "overloaded_error",
        None,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_stream_that_fails_is_an_error_event_alone(proxy, fake, kit, fault) -> None:
    """Anthropic's error shape under its name, and nothing of the content before it; the real SDK raises."""
    more, kind, code = FAULTS[fault]
    last = [more["last"]] if "last" in more else []
    begun = kit.message_events(kit.message("harmless"))[:4]
    fake.events(*begun, *last, cut=more.get("cut", False))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    [frame] = answer.frames
    assert answer.raw.startswith(b"event: error\ndata: ")
    assert (frame["type"], frame["error"]["type"], frame["error"]["details"]["error_code"]) == (
        "error",
        kind,
        code,
    )
    assert b"harmless" not in answer.raw
    with (
        anthropic.Anthropic(base_url=proxy, api_key="k", max_retries=0) as client,
        pytest.raises(anthropic.APIError),
        client.messages.stream(**kit.asking("hi", max_tokens=9)) as stream,
    ):
        stream.get_final_message()


def test_a_stream_that_stalls_is_a_time_out(serve, fake, kit) -> None:
    """504 as an event, and the upstream's connection is closed."""
    fake.events(*kit.message_events(kit.message("harmless"))[:4], hang=True)

    answer = kit.ask(serve(idle_s=0.2), kit.asking("hi", stream=True))

    assert [frame["error"]["type"] for frame in answer.frames] == ["timeout_error"]
    assert fake.dropped.wait(kit.wait_s)


def test_a_server_that_does_not_stream_is_streamed_for(proxy, fake, kit) -> None:
    """A whole message comes back as events, judged all the same."""
    fake.answers(kit.message("say zqxmask", CALL))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    assert said(answer.raw)["content"][0]["text"] == "say [MASK]"
    assert json.loads(said(answer.raw)["content"][1]["input"]) == CALL["input"]


def test_a_client_hears_pings_while_it_waits(serve, fake, kit) -> None:
    """Anthropic's own sign of life, before the message starts; the SDK reads on."""
    url = serve(keep_alive_s=0.02)
    fake.events(*kit.message_events(kit.message("hello")), gate=threading.Event())
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=kit.wait_s)
    connection.request("POST", "/v1/messages", json.dumps(kit.asking("hi", stream=True)))
    with connection.getresponse() as response:
        assert [response.readline(), response.readline()] == [b"event: ping\n", b'data: {"type": "ping"}\n']
        with (
            anthropic.Anthropic(base_url=url, api_key="k", max_retries=0) as client,
            client.messages.stream(**kit.asking("hi", max_tokens=9)) as stream,
        ):
            fake.reply.gate.set()
            assert stream.get_final_text() == "hello"
        assert response.read().endswith(b'data: {"type": "message_stop"}\n\n')
    connection.close()


def test_a_failure_after_the_start_is_an_error_event(serve, fake, kit) -> None:
    """The status is spent; the error comes as an event, and nothing else but pings and the report."""
    url = serve(keep_alive_s=0.02)
    fake.answers(
        {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}, 429, gate=threading.Event()
    )
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=kit.wait_s)
    connection.request("POST", "/v1/messages", json.dumps(kit.asking("hi", stream=True)))
    with connection.getresponse() as response:
        assert response.readline() == b"event: ping\n"
        fake.reply.gate.set()
        frames = [json.loads(line[6:]) for line in response.read().splitlines() if line.startswith(b"data: ")]
    connection.close()
    assert [frame["type"] for frame in frames if frame["type"] != "ping"] == ["error"]
    assert frames[-1]["error"]["type"] == "rate_limit_error"


def test_streams_at_one_time_do_not_mix(proxy, fake, kit) -> None:
    """Ten async SDK streams on one proxy, all of them redacted and whole."""
    fake.events(*kit.message_events(kit.message("one zqxmask two", CALL)))

    async def read(client) -> tuple[str, Any]:
        async with client.messages.stream(**kit.asking("hi", max_tokens=9)) as stream:
            message = await stream.get_final_message()
        return message.content[0].text, message.content[1].input

    async def ask() -> list[Any]:
        async with anthropic.AsyncAnthropic(base_url=proxy, api_key="k", max_retries=0) as client:
            return await asyncio.gather(*(read(client) for _ in range(10)))

    assert asyncio.run(ask()) == [("one [MASK] two", CALL["input"])] * 10


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_cuts_of_the_text_change_nothing(proxy, fake, kit, sizes) -> None:
    """However the model cuts its deltas, the client gets what it would have got from a whole answer."""
    start, ping, block, *_, end, stop = kit.message_events(kit.message("x"))
    text, cut, at = "a zqxmask, b zqxmask.", [], 0
    while at < len(text):
        size = sizes[len(cut) % len(sizes)]
        cut.append(delta("text_delta", text=text[at : at + size]))
        at += size
    fake.events(start, ping, block, *cut, STOP, end, stop)

    assert (
        said(kit.ask(proxy, kit.asking("hi", stream=True)).raw)["content"][0]["text"] == "a [MASK], b [MASK]."
    )
