"""OpenAI's Responses API with its released SDK, wrapped; and its streams, put together and cut."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from guardrails import BackendError, Blocked, Guard, RequestError
from guardrails.protocols.responses.event_writer import write_events as split
from guardrails.protocols.responses.protocol import refuse
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"
STREAMED = each_case("stream", [False, True], ids=["whole", "stream"])


def message(text: str, **more: Any) -> dict[str, Any]:
    """Return an item that says a text."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **more}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def call(query: str) -> dict[str, Any]:
    """Return an item that calls a function."""
    arguments = json.dumps({"q": query})
    return {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "c",
        "name": "f",
        "arguments": arguments,
    }


def response(*items: Any) -> dict[str, Any]:
    """Return a whole response."""
    return {
        **refuse("", {"model": "m"}),
        "status": "completed",
        "incomplete_details": None,
        "output": [*items],
    }


def events_of(*items: Any) -> list[dict[str, Any]]:
    """Return the events of a response, its deltas cut into single characters."""
    out: list[dict[str, Any]] = []
    for event in split(response(*items)):
        cut = event.data["type"].endswith(".delta")
        out += [{**event.data, "delta": each} for each in event.data["delta"]] if cut else [event.data]
    return [{**event, "sequence_number": at} for at, event in enumerate(out)]


def frames(events: list[dict[str, Any]]) -> list[bytes]:
    """Return events as they are sent."""
    names = [event["type"] if isinstance(event.get("type"), str) else "x" for event in events]
    return [
        f"event: {name}\ndata: {json.dumps(event)}\n\n".encode()
        for name, event in zip(names, events, strict=True)
    ]


def answers(fake: Any, *items: Any, stream: bool) -> None:
    """Let the model answer these items."""
    if stream:
        fake.streams(*frames(events_of(*items)), done=False)
    else:
        fake.answers(response(*items))


def ask(client: Any, given: Any = "hi", **more: Any) -> Any:
    """Ask for a response."""
    return client("responses.create", model="m", input=given, **more)


def text_of(answer: Any) -> str:
    """Return the text of a response or of its deltas."""
    if isinstance(answer, list):
        return "".join(event.delta for event in answer if event.type == "response.output_text.delta")
    return str(answer.output_text)


@STREAMED
@each_case(
    ("asked", "heard", "answered", "shown"),
    [
        ("hi", "hi", "Hello.", "Hello."),
        (MASK, "[MASK]", "Hello.", "Hello."),
        ("hi", "hi", f"a {MASK}.", "a [MASK]."),
    ],
)
def test_texts_are_checked_before_and_after(
    client: Any, fake: Any, texts: Any, stream: bool, asked: str, heard: str, answered: str, shown: str
) -> None:
    """In every event that says them, in the SDK's types."""
    answers(fake, message(answered), stream=stream)
    answer = ask(client(), asked, stream=stream)
    assert fake.asked[-1].json["input"] == heard
    assert text_of(answer) == shown
    assert MASK not in texts(answer)
    assert (
        not stream
        or shown != answered
        or [event.type for event in answer] == [each["type"] for each in events_of(message(answered))]
    )
    assert not stream or answer[-1].response.output[0].content[0].text == shown


@STREAMED
@each_case("place", ["prompt", "answer"])
def test_a_block_is_raised_or_answered_in_kind(
    client: Any, fake: Any, texts: Any, stream: bool, place: str
) -> None:
    """`incomplete` for the reason `content_filter`, with a refusal; in a stream with right sequence numbers."""
    answers(fake, message(f"x {BOMB}"), stream=stream)
    asked = BOMB if place == "prompt" else "hi"
    with pytest.raises(Blocked, match="Not that"):
        ask(client(), asked, stream=stream)
    answer = ask(client(on_block="answer"), asked, stream=stream)
    whole = answer[-1].response if stream else answer
    assert (whole.status, whole.incomplete_details.reason) == ("incomplete", "content_filter")
    assert whole.output[-1].content[-1].refusal == "Not that."
    assert BOMB not in texts(answer)
    if stream:
        assert [event.sequence_number for event in answer] == [*range(len(answer))]
        assert [event.type for event in answer][-5:] == [
            "response.refusal.delta",
            "response.refusal.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.incomplete",
        ]


