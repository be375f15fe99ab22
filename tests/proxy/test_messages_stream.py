"""Streams of Anthropic's API: judged as they come, and nothing of what is withheld leaves."""

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

from guardrails.protocols.messages.messages_stream import MessagesCodec, write_events
from guardrails.protocols.streaming.codec import dump_events
from guardrails.wire import sse
from tests.cases import each_case, scale
from tests.protocols.conftest import AnswerReader

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


def said(raw: bytes) -> dict[str, Any]:
    """Return the message that a client reads in a stream."""
    blocks = AnswerReader(MessagesCodec())
    assert [blocks.take(json.loads(event.data)) for event in sse.Events().feed(raw)][-1]
    return blocks.answer()


def test_what_is_allowed_goes_on_byte_for_byte(proxy, fake, kit) -> None:
    """The upstream's own events with their names, but where one goes on in parts; its comments do not."""
    thought, text, *_ = ALL
    words = ({**thought, "thinking": "Hm"}, {**text, "text": "Green"}, CALL)
    sent = fake.events(*kit.message_events(kit.message(*words)))
    fake.reply.pieces = [b": a zqxbomb in a comment\n\nid: zqxbomb\n", *fake.reply.pieces]

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    assert answer.events == sent
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.action == ("allow", "")


def test_what_is_allowed_is_the_message_that_was_sent(proxy, fake, kit) -> None:
    """Blocks of all kinds, however their texts are cut."""
    for size in (1, 3, 100):
        sent = fake.events(*kit.message_events(kit.message(*ALL), size))

        answer = kit.ask(proxy, kit.asking("hi", stream=True))

        assert said(answer.raw) == said(sent)


def test_what_is_written_is_read_again(kit) -> None:
    """The writer's events make the message that was written, and Anthropic's order holds."""
    message = kit.message(*ALL, stop_details=None)
    raw = dump_events([*write_events(message)])

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


def test_a_signed_thought_that_is_edited_loses_its_signature(proxy, fake, kit) -> None:
    """It was begun before that was known: a whole message is without it."""
    thought = {"type": "thinking", "thinking": "a zqxmask", "signature": SEALED}
    fake.events(*kit.message_events(kit.message(thought, "fine")))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    edited = {"type": "thinking", "thinking": "a [MASK]", "signature": ""}
    assert said(answer.raw)["content"] == [edited, {"type": "text", "text": "fine"}]
    assert SEALED.encode() not in answer.raw


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


@each_case("size", [1, 4, 100])
@each_case("block", PLACES)
@each_case("before", [[], ["It is harmless."]])
def test_a_hidden_term_in_any_block_ends_in_a_refusal(proxy, fake, kit, block, before, size) -> None:
    """However it is cut: what came before, or our text; `refusal` with its details, the usage, the end; nothing of the rest."""
    fake.events(*kit.message_events(kit.message(*before, block), size))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    message = said(answer.raw)
    told = "".join(each.get("text", "") + each.get("thinking", "") for each in message["content"])
    own = block.get(block["type"], "")
    assert told == "Not that." or "".join((*before, own)).startswith(told)
    assert told
    assert message["stop_reason"] == "refusal"
    assert message["stop_details"] == {"type": "refusal", "category": None, "explanation": "Not that."}
    assert message["usage"]["output_tokens"] == 2
    assert b"zqx" not in answer.raw
    assert answer.action[0] == "block"


def variant(kit: Any, kind: str, **fields: Any) -> list[Any]:
    """Return a stream whose event of a kind has these fields as well."""
    return [
        {**event, **fields} if event["type"] == kind else event
        for event in kit.message_events(kit.message("fine"))
    ]


