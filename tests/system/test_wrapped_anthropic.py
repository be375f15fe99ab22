"""Anthropic's released SDK, wrapped, before a server that speaks the real protocol. Needs `pip install anthropic`."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from guardrails import BackendError, Blocked, Guard, RequestError
from guardrails.protocols.messages.messages_stream import write_events as split

BOMB, MASK = "zqxbomb", "zqxmask"
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="module")
def kit() -> Any:
    """The proxy tests' helpers."""
    spec = importlib.util.spec_from_file_location(
        "system_proxy_kit", Path(__file__).parents[1] / "proxy" / "conftest.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fake(kit: Any) -> Iterator[Any]:
    """The upstream."""
    fake = kit.Fake()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def guard(kit: Any, guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask, everywhere."""
    made: Guard = guard_of(kit.POLICY)
    return made


def message(*blocks: Any) -> dict[str, Any]:
    """Return a message of these blocks (texts are text blocks)."""
    content = [{"type": "text", "text": each} if isinstance(each, str) else each for each in blocks]
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content}
    return {
        **head,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }


def cut(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a delta as deltas of single characters."""
    if event["type"] != "content_block_delta":
        yield event
        return
    delta = event["delta"]
    (name,) = [each for each in delta if each != "type"]
    for piece in delta[name] if isinstance(delta[name], str) and name != "signature" else [delta[name]]:
        yield {**event, "delta": {"type": delta["type"], name: piece}}


def answers(fake: Any, *blocks: Any, stream: bool) -> None:
    """Let the model answer these blocks."""
    fake.asked.clear()
    if not stream:
        fake.answers(message(*blocks))
        return
    frames = [
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode()
        for event in split(message(*blocks))
        for each in cut(event.data)
    ]
    fake.streams(frames[0], b'event: ping\ndata: {"type": "ping"}\n\n', *frames[1:], done=False)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, fake: Any, guard: Guard) -> Callable[..., Any]:
    """Return a function that asks for a message with a wrapped client, sync and async in turn."""
    url = fake.url.removesuffix("/v1")

    def call(content: Any = "hi", *, on_block: str = "raise", way: str = "create", **more: Any) -> Any:
        body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}], **more}
        options: dict[str, Any] = {"base_url": url, "api_key": "k", "max_retries": 0}

        async def main() -> Any:
            async with guard.wrap(anthropic.AsyncAnthropic(**options), on_block=on_block) as client:
                if way == "stream":
                    async with client.messages.stream(**body) as stream:
                        texts = [text async for text in stream.text_stream]
                        return "".join(texts), await stream.get_final_message()
                answer = await client.messages.create(**body)
                return [event async for event in answer] if body.get("stream") else answer

        if request.param == "async":
            return asyncio.run(main())
        with guard.wrap(anthropic.Anthropic(**options), on_block=on_block) as client:
            if way == "stream":
                with client.messages.stream(**body) as stream:
                    return "".join(stream.text_stream), stream.get_final_message()
            answer = client.messages.create(**body)
            return list(answer) if body.get("stream") else answer

    return call


def shown(answer: Any) -> str:
    """Return all that an answer or a stream's events hold."""
    return "".join(each.model_dump_json() for each in (answer if isinstance(answer, list) else [answer]))


def pieces(answer: Any) -> str:
    """Return the text, the thoughts and the arguments of an answer or of a stream's deltas."""
    if not isinstance(answer, list):
        return "".join(json.dumps(block.model_dump()) for block in answer.content)
    deltas = [event.delta for event in answer if event.type == "content_block_delta"]
    return "".join(
        getattr(delta, name)
        for delta in deltas
        for name in ("text", "partial_json", "thinking")
        if hasattr(delta, name)
    )