def test_a_block_is_found_while_the_model_goes_on(client: Any, fake: Any, kit: Any) -> None:
    """Raised or answered behind what was told, though the upstream never ends its stream; the call of it is ended."""
    events = events_of(message(f"Say it. {BOMB} now. "))
    for on_block in ("raise", "answer"):
        fake.dropped.clear()
        fake.streams(*frames(events[:-4]), done=False, hang=True)
        if on_block == "raise":
            with pytest.raises(Blocked, match="Not that"):
                ask(client(), stream=True)
        else:
            answer = ask(client(on_block=on_block), stream=True)
            assert text_of(answer).startswith("Say it.")
            assert answer[-1].response.incomplete_details.reason == "content_filter"
        assert fake.dropped.wait(kit.WAIT_S)


REQUESTS: dict[str, dict[str, Any]] = {
    "instructions": {"instructions": BOMB},
    "item": {"input": [{"role": "user", "content": BOMB}]},
    "parts": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "zqx"}, {"type": "input_text", "text": "bomb"}]}]},
    "output": {"input": [{"type": "function_call_output", "call_id": "c", "output": BOMB}]},
    "tool": {"tools": [{"type": "function", "name": "f", "description": BOMB, "parameters": {}, "strict": False}]},
    "extra": {"extra_body": {"odd": [BOMB]}},
}  # fmt: skip


@each_case("place", REQUESTS)
def test_a_term_in_any_place_of_a_request_blocks(client: Any, fake: Any, place: str) -> None:
    """Nothing is sent."""
    with pytest.raises(Blocked):
        client()("responses.create", **{"model": "m", "input": "hi", **REQUESTS[place]})
    assert fake.asked == []


def test_what_the_guard_cannot_see_is_refused(client: Any, fake: Any) -> None:
    """A conversation that is elsewhere; an answer that is fetched later is judged when it is."""
    with pytest.raises(RequestError):
        ask(client(), previous_response_id="resp_1")
    assert fake.asked == []
    fake.answers(response(message(BOMB)))
    for way in (lambda made: made.responses.retrieve("resp_1"), lambda made: made.responses.cancel("resp_1")):
        with pytest.raises(Blocked):
            client().use(way)
    fake.answers({"object": "response.input_tokens", "input_tokens": 3})
    count = client()("responses.input_tokens.count", model="m", input="x")
    assert count.input_tokens == 3
    with pytest.raises(Blocked):
        client()("responses.input_tokens.count", model="m", input=BOMB)


ANSWERS: dict[str, Any] = {
    "text": message("x {}"),
    "arguments": call("{}"),
    "reasoning": {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "{}"}]},
    "annotation": message("x", annotations=[{"type": "url_citation", "url": "https://x.example", "title": "{}", "start_index": 0, "end_index": 1}]),
    "refusal": {**message(""), "content": [{"type": "refusal", "refusal": "{}"}]},
    "custom": {"id": "ct_1", "type": "custom_tool_call", "call_id": "c", "name": "f", "input": "{}"},
    "code": {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "container_id": "c", "code": "{}", "outputs": None},
}  # fmt: skip


@STREAMED
@each_case("place", ANSWERS)
def test_a_term_in_any_place_of_an_answer_is_found(
    client: Any, fake: Any, texts: Callable[[Any], str], stream: bool, place: str
) -> None:
    """However it is cut: blocked, refused in kind, or redacted in every event."""

    def item(word: str) -> Any:
        given = json.loads(
            json.dumps(ANSWERS[place]).replace('"{}"', f'"{word}"').replace("x {}", f"x {word}")
        )
        return call(word) if place == "arguments" else given

    answers(fake, message("fine"), item(BOMB), stream=stream)
    with pytest.raises(Blocked):
        ask(client(), stream=stream)
    assert BOMB not in texts(ask(client(on_block="answer"), stream=stream))
    answers(fake, message("fine"), item(MASK), stream=stream)
    shown = texts(ask(client(), stream=stream))
    assert "[MASK]" in shown
    assert MASK not in shown


