"""Pictures in conversations through the proxy: judged, redacted on their way, and never passed on unseen."""

from __future__ import annotations

import io
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

POLICY = """
detectors:
  green: {use: green_square}
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: green, on: [input, output, tool_result], when: custom.green_square > 0.5, then: %s}
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: block}
"""
URI = "data:image/png;base64,"


def base64(*, green: bool) -> str:
    """Return a picture in Base64, with a green square or without."""
    image = Image.new("RGB", (60, 40), (90, 90, 90))
    if green:
        image.paste((0, 255, 0), (10, 10, 30, 30))
    out = io.BytesIO()
    image.save(out, "PNG")
    return b64encode(out.getvalue()).decode()


PLAIN, GREEN = base64(green=False), base64(green=True)


def is_covered(data: str) -> bool:
    """Tell whether a picture has nothing but black where the square was."""
    image = Image.open(io.BytesIO(b64decode(data, validate=True)))
    return image.format == "PNG" and not np.asarray(image.convert("RGB"))[10:30, 10:30].any()


@pytest.fixture
def guarding(serve: Callable[..., str], guard_of: Callable[..., Any]) -> Callable[[str], str]:
    """Return a function: an action in, the address of a proxy that does that to green squares out."""
    return lambda action: serve(guard_of(POLICY % action))


def chat(kit: Any, url: str, data: str) -> Any:
    """Ask a chat model about a picture."""
    part = {"type": "image_url", "image_url": {"url": URI + data}}
    return kit.chat(url, kit.asking({"role": "user", "content": [{"type": "text", "text": "what?"}, part]}))


def respond(kit: Any, url: str, data: str) -> Any:
    """Ask the Responses API about a picture."""
    part = {"type": "input_image", "image_url": URI + data}
    return kit.respond(url, {"model": "m", "input": [{"role": "user", "content": [part]}]})


def ask(kit: Any, url: str, data: str) -> Any:
    """Ask the Messages API about a picture that a tool returned."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    call = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    turns = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    return kit.ask(url, {"model": "m", "max_tokens": 9, "messages": turns})


WAYS = {
    "chat": (chat, lambda kit: kit.completion("fine"), lambda sent: sent["messages"][0]["content"][1]["image_url"]["url"]),
    "responses": (respond, lambda kit: kit.response("fine"), lambda sent: sent["input"][0]["content"][0]["image_url"]),
    "messages": (ask, lambda kit: kit.message("fine"), lambda sent: sent["messages"][2]["content"][0]["content"][0]["source"]["data"]),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_judged_on_its_way_to_the_model(
    guarding: Callable[[str], str], fake: Any, kit: Any, way: str
) -> None:
    """A green square never reaches the model: it is refused, or covered; any other picture is as it was."""
    asking, answer, at = WAYS[way]
    fake.answers(answer(kit))
    blocks, redacts = guarding("block"), guarding("redact")

    refused = asking(kit, blocks, GREEN)
    assert (refused.status, refused.action) == (400, ("block", "green"))
    assert fake.asked == []

    passed = asking(kit, blocks, PLAIN)
    assert (passed.status, passed.action[0]) == (200, "allow")
    assert at(json.loads(fake.asked[-1].raw)).removeprefix(URI) == PLAIN

    covered = asking(kit, redacts, GREEN)
    assert (covered.status, covered.action) == (200, ("redact", "green"))
    assert is_covered(at(json.loads(fake.asked[-1].raw)).removeprefix(URI))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("data", [PLAIN[:-40], "AAAA"])
def test_a_picture_that_cannot_be_read_reaches_nobody(
    guarding: Callable[[str], str], fake: Any, kit: Any, way: str, data: str
) -> None:
    """What the guard cannot see, a model may."""
    asking, _, _ = WAYS[way]
    answer = asking(kit, guarding("block"), data)
    assert (answer.status, answer.action) == (400, ("block", "unchecked.image"))
    assert fake.asked == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_picture_that_a_model_draws_is_judged_before_it_is_shown(
    guarding: Callable[[str], str], fake: Any, kit: Any, stream: bool
) -> None:
    """Whole and streamed: none of the square is in what arrives."""
    for data, action in ((PLAIN, "block"), (GREEN, "block"), (GREEN, "redact")):
        item = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": data}
        whole = kit.response(item, "Here it is.")
        if stream:
            fake.events(*kit.response_events(whole))
        else:
            fake.answers(whole)
        answer = kit.respond(guarding(action), {"model": "m", "input": "draw", "stream": stream})
        assert answer.status == 200
        if data == PLAIN:
            assert PLAIN.encode() in answer.raw
            continue
        assert GREEN.encode() not in answer.raw
        if action == "redact":
            shown = answer.frames[-1]["response"] if stream else answer.json
            assert is_covered(shown["output"][0]["result"])


TEXTS: Any = {
    "chat": (lambda kit, text: kit.completion(text), lambda kit, fake, text: fake.streams(*kit.pieces(text, 50)), lambda kit, url, **more: kit.chat(url, kit.asking("draw", **more))),
    "responses": (lambda kit, text: kit.response(text), lambda kit, fake, text: fake.events(*kit.response_events(kit.response(text), 50)), lambda kit, url, **more: kit.respond(url, {"model": "m", "input": "draw", **more})),
    "messages": (lambda kit, text: kit.message(text), lambda kit, fake, text: fake.events(*kit.message_events(kit.message(text), 50)), lambda kit, url, **more: kit.ask(url, {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "draw"}], **more})),
}  # fmt: skip


@pytest.mark.parametrize("way", TEXTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_picture_that_stands_in_a_reply_is_judged_before_it_is_shown(
    guarding: Callable[[str], str], fake: Any, kit: Any, way: str, stream: bool
) -> None:
    """As a data URI in Markdown, whole and streamed: of the green one nothing arrives, any other goes on with what follows it."""
    answered, streamed, asking = TEXTS[way]
    url = guarding("block")
    for data in (PLAIN, GREEN):
        text = f"Here: ![x]({URI}{data}) quux quux quux."
        if stream:
            streamed(kit, fake, text)
        else:
            fake.answers(answered(kit, text))
        answer = asking(kit, url, stream=stream)
        whole = answer.raw.decode()
        arrived = [data[at : at + 8] in whole for at in range(0, len(data) - 8)]  # a chunk may end in any
        assert any(arrived) == (data == PLAIN)
        assert ("quux" in whole) == (data == PLAIN)


@pytest.mark.parametrize("way", TEXTS)
def test_a_picture_that_stands_in_what_is_asked_reaches_no_model(
    guarding: Callable[[str], str], fake: Any, kit: Any, way: str
) -> None:
    """In a text, as in a part of its own; a rule that redacts refuses it, as it is not written again there."""
    answered, _, _ = TEXTS[way]
    fake.answers(answered(kit, "fine"))
    asked: Any = {
        "chat": lambda url, text: kit.chat(url, kit.asking(text)),
        "responses": lambda url, text: kit.respond(url, {"model": "m", "input": text}),
        "messages": lambda url, text: kit.ask(
            url, {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
        ),
    }[way]
    for action in ("block", "redact"):
        url = guarding(action)
        refused = asked(url, f"<img src='{URI}{GREEN}'>")
        assert (refused.status, refused.action) == (400, ("block", "green"))
        assert fake.asked == []
    passed = asked(url, f"<img src='{URI}{PLAIN}'>")
    assert (passed.status, passed.action[0], len(fake.asked)) == (200, "allow", 1)