@STREAMED
def test_texts_are_checked_before_and_after(ask: Any, fake: Any, stream: bool) -> None:
    """In the SDK's own types."""
    answers(fake, f"a {MASK}.", stream=stream)
    answer = ask(f"my {MASK}", stream=stream)
    assert fake.asked[-1].json["messages"] == [{"role": "user", "content": "my [MASK]"}]
    assert "a [MASK]." in pieces(answer)
    if not stream:
        assert type(answer) is anthropic.types.Message


@STREAMED
def test_an_answer_that_nothing_is_wrong_with_passes(ask: Any, fake: Any, stream: bool) -> None:
    """Event for event."""
    answers(fake, "Hello there.", stream=stream)
    answer = ask(stream=stream)
    assert "Hello there." in pieces(answer)
    assert not stream or len([event for event in answer if event.type == "content_block_delta"]) == 12


@STREAMED
@pytest.mark.parametrize("place", ["prompt", "answer"])
def test_a_block_is_raised_or_answered_in_kind(ask: Any, fake: Any, stream: bool, place: str) -> None:
    """`stop_reason: refusal`, with the rule's message as its explanation, and as its content where there is no other."""
    answers(fake, f"x {BOMB}", stream=stream)
    prompt = BOMB if place == "prompt" else "hi"
    with pytest.raises(Blocked, match="Not that"):
        ask(prompt, stream=stream)
    answer = ask(prompt, stream=stream, on_block="answer")
    assert BOMB not in shown(answer)
    last = answer[-2].delta if stream else answer
    assert (last.stop_reason, last.stop_details.explanation) == ("refusal", "Not that.")
    told = pieces(answer)
    assert told.strip() == "x" if stream and place == "answer" and "x" in told else "Not that." in told
    assert len(fake.asked) == 2 * (place == "answer")


def test_a_block_is_found_while_the_model_goes_on(ask: Any, fake: Any, kit: Any) -> None:
    """Raised or answered behind what was told, though the upstream never ends its stream; the call of it is ended."""
    for on_block in ("raise", "answer"):
        answers(fake, f"Say it. {BOMB} now. ", stream=True)
        fake.reply.pieces, fake.reply.hang = fake.reply.pieces[:-3], True
        fake.dropped.clear()
        if on_block == "raise":
            with pytest.raises(Blocked, match="Not that"):
                ask(stream=True)
        else:
            answer = ask(stream=True, on_block=on_block)
            assert pieces(answer).startswith("Say it.")
            assert answer[-2].delta.stop_reason == "refusal"
        assert fake.dropped.wait(kit.WAIT_S)


TOOL = {"type": "tool_use", "id": "t", "name": "f", "input": {"q": BOMB}}
REQUESTS: dict[str, dict[str, Any]] = {
    "system": {"system": BOMB},
    "system part": {"system": [{"type": "text", "text": BOMB}]},
    "parts": {"content": [{"type": "text", "text": "zqx"}, {"type": "text", "text": "bomb"}]},
    "result": {"content": [{"type": "tool_result", "tool_use_id": "t", "content": BOMB}]},
    "tool": {"tools": [{"name": "f", "description": BOMB, "input_schema": {"type": "object"}}]},
    "arguments": {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [TOOL]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]},
        ]
    },
    "extra": {"extra_body": {"odd": [BOMB]}},
}


@pytest.mark.parametrize("place", REQUESTS)
def test_a_term_in_any_place_of_a_request_blocks(ask: Any, fake: Any, place: str) -> None:
    """Nothing is sent."""
    fake.asked.clear()
    with pytest.raises(Blocked):
        ask(**REQUESTS[place])
    assert fake.asked == []


ANSWERS = {
    "text": "x {}",
    "thinking": {"type": "thinking", "thinking": "{}", "signature": ""},
    "arguments": {"type": "tool_use", "id": "t", "name": "f", "input": {"q": "{}"}},
    "citation": {
        "type": "text",
        "text": "x",
        "citations": [
            {"type": "char_location", "cited_text": "{}", "document_index": 0, "document_title": None,
             "start_char_index": 0, "end_char_index": 1}
        ],
    },
}  # fmt: skip


