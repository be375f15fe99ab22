"""What the tests of Gemini's API share: answers as it gives them, whole and as the chunks of a stream."""

from __future__ import annotations

from typing import Any

HEAD = {"modelVersion": "gemini-x", "responseId": "r1"}
USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}


def part(each: Any) -> dict[str, Any]:
    """Return a part; texts are text parts."""
    return dict(each) if isinstance(each, dict) else {"text": each}


def candidate(*parts: Any, **fields: Any) -> dict[str, Any]:
    """Return a whole candidate with these parts."""
    content = {"role": "model", "parts": [part(each) for each in parts]}
    return {"content": content, "finishReason": "STOP", "index": 0, **fields}


def gemini_answer(*parts: Any, **fields: Any) -> dict[str, Any]:
    """Return an answer with one candidate of these parts."""
    return {"candidates": [candidate(*parts, **fields)], "usageMetadata": dict(USAGE), **HEAD}


def chunk(*parts: Any, **fields: Any) -> dict[str, Any]:
    """Return a chunk of a stream with these parts of its candidate."""
    made = candidate(*parts)
    del made["finishReason"]
    return {"candidates": [{**made, **fields}], "usageMetadata": dict(USAGE), **HEAD}


def chunks(whole: dict[str, Any], size: int = 3) -> list[dict[str, Any]]:
    """Return the chunks that an answer is streamed as, its texts cut into small pieces; all else is in the last of them."""
    head = {name: value for name, value in whole.items() if name in ("modelVersion", "responseId")}
    out: list[dict[str, Any]] = []
    last: list[Any] = []
    for each in whole.get("candidates", []):
        index, content = each.get("index", 0), each.get("content") or {}
        parts: list[Any] = []
        for given in content["parts"]:
            text = given.get("text")
            grows = isinstance(text, str) and given.keys() <= {"text", "thought"}
            parts += (
                [{**given, "text": text[at : at + size]} for at in range(0, len(text), size)]
                if grows
                else [given]
            )
        out += [
            {"candidates": [{"content": {**content, "parts": [one]}, "index": index}], **head}
            for one in parts
        ]
        last.append({**each, "content": {**content, "parts": [{"text": ""}]}})
    more = {name: value for name, value in whole.items() if name != "candidates"}
    return [*out, {**({"candidates": last} if last else {}), **more}]
