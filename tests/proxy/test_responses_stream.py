"""Streams of the Responses API through the proxy: told as they are judged, and nothing of what is withheld leaves."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import openai
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.protocols.responses.responses_stream import ResponsesCodec
from guardrails.wire import sse
from tests.cases import each_case, scale
from tests.protocols.conftest import AnswerReader

CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": ["x"]}', "status": "completed"}  # fmt: skip
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm, well."}],
    "content": [{"type": "reasoning_text", "text": "Let me see."}],
}
NOTE = {"type": "url_citation", "start_index": 0, "end_index": 3, "url": "https://x.example", "title": "t"}
CODE = {"type": "code_interpreter_call", "id": "ci_1", "code": "1 + 1", "container_id": "c", "status": "completed", "outputs": []}  # fmt: skip
CUSTOM = {
    "type": "custom_tool_call",
    "id": "ct_1",
    "call_id": "c2",
    "name": "g",
    "input": "go on",
    "status": "completed",
}


def whole(kit: Any) -> dict[str, Any]:
    """Return a response with an item of every kind that grows."""
    noted = kit.said("Grass is green.")
    noted["content"][0]["annotations"] = [NOTE]
    noted["content"].append({"type": "refusal", "refusal": "No more."})
    return kit.response(REASONING, noted, CALL, CUSTOM, CODE)


def read(raw: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the events of a stream and its response, after checking their names, numbers and pieces."""
    found = [*sse.Events().feed(raw)]
    told = [json.loads(event.data) for event in found]
    assert [event.type.decode() for event in found] == [each["type"] for each in told]
    numbers = [each["sequence_number"] for each in told]
    assert numbers == sorted(set(numbers))
    items, again = AnswerReader(ResponsesCodec()), AnswerReader(ResponsesCodec())
    assert [items.take(each) for each in told].index(True) == len(told) - 1
    for each in (*told[:-1], {"type": "response.completed", "response": {}}):
        again.take(each)
    assert again.answer()["output"] == items.answer()["output"]
    return told, items.answer()


def texts(told: list[dict[str, Any]]) -> str:
    """Return what a person reads of a stream."""
    return "".join(each["delta"] for each in told if each["type"] == "response.output_text.delta")


def test_what_is_allowed_is_replayed_byte_for_byte(proxy, fake, kit) -> None:
    """The upstream's own events with their names, numbers and padding; its comments are not."""
    padded = [
        {**event, "obfuscation": "xY9"} if event["type"].endswith(".delta") else event
        for event in kit.response_events(whole(kit), 1)
    ]
    sent = fake.events(*padded)
    fake.reply.pieces = [b": a zqxbomb in a comment\n\nid: zqxbomb\n", *fake.reply.pieces]

    answer = kit.respond(proxy, {"input": "hi", "stream": True})

    assert answer.events == sent
    assert answer.action == ("allow", "")


def test_what_is_told_goes_on_while_the_upstream_writes(proxy, fake, kit) -> None:
    """The real SDK has the first words before the upstream has said the last; what is flagged is told at the end."""
    *sent, last = kit.response_events(kit.response("Good day to all of you, zqxflag."), 4)
    gate = threading.Event()
    fake.events(*sent, gate, last)

    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
        stream = client.responses.create(model="m", input="hi", stream=True)
        deltas = (event.delta for event in stream if event.type == "response.output_text.delta")
        first = ""
        while len(first) < len("Good day to all "):  # in how many events depends on how many arrive together
            first += next(deltas)
        assert first == "Good day to all "
        gate.set()
        rest = [*stream]

    assert rest[-1].response.output_text == "Good day to all of you, zqxflag."


def test_a_block_ends_the_stream_while_the_upstream_writes(proxy, fake, kit) -> None:
    """With what was told before, in events that the real SDK takes for a refusal; the upstream is left at once."""
    sent = kit.response_events(kit.response("Good day, zqxbomb to all of you."), 4)
    gate = threading.Event()
    fake.events(*sent[:7], gate, *sent[7:-4], hang=True)

    with (
        openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client,
        client.responses.stream(model="m", input="hi") as stream,
    ):
        first = [next(stream) for _ in range(5)]
        gate.set()
        last = [*stream][-1]

    assert first[-1].delta == "Good"
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "content_filter")
    said, refused = last.response.output[0].content
    assert "Good day, ".startswith(said.text)
    assert refused.refusal == "Not that."
    assert fake.dropped.wait(kit.wait_s)