@each_case(
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
STOP = {"type": "content_block_stop", "index": 0}


def delta(kind: str, index: Any = 0, **fields: Any) -> dict[str, Any]:
    """Return a delta of a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def test_input_that_is_cut_off_is_judged_as_it_stands(proxy, fake, kit) -> None:
    """A call that ran into `max_tokens` holds no JSON: it passes as it was, and a term in it blocks."""
    for text, reason in (("harmless", "max_tokens"), ("zqxbomb", "refusal")):
        start, ping, block, *_, end, stop = kit.message_events(kit.message(CALL, stop_reason="max_tokens"))
        cut = [delta("input_json_delta", partial_json=piece) for piece in ('{"a": "', text[:4], text[4:])]
        sent = fake.events(start, ping, block, *cut, STOP, end, stop)

        answer = kit.ask(proxy, kit.asking("hi", stream=True))

        assert said(answer.raw)["stop_reason"] == reason
        assert (answer.events == sent) is (reason == "max_tokens")


FAULTS = {
    "cut": ({"cut": True}, "api_error", "upstream_invalid"),
    "no end": ({}, "api_error", "upstream_invalid"),
    "malformed": ({"last": b'event: ping\ndata: {"type": [\n\n'}, "api_error", "upstream_invalid"),
    "odd": ({"last": START}, "api_error", "upstream_invalid"),
    "two types": (
        {"last": b'event: ping\ndata: {"type": "content_block_stop"}\n\n'},
        "api_error",
        "upstream_invalid",
    ),
    "a doubled key": ({"last": b'data: {"type":"ping","type":"ping"}\n\n'}, "api_error", "upstream_invalid"),
    "half a character in a name": (
        {"last": b'data: {"type":"ping","\\ud83d":1}\n\n'},
        "api_error",
        "upstream_invalid",
    ),
    "the end of another API": ({"last": b"data: [DONE]\n\n"}, "api_error", "upstream_invalid"),
    "error": (
        {"last": {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}},
        "overloaded_error",
        None,
    ),
}


@each_case("fault", FAULTS)
def test_a_stream_that_fails_ends_in_an_error_event(proxy, fake, kit, fault) -> None:
    """Anthropic's error shape under its name, and no end before it that looks like success; the real SDK raises."""
    more, kind, code = FAULTS[fault]
    last = [more["last"]] if "last" in more else []
    begun = kit.message_events(kit.message("harmless"))[:4]
    fake.events(*begun, *last, cut=more.get("cut", False))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    *before, frame = answer.frames
    assert b"event: error\ndata: " in answer.raw
    assert {each["type"] for each in before} <= {"message_start", "ping", "content_block_start"}
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
    """504 as an event behind what was told, and the upstream's connection is closed."""
    fake.events(*kit.message_events(kit.message("harmless"))[:4], hang=True)

    answer = kit.ask(serve(idle_s=0.2), kit.asking("hi", stream=True))

    kinds = [frame["type"] for frame in answer.frames]
    assert kinds == ["message_start", "ping", "content_block_start", "error"]
    assert answer.frames[-1]["error"]["type"] == "timeout_error"
    assert fake.dropped.wait(kit.wait_s)


def test_a_server_that_does_not_stream_is_streamed_for(proxy, fake, kit) -> None:
    """A whole message comes back as events, judged all the same."""
    fake.answers(kit.message("say zqxmask", CALL))

    answer = kit.ask(proxy, kit.asking("hi", stream=True))

    assert said(answer.raw)["content"][0]["text"] == "say [MASK]"
    assert json.loads(said(answer.raw)["content"][1]["input"]) == CALL["input"]


def test_words_come_before_the_upstream_has_ended(proxy, fake, kit) -> None:
    """Thoughts and texts go on as they are judged; the real SDK reads them while the upstream has yet to end."""
    gate = threading.Event()
    sent = kit.message_events(
        kit.message({"type": "thinking", "thinking": "Hm, well.", "signature": SEALED}, "It is so, I think.")
    )
    fake.events(*sent[:-4], gate, *sent[-4:])
    with (
        anthropic.Anthropic(base_url=proxy, api_key="k", max_retries=0) as client,
        client.messages.stream(**kit.asking("hi", max_tokens=9)) as stream,
    ):
        texts = stream.text_stream
        first = next(texts)
        assert not fake.sent.is_set()
        gate.set()
        rest = "".join(texts)
        final = stream.get_final_message()

    assert first
    assert first + rest == "It is so, I think."
    assert (final.content[0].thinking, final.content[0].signature) == ("Hm, well.", SEALED)


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


@settings(max_examples=scale(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
