"""Requests that are made to cost a server much: many of everything that a body may hold many of."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from PIL import Image

from tests.hostile_texts import make_prose, make_text

CHAT = "/v1/chat/completions"
MODEL = "scripted"
BOUNDARY = "a-boundary-of-a-form"


class HostileRequest(NamedTuple):
    """Where it goes, what makes its body, and of which type that is."""

    path: str
    make: Callable[[], bytes]
    media: str = "application/json"


def chat(*messages: Mapping[str, Any], **fields: Any) -> bytes:
    """Return the body of a chat request."""
    return json.dumps({"model": MODEL, "messages": messages, **fields}).encode()


def say(*texts: object) -> list[dict[str, Any]]:
    """Return a message of the user for each content."""
    return [{"role": "user", "content": text} for text in texts]


def many(count: int) -> list[str]:
    """Return short texts that differ."""
    return [f"text number {number} of very many" for number in range(count)]


def picture(number: int, size: tuple[int, int], frames: int = 1) -> bytes:
    """Return a picture of one bit for each pixel, or an animation of so many frames."""
    images = []
    for frame in range(frames):
        image = Image.new("1", size)
        for bit in range(16):
            image.putpixel((bit, frame % size[1]), number >> bit & 1)
        image.putpixel((16, frame % size[1]), 1)
        images.append(image)
    file = io.BytesIO()
    images[0].save(file, "PNG", save_all=frames > 1, append_images=images[1:])
    return file.getvalue()


def picture_part(data: bytes) -> dict[str, Any]:
    """Return a picture as a part of a message."""
    return {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64," + base64.b64encode(data).decode()},
    }


def call(number: int, arguments: str) -> dict[str, Any]:
    """Return a call of a tool."""
    return {"id": f"c{number}", "type": "function", "function": {"name": "find", "arguments": arguments}}


def tool(number: int) -> dict[str, Any]:
    """Return the definition of a tool."""
    properties = {"what": {"type": "string", "description": f"What number {number} is to look for."}}
    function = {
        "name": f"find{number}",
        "description": f"Finds thing {number}.",
        "parameters": {"type": "object", "properties": properties},
    }
    return {"type": "function", "function": function}


def calls_and_results(count: int) -> bytes:
    """Return a turn with many calls of a tool, and the result of each."""
    calls = [call(number, json.dumps({"q": f"thing {number}"})) for number in range(count)]
    results = [
        {"role": "tool", "tool_call_id": each["id"], "content": f"Found {each['id']}."} for each in calls
    ]
    return chat(*say("hi"), {"role": "assistant", "content": None, "tool_calls": calls}, *results)


def nested(depth: int) -> Any:
    """Return lists in mappings in lists."""
    value: Any = "some words"
    for level in range(depth):
        value = {"in": value} if level % 2 else [value]
    return value


def form(count: int) -> bytes:
    """Return a form with many pictures."""
    parts = [b'name="prompt"\r\n\r\na cat', b'name="model"\r\n\r\nscripted']
    head = b'name="image[]"; filename="%d.png"\r\nContent-Type: image/png\r\n\r\n%s'
    parts += [head % (number, picture(number, (500, 500))) for number in range(count)]
    disposition = b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: form-data; "
    return b"".join(disposition + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def text_request(name: str, size: int, count: int = 1) -> HostileRequest:
    """Return a request with hostile texts."""
    return HostileRequest(
        CHAT, lambda: chat(*say(*(make_text(name, size)[:-4] + f"{number:4}" for number in range(count))))
    )


REQUESTS: Mapping[str, HostileRequest] = {
    "messages": HostileRequest(CHAT, lambda: chat(*say(*many(9_000)))),
    "parts": HostileRequest(
        CHAT, lambda: chat(*say([{"type": "text", "text": each} for each in many(9_000)]))
    ),
    "values to redact": HostileRequest(
        CHAT,
        lambda: chat(
            *say(*(f"{each}: 4111 1111 1111 1111, jo{at}@example.com" for at, each in enumerate(many(3_000))))
        ),
    ),
    "replies": HostileRequest(
        CHAT, lambda: chat(*({"role": "assistant", "content": each} for each in many(8_000)), *say("Go on."))
    ),
    "tools": HostileRequest(CHAT, lambda: chat(*say("hi"), tools=[tool(number) for number in range(800)])),
    "calls and results": HostileRequest(CHAT, lambda: calls_and_results(1_500)),
    "arguments": HostileRequest(
        CHAT,
        lambda: chat(
            *say("hi"),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [call(0, json.dumps({f"k{at}": each for at, each in enumerate(many(4_000))}))],
            },
        ),
    ),
    "records": HostileRequest(
        CHAT,
        lambda: chat(
            *say("hi"),
            records=[{"what": f"The man said that {each} is good.", "at": 1} for each in many(4_000)],
        ),
    ),
    "unknown fields": HostileRequest(
        CHAT, lambda: chat(*say("hi"), **{f"field{at}": each for at, each in enumerate(many(4_000))})
    ),
    "numbers": HostileRequest(CHAT, lambda: chat(*say("hi"), numbers=[1] * 500_000)),
    "empty lists": HostileRequest(CHAT, lambda: chat(*say("hi"), lists=[[]] * 80_000)),
    "long keys": HostileRequest(
        CHAT, lambda: chat(*say("hi"), **{"key" * 30_000 + str(at): "x" for at in range(30)})
    ),
    "nesting": HostileRequest(CHAT, lambda: chat(*say("hi"), nested=nested(60))),
    "too deep": HostileRequest(
        CHAT, lambda: b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    ),
    "one text": HostileRequest(CHAT, lambda: chat(*say(make_prose(2_000_000)))),
    "too long": HostileRequest(CHAT, lambda: chat(*say("word " * 2_000_000))),
    "escapes": HostileRequest(
        CHAT, lambda: b'{"model":"m","messages":[{"role":"user","content":"' + b"\\u0041" * 400_000 + b'"}]}'
    ),
    "choices": HostileRequest(CHAT, lambda: chat(*say("hi"), n=100_000)),
    "digits and dots": text_request("digits and dots", 19_000),
    "random Unicode": text_request("random Unicode", 19_000),
    "addresses, short": text_request("e-mail addresses", 100, 199),
    "Base64, long": text_request("Base64", 200_000, 4),
    "colons, long": text_request("colons", 200_000, 4),
    "pictures": HostileRequest(
        CHAT, lambda: chat(*say([picture_part(picture(at, (4_000, 2_500))) for at in range(24)]))
    ),
    "small pictures": HostileRequest(
        CHAT, lambda: chat(*say([picture_part(picture(at, (300, 200))) for at in range(100)]))
    ),
    "frames": HostileRequest(CHAT, lambda: chat(*say([picture_part(picture(1, (200, 200), 900))]))),
    "pictures in a text": HostileRequest(
        CHAT,
        lambda: chat(
            *say(" ".join(picture_part(picture(at, (300, 200)))["image_url"]["url"] for at in range(90)))
        ),
    ),
    "broken pictures in a text": HostileRequest(
        CHAT, lambda: chat(*say(" ".join(f"data:image/png;base64,iVBORw0KGgo{at}" for at in range(3_000))))
    ),
    "form": HostileRequest(
        "/v1/images/edits", lambda: form(110), f"multipart/form-data; boundary={BOUNDARY}"
    ),
    "embeddings": HostileRequest(
        "/v1/embeddings", lambda: json.dumps({"model": MODEL, "input": many(9_000)}).encode()
    ),
    "completions": HostileRequest(
        "/v1/completions", lambda: json.dumps({"model": MODEL, "prompt": many(9_000)}).encode()
    ),
    "moderations": HostileRequest("/v1/moderations", lambda: json.dumps({"input": many(900)}).encode()),
    "checks": HostileRequest("/v1/check", lambda: json.dumps({"messages": say(*many(5_000))}).encode()),
    "responses": HostileRequest(
        "/v1/responses", lambda: json.dumps({"model": MODEL, "input": say(*many(5_000))}).encode()
    ),
    "Anthropic": HostileRequest(
        "/v1/messages",
        lambda: json.dumps({"model": MODEL, "max_tokens": 5, "messages": say(*many(5_000))}).encode(),
    ),
    "Gemini": HostileRequest(
        "/v1beta/models/scripted:generateContent",
        lambda: json.dumps(
            {"contents": [{"role": "user", "parts": [{"text": each} for each in many(5_000)]}]}
        ).encode(),
    ),
    "Ollama": HostileRequest(
        "/api/chat",
        lambda: json.dumps({"model": MODEL, "stream": False, "messages": say(*many(5_000))}).encode(),
    ),
    "hook": HostileRequest(
        "/beta/litellm_basic_guardrail_api",
        lambda: json.dumps({"texts": many(5_000), "request_data": {}, "input_type": "request"}).encode(),
    ),
}
"""What there are many of → the request."""
