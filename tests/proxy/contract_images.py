"""Where a text may stand in OpenAI's images API, for the contract matrix: asked as JSON and as forms, answered whole and streamed.

What stands in pictures is tried by `test_contract_images.py`.
"""

from __future__ import annotations

import json
from typing import Any

from guardrails.protocols.errors import OF_BLOCKS
from guardrails.protocols.images import images_fields

from .conftest import Answer
from .contract import Api, Failure
from .image_kit import asking, file, form, made

PICTURE = "https://x.example/p.png"

ASKS: dict[str, Any] = {
    "prompt": asking("@"),
    "prompt, a structure": asking({"text": ["@"]}),
    "prompt, of two": asking(["x", "@"]),
    **{f"field {name}": asking(**{name: "@"}) for name in images_fields.REQUEST.fields if name != "prompt"},
    "unknown field": asking(x_new={"a": ["@"]}),
    "name of a field": asking(**{"@": 1}),
    "metadata, deep": asking(metadata={"a": "@"}),
}

SENT: dict[str, Any] = {
    "picture, url": asking(images=[{"image_url": "@"}]),
    "picture, a mapping's url": asking(images=[{"image_url": {"url": "@"}}]),
    "picture, a mapping's detail": asking(images=[{"image_url": {"url": PICTURE, "detail": "@"}}]),
    "picture, data": asking(images=[{"image_url": "data:image/png;base64,@"}]),
    "second picture, url": asking(images=[{"image_url": PICTURE}, {"image_url": "@"}]),
    "picture, file_id": asking(images=[{"file_id": "@"}]),
    "picture, type": asking(images=[{"type": "@", "image_url": PICTURE}]),
    "picture, unknown field": asking(images=[{"image_url": PICTURE, "x_new": "@"}]),
    "picture, name of a field": asking(images=[{"image_url": PICTURE, "@": 1}]),
    "mask, url": asking(mask={"image_url": "@"}),
}

FORMS: dict[str, Any] = {
    "prompt": {"prompt": "@"},
    **{
        f"field {name}": {"prompt": "x", name: "@"}
        for name in images_fields.REQUEST.fields
        if name != "prompt"
    },
    "beside a picture": {"prompt": "@", "image": file()},
    "beside two pictures": {"prompt": "@", "image[]": file(), "mask": file()},
    "unknown field": {"prompt": "x", "x_new": "@"},
    "name of a field": {"prompt": "x", "@": "1"},
    "a file for a text": {"prompt": ["@"]},
    "picture, no picture": {"prompt": "x", "image": ["@"]},
}

ANSWERS: dict[str, Any] = {
    "revised_prompt": made({"revised_prompt": "@"}),
    "second revised_prompt": made({"revised_prompt": "x"}, {"revised_prompt": "@"}),
    "revised_prompt, a structure": made({"revised_prompt": ["@"]}),
    "picture, b64_json": made("@"),
    "picture, url": made({"url": "@"}),
    "picture, unknown field": made({"url": PICTURE, "x_new": {"a": "@"}}),
    "picture, name of a field": made({"url": PICTURE, "@": 1}),
    "pictures, a text": made(data=["@"]),
    **{f"field {name}": made(**{name: "@"}) for name in images_fields.RESPONSE.fields},
    "usage, deep": made(usage={"total_tokens": 2, "x_new": {"a": "@"}}),
    "unknown field": made(x_new={"a": ["@"]}),
    "name of a field": made(**{"@": 1}),
    "upstream's error": Failure(
        400, {"error": {"message": "@", "type": "image_generation_user_error", "param": None, "code": None}}
    ),
    "upstream's error, unknown field": Failure(500, {"error": {"message": "x", "x_new": "@"}, "text": "@"}),
    "streams only: an error": [
        {"type": "image_generation.partial_image", "size": "x"},
        {"type": "error", "error": {"message": "@", "type": "server_error"}},
    ],
    "streams only: a field of SSE": [": @\n\n", "id: @\nretry: @\n", {"type": "image_generation.completed"}],
    "streams only: a partial picture's": [
        {"type": "image_generation.partial_image", "partial_image_index": "@"},
        {"type": "image_generation.completed"},
    ],
    "streams only: in two halves": [
        {"type": "image_generation.partial_image", "x_new": "@<"},
        {"type": "image_generation.completed", "x_new": "@>"},
    ],
    "streams only: after the last": [
        {"type": "image_generation.completed"},
        {"type": "image_generation.completed", "x_new": "@"},
    ],
    "streams only: a type": [{"type": "@"}, {"type": "image_generation.completed"}],
}


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return an answer as a stream: each picture is an event, which says all that the answer says of all; none is cut."""
    shared = {name: value for name, value in whole.items() if name not in ("data", "created")}
    entries = (
        [each for each in whole["data"] if isinstance(each, dict)] if isinstance(whole["data"], list) else []
    )
    if len(entries) != len(whole["data"]):
        shared["data"] = whole["data"]
    if "@" not in repr(whole["created"]) and isinstance(whole["created"], str):
        shared["created"] = whole["created"]
    told = [{"type": "image_generation.completed", **shared, **each} for each in entries or [{}]]
    return [b"data: " + json.dumps(each).encode() + b"\n\n" for each in told]


def ending(answer: Answer) -> str:
    """Tell how a stream ended."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return ""
    error = answer.frames[-1].get("error") if answer.frames else None
    if error is None:
        return ""
    assert {"message", "type", "param", "code"} == set(error) - {*OF_BLOCKS}
    return "stop" if error["code"] == "moderation_blocked" else "error"


def formed(body: Any) -> tuple[bytes, dict[str, str]]:
    """Return a request as a form; what stands in a list is a file."""
    return form(
        *((name, value[0].encode() if isinstance(value, list) else value) for name, value in body.items())
    )


GENERATIONS = Api("/v1/images/generations", ASKS, made(), ANSWERS, asking(), frames, ending, errors=True)
EDITS = Api("/v1/images/edits", {**ASKS, **SENT}, made(), ANSWERS, asking(), frames, ending, errors=True)
EDITED = Api(
    "/v1/images/edits", FORMS, made(), ANSWERS, {"prompt": "x"}, frames, ending,
    name="/v1/images/edits, a form", form=formed, errors=True,
)  # fmt: skip
VARIED = Api(
    "/v1/images/variations", FORMS, made(), ANSWERS, {"model": "m"}, frames, ending, form=formed, errors=True
)
IMAGES = (GENERATIONS, EDITS, EDITED, VARIED)