def test_what_is_redacted_is_streamed_edited(proxy, fake, kit) -> None:
    """Texts, reasoning and arguments; the raw text, also its pieces, and what points into it stay here."""
    noted = kit.said("say zqxmask")
    noted["content"][0]["annotations"] = [NOTE]
    thought = {**REASONING, "summary": [{"type": "summary_text", "text": "a zqxmask"}]}
    fake.events(
        *kit.response_events(kit.response(thought, noted, {**CALL, "arguments": '{"a": "zqxmask"}'}), 2)
    )

    answer = kit.respond(proxy, {"input": "hi", "stream": True})

    _, response = read(answer.raw)
    assert response["output"][0]["summary"][0]["text"] == "a [MASK]"
    assert response["output"][1]["content"][0] == {
        **noted["content"][0],
        "text": "say [MASK]",
        "annotations": [],
    }
    assert json.loads(response["output"][2]["arguments"]) == {"a": "[MASK]"}
    assert b"zqx" not in answer.raw
    assert answer.action == ("redact", "mask.redact")


PLACES = [
    {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "a zqxbomb b"}],
    },
    {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": "a zqxbomb b"}],
    },
    {**REASONING, "summary": [{"type": "summary_text", "text": "a zqxbomb b"}]},
    {**REASONING, "content": [{"type": "reasoning_text", "text": "a zqxbomb b"}]},
    {**CALL, "arguments": '{"a": "a zqxbomb"}'},
    {**CALL, "name": "zqxbomb"},
    {**CUSTOM, "input": "a zqxbomb b"},
    {**CODE, "code": "a zqxbomb b"},
    {"type": "web_search_call", "id": "w", "action": {"type": "search", "query": "zqxbomb"}},
    {"type": "a_new_item", "x": "zqxbomb"},
]


@each_case("size", [1, 4, 100])
@each_case("item", PLACES)
def test_a_hidden_term_in_any_item_ends_in_a_refusal(proxy, fake, kit, item, size) -> None:
    """However it is cut: behind what was told, in our words, then `response.incomplete` with the reason; nothing of the rest."""
    fake.events(*kit.response_events(kit.response("harmless", item), size))

    answer = kit.respond(proxy, {"input": "hi", "stream": True})

    told, response = read(answer.raw)
    assert [each["type"].removeprefix("response.") for each in told[-6:]] == [
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "incomplete",
    ]
    assert (response["status"], response["incomplete_details"]) == (
        "incomplete",
        {"reason": "content_filter"},
    )
    assert response["output"][-1]["content"][-1] == {"type": "refusal", "refusal": "Not that."}
    assert "harmless".startswith(texts(told).removesuffix("a "))
    assert b"zqx" not in answer.raw
    assert answer.action[0] == "block"


SAID_ONLY_IN_EVENTS = {
    "a field of an event": lambda each: {**each, "note": "zqxbomb"},
    "a word for another": lambda each: {**each, "item_id": "zqxbomb"},
    "padding with words": lambda each: {**each, "obfuscation": "a zqxbomb"},
    "padding that is none": lambda each: {**each, "obfuscation": ["zqxbomb"]},
    "a name": lambda each: {**each, "zqxbomb": 1},
}


@each_case("name", SAID_ONLY_IN_EVENTS)
def test_what_the_response_does_not_hold_does_not_leave(proxy, fake, kit, name) -> None:
    """What only events say belongs to no response: it is left out."""
    change = SAID_ONLY_IN_EVENTS[name]
    sent = kit.response_events(kit.response("fine"))
    for position in range(len(sent)):
        fake.events(*sent[:position], change(sent[position]), *sent[position + 1 :])

        answer = kit.respond(proxy, {"input": "hi", "stream": True})

        assert read(answer.raw)[1]["output"] == [kit.said("fine", "msg_0")]
        assert b"zqx" not in answer.raw


def test_events_that_nobody_knows_do_not_leave(proxy, fake, kit) -> None:
    """Nor does the stream wait for them."""
    sent = kit.response_events(kit.response("fine"), 1)
    odd = {"type": "response.zqxbomb", "sequence_number": 0, "x": "zqxbomb"}
    fake.events(*(each for event in sent[:-1] for each in (event, odd)), sent[-1])

    answer = kit.respond(proxy, {"input": "hi", "stream": True})

    assert answer.frames == sent