@each_case("said", ["Hello.", f"a {MASK}.", BOMB])
def test_the_stream_helper_is_guarded(fake: Any, policy_guard: Guard, said: str) -> None:
    """`with client.responses.stream(…)` and its final response, sync and async."""
    answers(fake, message(said), call("x"), stream=True)

    def sync() -> Any:
        with (
            policy_guard.wrap(openai.OpenAI(base_url=fake.url, api_key="k")) as client,
            client.responses.stream(model="m", input="hi") as stream,
        ):
            return stream.get_final_response()

    async def awaited() -> Any:
        async with (
            policy_guard.wrap(openai.AsyncOpenAI(base_url=fake.url, api_key="k")) as client,
            client.responses.stream(model="m", input="hi") as stream,
        ):
            return await stream.get_final_response()

    for run in (sync, lambda: asyncio.run(awaited())):
        if said == BOMB:
            with pytest.raises(Blocked):
                run()
        else:
            assert run().output_text == said.replace(MASK, "[MASK]")


@each_case(
    "events",
    [
        [{**event, "text": BOMB} if "text" in event else event for event in events_of(message("Hello."))],
        [*events_of(message("Hello."))[:-1], *events_of(message(BOMB))[-1:]],
        [*events_of(message(BOMB))[:-4], *events_of(message("Hello."))[-4:]],
        [{"type": "response.odd", "delta": BOMB}],
        [{"type": "response.image_generation_call.partial_image", "partial_image_b64": "eA=="}],
        [{"type": ["x"]}],
        [{}],
        [{"type": "response.created", "response": "x"}],
        [{"type": "response.output_item.added", "item": {}}],
        [{"type": "response.output_item.added", "output_index": -1, "item": {}}],
        [{"type": "response.output_item.added", "output_index": 0}],
    ],
)  # fmt: skip
def test_a_stream_that_says_one_thing_in_two_ways_is_refused(
    client: Any, fake: Any, events: list[Any]
) -> None:
    """Deltas, what closes them, and the response at the end are the same; what nobody knows nobody can judge."""
    fake.streams(*frames(events), done=False)
    with pytest.raises(BackendError):
        ask(client(), stream=True)


@each_case(
    "events",
    [
        [{"type": "response.web_search_call.searching", "item_id": "zqx bomb zqxbomb", "output_index": 0}],
        [{"type": "response.web_search_call.searching", "note": BOMB}],
        [{"type": "response.web_search_call.searching", "sequence_number": BOMB}],
        [{"type": "error", "message": BOMB, "code": None, "param": None}],
    ],
)  # fmt: skip
def test_what_stands_beside_the_response_is_not_told(
    client: Any, fake: Any, texts: Any, events: list[Any]
) -> None:
    """Fields of events that hold no piece of it: they are judged, left out, or malformed."""
    whole = events_of(message("x"))
    fake.streams(*frames([*whole[:2], *events, *whole[2:]]), done=False)
    with contextlib.suppress(Blocked, BackendError):
        assert BOMB not in texts(ask(client(on_block="answer"), stream=True))


def test_an_annotation_goes_where_its_text_changed(client: Any, fake: Any) -> None:
    """It points into a text that is no more; the stream is written anew."""
    note = {
        "type": "url_citation",
        "url": "https://x.example",
        "title": "t",
        "start_index": 0,
        "end_index": 1,
    }
    events = events_of(message(MASK, annotations=[note]))
    at = next(index for index, event in enumerate(events) if event["type"] == "response.output_text.done")
    added = {"type": "response.output_text.annotation.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "annotation_index": 0, "annotation": note}  # fmt: skip
    fake.streams(*frames([*events[:at], added, *events[at:]]), done=False)
    answer = ask(client(), stream=True)
    assert text_of(answer) == "[MASK]"
    assert answer[-1].response.output[0].content[0].annotations == []
    assert all("annotation.added" not in event.type for event in answer)
