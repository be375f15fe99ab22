"""Pictures, and what OpenAI's images API says with them: what its tests and the contract matrix share."""

from __future__ import annotations

import io
import json
from base64 import b64decode, b64encode
from typing import Any

from PIL import Image, ImageDraw

BOX = (30, 20, 69, 59)


def file(green: bool = False, kind: str = "PNG", colour: tuple[int, int, int] = (200, 40, 40)) -> bytes:
    """Return the file of a small picture, with a green square in it or not."""
    picture = Image.new("RGB", (100, 80), colour)
    if green:
        ImageDraw.Draw(picture).rectangle(BOX, fill=(0, 255, 0))
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def encoded(green: bool = False, kind: str = "PNG") -> str:
    """Return such a file in Base64."""
    return b64encode(file(green, kind)).decode()


def uri(green: bool = False, kind: str = "PNG") -> str:
    """Return such a file as a data URI."""
    return f"data:image/{kind.lower()};base64,{encoded(green, kind)}"


def is_green(raw: bytes | str) -> bool:
    """Tell whether anything green is left in a picture, given as a file or in Base64."""
    data = b64decode(raw) if isinstance(raw, str) else raw
    with Image.open(io.BytesIO(data)) as picture:
        colours = picture.convert("RGB").getcolors(1 << 16)
    assert colours is not None
    return any(green > 200 and red < 100 and blue < 100 for _, (red, green, blue) in colours)


def asking(prompt: Any = "a cat", **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"model": "m", "prompt": prompt, **fields}


def made(*pictures: Any, **fields: Any) -> dict[str, Any]:
    """Return an answer with these pictures (texts are Base64)."""
    data = [{"b64_json": each} if isinstance(each, str) else each for each in pictures]
    return {"created": 1790000000, "data": data, "usage": {"total_tokens": 2}, **fields}


def event(kind: str, picture: str, **fields: Any) -> dict[str, Any]:
    """Return an event of a stream."""
    shared = {"size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png"}
    last = {"usage": {"total_tokens": 2}} if kind.endswith("completed") else {"partial_image_index": 0}
    return {"type": kind, "b64_json": picture, "created_at": 1790000000, **shared, **last, **fields}


def events(*partial: str, last: str, kind: str = "image_generation") -> list[dict[str, Any]]:
    """Return the events of a stream that shows these before the last."""
    some = [event(f"{kind}.partial_image", each, partial_image_index=at) for at, each in enumerate(partial)]
    return [*some, event(f"{kind}.completed", last)]


def drawing(*partial: str, result: str) -> list[dict[str, Any]]:
    """Return the events of a response that draws these pictures on the way to the last, as OpenAI's Responses API streams them."""
    item = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": result}
    at, kind = {"item_id": "ig_1", "output_index": 0}, "response.image_generation_call"
    whole = {
        "id": "resp_1", "object": "response", "created_at": 1790000000, "model": "m", "status": "completed",
        "output": [item], "error": None, "incomplete_details": None, "instructions": None, "metadata": {},
        "parallel_tool_calls": True, "temperature": None, "tool_choice": "auto", "tools": [], "top_p": None,
    }  # fmt: skip
    begun = {"response": {**whole, "status": "in_progress", "output": []}}
    told: list[dict[str, Any]] = [
        {"type": "response.created", **begun},
        {"type": "response.in_progress", **begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "result": None}},
        {"type": f"{kind}.in_progress", **at},
        {"type": f"{kind}.generating", **at},
        *(
            {"type": f"{kind}.partial_image", **at, "partial_image_index": index, "partial_image_b64": each, "size": "1024x1024"}
            for index, each in enumerate(partial)
        ),
        {"type": f"{kind}.completed", **at},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]  # fmt: skip
    return [{**each, "sequence_number": number} for number, each in enumerate(told)]


BOUNDARY = "zzzz4f2b8a1c"


def form(*parts: tuple[str, Any] | bytes, boundary: str = BOUNDARY) -> tuple[bytes, dict[str, str]]:
    """Return the bytes and the headers of a form; a value is a text, or a file's bytes, and a bare part goes as it is."""
    pieces = []
    for part in parts:
        if isinstance(part, bytes):
            pieces.append(part)
            continue
        name, value = part
        head = f'Content-Disposition: form-data; name="{name}"'
        if isinstance(value, bytes):
            head += '; filename="a.png"\r\nContent-Type: image/png'
        else:
            value = (value if isinstance(value, str) else json.dumps(value)).encode()
        pieces.append(head.encode() + b"\r\n\r\n" + value)
    mark = b"--" + boundary.encode()
    raw = b"".join(mark + b"\r\n" + piece + b"\r\n" for piece in pieces) + mark + b"--\r\n"
    return raw, {"content-type": f"multipart/form-data; boundary={boundary}"}