@each_case("change", [{"sequence_number": None}, {"sequence_number": 0}])
def test_numbers_that_do_not_rise_are_written_anew(proxy, fake, kit, change) -> None:
    """Some servers count wrong or not at all."""
    fake.events(*({**each, **change} for each in kit.response_events(kit.response("fine"))))

    told, _ = read(kit.respond(proxy, {"input": "hi", "stream": True}).raw)

    assert [each["sequence_number"] for each in told] == [*range(len(told))]


def test_events_without_a_name_are_written_with_one(proxy, fake, kit) -> None:
    """Clients of either kind read them."""
    fake.streams(*kit.response_events(kit.response("fine")))

    answer = kit.respond(proxy, {"input": "hi", "stream": True})

    assert answer.raw.startswith(b"event: response.created\n")
    assert read(answer.raw)[1]["output"] == [kit.said("fine", "msg_0")]


def test_items_that_the_last_event_leaves_out_are_judged(proxy, fake, kit) -> None:
    """Some servers send them once only, each by itself."""
    for text, status in (("fine", "completed"), ("zqxbomb", "incomplete")):
        *sent, last = kit.response_events(kit.response(text))
        fake.events(*sent, {**last, "response": {**last["response"], "output": []}})

        _, response = read(kit.respond(proxy, {"input": "hi", "stream": True}).raw)

        assert response["status"] == status
        assert b"zqx" not in json.dumps(response).encode()
        assert len(response["output"]) == 1


def test_a_response_that_failed_is_passed_on(proxy, fake, kit) -> None:
    """What the model server says of it is judged as well."""
    for message, status in (("over", "failed"), ("a zqxbomb", "incomplete")):
        error = {"code": "server_error", "message": message}
        fake.events(*kit.response_events(kit.response(status="failed", error=error)))

        _, response = read(kit.respond(proxy, {"input": "hi", "stream": True}).raw)

        assert response["status"] == status


def test_half_a_character_may_be_a_piece(proxy, fake, kit) -> None:
    """Deltas cut surrogate pairs, also those of arguments; what they make is whole."""
    given = kit.response("\U0001f600 is it", {**CALL, "arguments": '{"a": "\U0001f600"}'})
    sent = kit.response_events(given, 100)
    told = []
    for each in sent:
        if each["type"].endswith(".delta"):
            units = each["delta"].encode("utf-16-le")
            halves = [
                units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)
            ]
            told += [{**each, "delta": half} for half in halves]
        else:
            told.append(each)
    fake.events(*({**each, "sequence_number": 0} for each in told))

    answer = kit.respond(proxy, {"input": "hi", "stream": True})

    told, response = read(answer.raw)
    assert response["output"] == given["output"]
    assert texts(told) == "\U0001f600 is it"


def test_half_a_character_alone_is_the_upstreams_fault(proxy, fake, kit) -> None:
    """What would be left of it is told nowhere else."""
    sent = kit.response_events(kit.response("a"), 100)
    sent[4]["delta"] = "a\ud83d"
    fake.events(*sent)
    assert (
        kit.respond(proxy, {"input": "hi", "stream": True}).frames[-1]["response"]["output"][0]["content"][0][
            "text"
        ]
        == "a"
    )


FAULTS = {
    "cut": ({"cut": True}, "upstream_invalid"),
    "no end": ({}, "upstream_invalid"),
    "malformed": ({"last": b'event: response.created\ndata: {"type": [\n\n'}, "upstream_invalid"),
    "error": (
        {"last": {"type": "error", "code": "busy", "message": "over", "param": None, "sequence_number": 9}},
        "busy",
    ),
    "a doubled key": ({"last": b'data: {"type":"response.created","type":"x"}\n\n'}, "upstream_invalid"),
    "half a character": (
        {"last": b'data: {"type":"response.created","x":"\\ud83d"}\n\n'},
        "upstream_invalid",
    ),
    "the end of another API": ({"last": b"data: [DONE]\n\n"}, "upstream_invalid"),
    "nested error": ({"last": {"type": "error", "error": {"code": "busy", "message": "over"}}}, "busy"),
    "error of chat": ({"last": b'data: {"error": {"message": "over", "code": "busy"}}\n\n'}, "busy"),
}


