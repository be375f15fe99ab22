"""The contract matrix of pictures: an offending picture in every place of every API never reaches the far side.

A place is a template in which `@uri` stands for a picture as a data URI, `@base64` for it in Base64, and `@file` for its bytes.
The detector looks for green squares; what stands for an offending picture has one.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cases import each_case

from .conftest import EVERYWHERE, Answer, Fake, chunk, completion, message, response, response_events
from .contract_messages import asking as messaging
from .image_kit import asking, drawing, encoded, event, form, is_green, made, uri

POLICY = """
detectors:
  green: {{use: green_square}}
rules:
  - {{id: green, on: {everywhere}, when: custom.green_square > 0.5, then: {then}}}
"""
PICTURES = re.compile(rb"iVBORw0KGgo[A-Za-z0-9+/]+={0,2}")

Place = tuple[str, Any]


def chatting(*content: Any, role: str = "user", **fields: Any) -> dict[str, Any]:
    """Return a chat request with these parts in its last message."""
    return {"model": "m", "messages": [{"role": role, "content": [*content], **fields}]}


TEXT = {"type": "text", "text": "see"}
LINKED = {"type": "image_url", "image_url": {"url": "@uri"}}
HARMLESS = {"type": "image_url", "image_url": {"url": uri()}}
INPUT = {"type": "input_image", "image_url": "@uri"}
SOURCE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "@base64"}}
DRAWING = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "@base64"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}

ASKED: dict[str, Place] = {
    "chat": ("/v1/chat/completions", chatting(TEXT, LINKED)),
    "chat, second picture": ("/v1/chat/completions", chatting(HARMLESS, LINKED, TEXT)),
    "chat, alone": ("/v1/chat/completions", chatting({"type": "image_url", "image_url": "@uri"})),
    "chat, an earlier turn": (
        "/v1/chat/completions",
        {"model": "m", "messages": [*chatting(LINKED)["messages"], {"role": "assistant", "content": "I see."}, {"role": "user", "content": "And?"}]},
    ),
    "chat, a tool's": (
        "/v1/chat/completions",
        {"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "c1", "content": [LINKED]}]},
    ),
    "responses": ("/v1/responses", {"model": "m", "input": [{"role": "user", "content": [INPUT]}]}),
    "responses, a tool's": (
        "/v1/responses",
        {"model": "m", "input": [{"role": "user", "content": "x"}, {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c1", "output": [INPUT]}]},
    ),
    "responses, an earlier drawing": (
        "/v1/responses",
        {"model": "m", "input": [{"role": "user", "content": "x"}, DRAWING, {"role": "user", "content": "Now with a hat."}]},
    ),
    "responses, a drawing of this turn": ("/v1/responses", {"model": "m", "input": [{"role": "user", "content": "x"}, DRAWING]}),
    "responses, mask of a tool": (
        "/v1/responses",
        {"model": "m", "input": "x", "tools": [{"type": "image_generation", "input_image_mask": {"image_url": "@uri"}}]},
    ),
    "messages": ("/v1/messages", messaging({"role": "user", "content": [SOURCE]})),
    "messages, second picture": ("/v1/messages", messaging({"role": "user", "content": [{**SOURCE, "source": {**SOURCE["source"], "data": encoded()}}, SOURCE]})),
    "edits, images": ("/v1/images/edits", asking(images=[{"image_url": "@uri"}])),
    "edits, second picture": ("/v1/images/edits", asking(images=[{"image_url": uri()}, {"image_url": "@uri"}])),
    "edits, mask": ("/v1/images/edits", asking(mask={"image_url": "@uri"})),
    "edits, image": ("/v1/images/edits", asking(image=["@base64"])),
    "edits, a form": ("/v1/images/edits", {"prompt": "x", "image": "@file"}),
    "edits, a form's second": ("/v1/images/edits", {"prompt": "x", "image[]": ["@file", "@file"]}),
    "edits, a form's mask": ("/v1/images/edits", {"prompt": "x", "mask": "@file"}),
    "edits, markup": ("/v1/images/edits", asking(markup={"image_url": "@uri"})),
    "edits, a form's markup": ("/v1/images/edits", {"prompt": "x", "image": "@file", "markup": "@file"}),
    "edits, a form's text": ("/v1/images/edits", {"prompt": "x", "image": "@uri", "x_form": "1"}),
    "variations": ("/v1/images/variations", {"image": "@file"}),
    "ollama": ("/api/chat", {"model": "m", "stream": False, "messages": [{"role": "user", "content": "x", "images": ["@base64"]}]}),
    "gemini": ("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "@base64"}}]}]}),
}  # fmt: skip
ANSWERED: dict[str, tuple[str, dict[str, Any], Any]] = {
    "generations": ("/v1/images/generations", asking(), made("@base64")),
    "generations, second picture": ("/v1/images/generations", asking(), made(encoded(), "@base64")),
    "generations, url": ("/v1/images/generations", asking(), made({"url": "@uri"})),
    "generations, partial": (
        "/v1/images/generations",
        asking(stream=True),
        [event("image_generation.partial_image", encoded()), event("image_generation.partial_image", "@base64"), event("image_generation.completed", encoded())],
    ),
    "generations, streamed": ("/v1/images/generations", asking(stream=True), [event("image_generation.partial_image", encoded()), event("image_generation.completed", "@base64")]),
    "edits, partial": ("/v1/images/edits", asking(stream=True), [event("image_edit.partial_image", "@base64"), event("image_edit.completed", encoded())]),
    "edits, not streamed": ("/v1/images/edits", asking(stream=True), made("@base64")),
    "chat": ("/v1/chat/completions", chatting(TEXT), completion({"role": "assistant", "content": "x", "images": [LINKED]})),
    "chat, second choice": ("/v1/chat/completions", chatting(TEXT), completion("x", {"role": "assistant", "content": [LINKED]})),
    "chat, streamed": (
        "/v1/chat/completions",
        {**chatting(TEXT), "stream": True},
        [chunk({"role": "assistant", "content": "x"}), chunk({"images": [LINKED]}), chunk({}, "stop")],
    ),
    "responses": (
        "/v1/responses",
        {"model": "m", "input": "x"},
        response(DRAWING),
    ),
    "responses, streamed": ("/v1/responses", {"model": "m", "input": "x", "stream": True}, response_events(response(DRAWING))),
    "responses, partial": ("/v1/responses", {"model": "m", "input": "x", "stream": True}, drawing(encoded(), "@base64", result=encoded())),
    "responses, partial and last": ("/v1/responses", {"model": "m", "input": "x", "stream": True}, drawing("@base64", result="@base64")),
    "responses, a mask that is repeated": (
        "/v1/responses",
        {"model": "m", "input": "x"},
        response("Hello.", tools=[{"type": "image_generation", "input_image_mask": {"image_url": "@uri"}}]),
    ),
}  # fmt: skip
HELLO = {
    "/v1/chat/completions": completion("Hello."),
    "/v1/responses": response("Hello."),
    "/v1/messages": message("Hello."),
    "/api/chat": {"model": "m", "message": {"role": "assistant", "content": "Hello."}, "done": True},
    "/v1beta/models/m:generateContent": {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello."}]}, "finishReason": "STOP"}]},
}  # fmt: skip
"""Path → a harmless answer."""


def fill(template: Any, *, green: bool) -> Any:
    """Return a template with a picture in its places."""
    if isinstance(template, str):
        filled = template.replace("@uri", uri(green)).replace("@base64", encoded(green))
        return b64decode(encoded(green)) if template == "@file" else filled
    if isinstance(template, dict):
        return {name: fill(value, green=green) for name, value in template.items()}
    return [fill(each, green=green) for each in template] if isinstance(template, list) else template


def sent(body: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """Return a request as it is sent, with its headers."""
    values = [
        (name, each)
        for name, value in body.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    if "x_form" in body or any(isinstance(value, bytes) for _, value in values):
        return form(*values)
    return body, {"anthropic-version": "2023-06-01"}


def shows_green(raw: bytes) -> bool:
    """Tell whether any picture in a body has something green."""
    files = [b"\x89PNG" + each for each in raw.split(b"\x89PNG")[1:]]
    return any(map(is_green, [*files, *(each.decode() for each in PICTURES.findall(raw))]))


@pytest.fixture(params=["block", "redact", "flag"], scope="module")
def then(request) -> str:
    """What the policy does."""
    return str(request.param)


@pytest.fixture(scope="module")
def url(serve_all, guard_of, then) -> str:
    """A proxy that does it to green squares."""
    return str(serve_all(guard_of(POLICY.format(everywhere=EVERYWHERE, then=then))))


@each_case("place", ASKED)
def test_an_offending_picture_in_a_request_does_not_reach_the_model(url, fake, kit, then, place) -> None:
    """It is stopped, or covered; one that nothing is wrong with goes on as it came, and one that is flagged does."""
    path, template = ASKED[place]
    fake.answers(HELLO.get(path, made(encoded())))
    for green in (False, True):
        fake.asked.clear()
        raw, headers = sent(fill(template, green=green))
        answer = kit.send(url, path, raw, headers)

        action = answer.action[0]
        if not green or then == "flag":
            assert (answer.status, action) == (200, "flag" if green else "allow"), answer.raw
            assert fake.asked[0].raw == (raw if isinstance(raw, bytes) else json.dumps(raw).encode())
        elif action == "block":
            assert then == "block"
            assert answer.status in (200, 400)
            assert not fake.asked
        else:  # an earlier turn may have been left out
            assert (action, answer.status) == ("redact", 200), answer.raw
            assert not shows_green(fake.asked[0].raw)


def _answered(url: str, fake: Fake, kit: Any, place: str, *, green: bool) -> tuple[Answer, bytes]:
    path, body, template = ANSWERED[place]
    found = fill(template, green=green)
    if not isinstance(found, list):
        told = json.dumps(found).encode()
        fake.answers(told)
    else:
        told = fake.events(*found) if "type" in found[0] else fake.streams(*found)
    return kit.send(url, path, body), told


@each_case("place", ANSWERED)
def test_an_offending_picture_in_an_answer_does_not_reach_the_client(url, fake, kit, then, place) -> None:
    """Likewise."""
    harmless, told = _answered(url, fake, kit, place, green=False)
    assert (harmless.status, harmless.action[0]) == (200, "allow"), harmless.raw
    assert place == "edits, not streamed" or harmless.events == told

    answer, told = _answered(url, fake, kit, place, green=True)

    assert answer.action[0] == then
    assert shows_green(answer.raw) == (then == "flag"), answer.raw
    if then == "flag" and place != "edits, not streamed":
        assert answer.events == told


def test_green_is_seen_wherever_it_stands() -> None:
    """What the matrix looks for."""
    body = {"a": [{"b": uri(green=True)}], "c": encoded()}
    assert shows_green(json.dumps(body).encode())
    assert shows_green(form(("a", b64decode(encoded(green=True))))[0])
    assert not shows_green(json.dumps({"a": uri()}).encode())


def pieces() -> Iterator[str]:
    """Yield all that a place is made of."""
    for _, template in ASKED.values():
        yield json.dumps(template)
    for _, _, template in ANSWERED.values():
        yield json.dumps(template)


def test_each_place_has_a_picture() -> None:
    """Else it would show nothing."""
    assert all("@" in each for each in pieces())