@STREAMED
@pytest.mark.parametrize("place", ANSWERS)
def test_a_term_in_any_place_of_an_answer_is_found(ask: Any, fake: Any, stream: bool, place: str) -> None:
    """However it is cut: blocked, refused in kind, or redacted."""

    def block(word: str) -> Any:
        return json.loads(
            json.dumps(ANSWERS[place]).replace("{}", word).replace('"input": ' + word, '"input": {}')
        )

    answers(fake, "fine", block(BOMB), stream=stream)
    with pytest.raises(Blocked):
        ask(stream=stream)
    assert BOMB not in shown(ask(stream=stream, on_block="answer"))
    answers(fake, "fine", block(MASK), stream=stream)
    answer = shown(ask(stream=stream))
    assert "[MASK]" in answer
    assert MASK not in answer


@pytest.mark.parametrize("said", ["Hello.", f"a {MASK}", BOMB])
def test_the_stream_helper_is_guarded(ask: Any, fake: Any, said: str) -> None:
    """`text_stream` and the final message."""
    answers(fake, said, stream=True)
    if said == BOMB:
        with pytest.raises(Blocked):
            ask(way="stream")
        text, final = ask(way="stream", on_block="answer")
        assert (text, final.stop_reason) == ("Not that.", "refusal")
        return
    text, final = ask(way="stream")
    assert text == said.replace(MASK, "[MASK]") == final.content[0].text


def test_a_signed_thought_loses_its_signature_where_it_is_redacted(ask: Any, fake: Any) -> None:
    """It would not hold."""
    thought = {"type": "thinking", "thinking": f"of {MASK}", "signature": "c2lnbmF0dXJl" * 4}
    answers(fake, thought, "fine", stream=True)
    _, final = ask(way="stream")
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert (final.content[0].thinking, final.content[0].signature) == ("of [MASK]", "")


def test_no_way_leads_around(fake: Any, guard: Guard) -> None:
    """Raw responses, copies and counts are judged; batches are refused; files and models pass."""
    options: dict[str, Any] = {"base_url": fake.url.removesuffix("/v1"), "api_key": "k", "max_retries": 0}
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    with guard.wrap(anthropic.Anthropic(**options)) as client:
        assert isinstance(client, anthropic.Anthropic)
        answers(fake, BOMB, stream=False)
        for made in (client, client.with_options(timeout=3), client.copy()):
            with pytest.raises(Blocked):
                made.messages.with_raw_response.create(max_tokens=1, **asked)
            with pytest.raises(Blocked):
                made.beta.messages.create(max_tokens=1, **asked)
        with (
            client.messages.with_streaming_response.create(max_tokens=1, **asked) as response,
            pytest.raises(Blocked),
        ):
            response.read()
        with pytest.raises(Blocked):
            client.messages.count_tokens(model="m", messages=[{"role": "user", "content": BOMB}])
        with pytest.raises(RequestError, match="batches is refused"):
            client.messages.batches.create(requests=[])
        fake.answers({"input_tokens": 3})
        assert client.messages.count_tokens(**asked).input_tokens == 3
        fake.answers({"data": [], "has_more": False, "first_id": None, "last_id": None})
        assert list(client.models.list()) == []


def test_errors_come_through(ask: Any, fake: Any) -> None:
    """Of the status, in a stream, and of a stream that nobody can judge."""
    fake.answers({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, 529)
    with pytest.raises(anthropic.APIStatusError, match="no"):
        ask()
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "too much"}}
    fake.streams(b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n", done=False)
    with pytest.raises(anthropic.APIStatusError, match="too much"):
        ask(stream=True)
    fake.streams(b'event: odd\ndata: {"type": "odd", "text": "x"}\n\n', done=False)
    with pytest.raises(BackendError):
        ask(stream=True)