@each_case("fault", FAULTS)
def test_a_stream_that_fails_is_an_error_and_a_failed_response(proxy, fake, kit, fault) -> None:
    """With all five fields of an error event, behind what was told before; the real SDK reads both."""
    more, code = FAULTS[fault]
    last = [more["last"]] if "last" in more else []
    begun = kit.response_events(kit.response("harmless"))[:6]
    fake.events(*begun, *last, cut=more.get("cut", False))

    answer = kit.respond(proxy, {"input": "hi", "stream": True})

    *told, error, failed = answer.frames
    assert set(error) == {"type", "code", "message", "param", "sequence_number"}
    assert (error["type"], error["code"]) == ("error", code)
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"]["code"] == "server_error"
    numbers = [each["sequence_number"] for each in answer.frames]
    assert numbers == sorted(set(numbers))
    assert "harmless".startswith(texts(told))
    with (
        openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client,
        client.responses.stream(model="m", input="hi") as stream,
    ):
        kinds = [event.type for event in stream]
    assert kinds[-2:] == ["error", "response.failed"]


def test_a_failure_before_anything_was_told_is_told_alone(proxy, fake, kit) -> None:
    """It has the numbers of a stream that begins with it."""
    fake.events(b'data: {"type": "error", "code": "busy", "message": "over"}\n\n')

    error, failed = kit.respond(proxy, {"input": "hi", "stream": True}).frames

    assert (error["code"], error["sequence_number"]) == ("busy", 0)
    assert (failed["response"]["id"], failed["sequence_number"]) == ("", 1)


def test_a_stream_that_stalls_is_a_time_out(serve, fake, kit) -> None:
    """504 as an event, and the upstream's connection is closed."""
    fake.events(*kit.response_events(kit.response("harmless"))[:6], hang=True)

    answer = kit.respond(serve(idle_s=0.2), {"input": "hi", "stream": True})

    assert answer.frames[-2]["code"] == "upstream_timeout"
    assert answer.frames[-1]["response"]["id"] == "resp_1"
    assert fake.dropped.wait(kit.wait_s)


def test_a_server_that_does_not_stream_is_streamed_for(proxy, fake, kit) -> None:
    """A whole response comes back as events, judged all the same."""
    fake.answers(kit.response("say zqxmask", CALL))

    _, response = read(kit.respond(proxy, {"input": "hi", "stream": True}).raw)

    assert response["output"][0]["content"][0]["text"] == "say [MASK]"
    assert response["output"][1] == CALL


def test_a_client_hears_comments_while_it_waits(serve, fake, kit) -> None:
    """The real SDK reads a stream that began with comments."""
    fake.events(*kit.response_events(kit.response("hello")), gate=threading.Event())

    with openai.OpenAI(base_url=f"{serve(keep_alive_s=0.02)}/v1", api_key="k", max_retries=0) as client:
        stream = client.responses.create(model="m", input="hi", stream=True)
        fake.reply.gate.set()
        assert (
            "".join(event.delta for event in stream if event.type == "response.output_text.delta") == "hello"
        )


def test_streams_at_one_time_do_not_mix(proxy, fake, kit) -> None:
    """Ten async SDK streams on one proxy, all of them redacted and whole."""
    fake.events(*kit.response_events(kit.response(REASONING, "one zqxmask two", CALL)))

    async def ask_once(client) -> tuple[str, str]:
        async with client.responses.stream(model="m", input="hi") as stream:
            response = await stream.get_final_response()
        return response.output_text, response.output[2].arguments

    async def ask() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
            return await asyncio.gather(*(ask_once(client) for _ in range(10)))

    assert asyncio.run(ask()) == [("one [MASK] two", CALL["arguments"])] * 10


@settings(max_examples=scale(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 20))
def test_cuts_of_the_text_change_nothing(proxy, fake, kit, size) -> None:
    """However the model cuts its deltas, the client gets what it would have got from a whole answer."""
    fake.events(*kit.response_events(kit.response("a zqxmask, b zqxmask."), size))

    _, response = read(kit.respond(proxy, {"input": "hi", "stream": True}).raw)

    assert response["output"][0]["content"][0]["text"] == "a [MASK], b [MASK]."
