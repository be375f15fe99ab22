"""The contract matrix of films and sounds in bodies: an offending film in every place of every API never reaches the far side.

A place is a template in which `@uri` stands for a film as a data URI and `@base64` for it in Base64. The detector looks for green
squares; what stands for an offending film has one in each frame. What is said in sounds is tried by `test_speech.py`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import openai
import pytest

from tests.films import film, green, scene

from .conftest import EVERYWHERE, Answer, chunk, completion, response
from .contract_audio import silence
from .test_contract_images import chatting

POLICY = """
detectors:
  green: {{use: green_square}}
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask}}
rules:
  - {{id: green, on: {everywhere}, when: custom.green_square > 0.5, then: {then}}}
  - {{id: bomb, on: {everywhere}, when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: mask, on: {everywhere}, when: custom.mask > 0, then: redact}}
"""
HEAD = "data:video/mp4;base64,"
VIDEO = {"type": "video_url", "video_url": {"url": "@uri"}}
TEXT = {"type": "text", "text": "see"}
GEMINI = "/v1beta/models/m:generateContent"
INLINE = {"inlineData": {"mimeType": "video/mp4", "data": "@base64"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}

ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", chatting(TEXT, VIDEO)),
    "chat, a string": ("/v1/chat/completions", chatting({"type": "video_url", "video_url": "@uri"})),
    "chat, a file": ("/v1/chat/completions", chatting({"type": "file", "file": {"file_data": "@uri", "filename": "a.mp4"}})),
    "chat, a file without a type": ("/v1/chat/completions", chatting({"type": "file", "file": {"file_data": "@base64"}})),
    "chat, a picture's place": ("/v1/chat/completions", chatting({"type": "image_url", "image_url": {"url": "@uri"}})),
    "chat, a tool's": (
        "/v1/chat/completions",
        {"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "c1", "content": [VIDEO]}]},
    ),
    "responses": ("/v1/responses", {"model": "m", "input": [{"role": "user", "content": [{"type": "input_file", "file_data": "@uri", "filename": "a.mp4"}]}]}),
    "gemini": (GEMINI, {"contents": [{"role": "user", "parts": [INLINE]}]}),
    "gemini, in the other spelling": (GEMINI, {"contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "video/mp4", "data": "@base64"}}]}]}),
}  # fmt: skip
ANSWERED: dict[str, tuple[str, dict[str, Any], Any]] = {
    "chat": ("/v1/chat/completions", chatting(TEXT), completion({"role": "assistant", "content": [VIDEO]})),
    "chat, streamed": (
        "/v1/chat/completions",
        {**chatting(TEXT), "stream": True},
        [chunk({"role": "assistant", "content": "x"}), chunk({"images": [VIDEO]}), chunk({}, "stop")],
    ),
    "gemini": (
        GEMINI,
        {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
        {
            "candidates": [
                {"index": 0, "content": {"role": "model", "parts": [INLINE]}, "finishReason": "STOP"}
            ]
        },
    ),
}
HELLO = {
    "/v1/chat/completions": completion("Hello."),
    "/v1/responses": response("Hello."),
    GEMINI: {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello."}]}, "finishReason": "STOP"}]
    },
}


@pytest.fixture(scope="module")
def films() -> dict[bool, str]:
    """A film in Base64, by whether it offends."""
    return {offends: b64encode(film(make(8))).decode() for offends, make in ((False, scene), (True, green))}


@pytest.fixture(scope="module")
def serving(serve_all, guard_of) -> Callable[[str], str]:
    """Return a function: what a policy does to green squares in, the address of a proxy that does it out."""
    return cache(lambda then: serve_all(guard_of(POLICY.format(everywhere=EVERYWHERE, then=then))))


@pytest.fixture
def url(serving, fake) -> str:
    """A proxy that blocks."""
    return str(serving("block"))


def fill(template: Any, data: str) -> Any:
    """Return a template with a film in its places."""
    if isinstance(template, str):
        return template.replace("@uri", HEAD + data).replace("@base64", data)
    if isinstance(template, dict):
        return {name: fill(value, data) for name, value in template.items()}
    return [fill(each, data) for each in template] if isinstance(template, list) else template


THENS = ("block", "redact", "flag")


@pytest.mark.parametrize(
    ("then", "place"), [*product(["block"], ASKED), ("redact", "chat"), ("flag", "gemini")]
)
def test_an_offending_film_in_a_request_does_not_reach_the_model(
    serving, fake, kit, films, then, place
) -> None:
    """It is stopped, or covered; one that nothing is wrong with goes on as it came, and one that is flagged does."""
    path, template = ASKED[place]
    fake.answers(HELLO[path])
    for offends in (False, True):
        fake.asked.clear()
        body = fill(template, films[offends])
        answer: Answer = kit.send(serving(then), path, body)

        action = answer.action[0]
        if not offends or then == "flag":
            assert (answer.status, action) == (200, "flag" if offends else "allow"), answer.raw
            assert fake.asked[0].json == body
        else:
            assert action == then, answer.raw
            assert bool(fake.asked) == (then == "redact")
            assert not fake.asked or films[True] not in fake.asked[0].raw.decode()


@pytest.mark.parametrize(("then", "place"), [*product(["block"], ANSWERED), ("redact", "chat")])
def test_an_offending_film_in_an_answer_does_not_reach_the_client(
    serving, fake, kit, films, then, place
) -> None:
    """Likewise."""
    path, body, template = ANSWERED[place]
    for offends in (False, True):
        found = fill(template, films[offends])
        fake.streams(*found) if isinstance(found, list) else fake.answers(found)

        answer: Answer = kit.send(serving(then), path, body)

        assert answer.action[0] == (then if offends else "allow"), answer.raw
        assert (films[offends] in answer.raw.decode()) == (not offends or then == "flag")


@pytest.mark.parametrize(
    "hidden",
    ["data:video/mp4;base64,@", "data:audio/wav;base64,UklGRiwAAABXQVZF", "@"],
    ids=["uri", "sound", "bare"],
)
def test_a_film_where_nobody_looks_for_one_is_named(url, fake, kit, films, hidden) -> None:
    """In a field that is not known it is an unchecked part, which is refused by default."""
    answer = kit.chat(url, {**chatting(TEXT), "x_new": hidden.replace("@", films[False])})

    assert (answer.status, answer.action) == (400, ("block", "unchecked.part"))
    assert not fake.asked


SPOKEN = {
    "id": "audio_1",
    "data": b64encode(silence()).decode(),
    "expires_at": 1,
    "transcript": "All is well.",
}


def spoken(transcript: str) -> dict[str, Any]:
    """Return a completion that is spoken."""
    audio = {**SPOKEN, "transcript": transcript}
    return completion({"role": "assistant", "content": None, "refusal": None, "audio": audio})


def speaking(transcript: str) -> list[dict[str, Any]]:
    """Return its stream."""
    half = len(transcript) // 2
    data = SPOKEN["data"]
    deltas: list[dict[str, Any]] = [
        {"role": "assistant"},
        {"audio": {"id": "audio_1", "transcript": transcript[:half]}},
        {"audio": {"data": data[:8]}},
        {"audio": {"transcript": transcript[half:]}},
        {"audio": {"data": data[8:]}},
        {"audio": {"expires_at": 1}},
    ]
    return [*map(chunk, deltas), chunk({}, "stop")]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("transcript", "action", "heard"),
    [("All is well.", "allow", True), ("a zqxmask here", "redact", False), ("a zqxbomb", "block", False)],
)
def test_a_spoken_reply_is_not_heard_where_its_transcript_is_changed(
    url, fake, streamed, transcript, action, heard
) -> None:
    """Its sound says what the transcript said."""
    client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
    ask: Callable[..., Any] = client.chat.completions.with_raw_response.create
    messages: Any = [{"role": "user", "content": "x"}]
    more: Any = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    if streamed:
        fake.streams(*speaking(transcript))
        raw = ask(model="m", messages=messages, stream=True, **more)
        deltas = [each.choices[0].delta.model_dump() for each in raw.parse() if each.choices]
        said = [each["audio"] for each in deltas if each.get("audio")]
        text = "".join(each.get("transcript") or "" for each in said)
        data = "".join(each.get("data") or "" for each in said)
    else:
        fake.answers(spoken(transcript))
        raw = ask(model="m", messages=messages, **more)
        message = raw.parse().choices[0].message
        text = message.audio.transcript if message.audio else ""
        data = message.audio.data if message.audio else ""
        assert raw.headers["x-guardrails-action"] == action

    assert bool(data) is heard
    assert text == {"allow": transcript, "redact": "a [MASK] here", "block": ""}[action]
    client.close()
    assert json.dumps(fake.asked[0].json["modalities"]) == '["text", "audio"]'
