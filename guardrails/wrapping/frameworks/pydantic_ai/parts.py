"""Parts of Pydantic AI's messages as messages of OpenAI's chat API, and what a policy leaves of them in their own types."""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from guardrails.wrapping.frameworks.model_calls import Message
from guardrails.wrapping.frameworks.tool_calls import write_arguments

MEDIA: Final = {"image": "image_url", "audio": "audio_url", "video": "video_url"}


def read_user(part: Any) -> Message:
    """Return what a user says."""
    given = part.content
    return {"role": "user", "content": given if isinstance(given, str) else [*map(read_content, given)]}


def read_content(value: Any) -> Any:
    """Return one piece of what a user says: a text, or a picture, sound or document."""
    if isinstance(value, str):
        return {"type": "text", "text": value}
    text = getattr(value, "content", None)
    if isinstance(text, str):
        return {"type": "text", "text": text}
    kind, media = str(getattr(value, "kind", "")), str(getattr(value, "media_type", ""))
    if kind == "cache-point":
        return {"type": "text", "text": ""}
    data = getattr(value, "data", None)
    url = getattr(value, "url", None)
    if isinstance(data, bytes):
        url = f"data:{media};base64,{base64.b64encode(data).decode()}"
    field = MEDIA.get(media.partition("/")[0] if isinstance(data, bytes) else kind.removesuffix("-url"))
    if field is None:
        return {"type": "file", "file": {"file_data": url or str(value)}}
    return {"type": field, field: {"url": url}}


def write_content(old: Any, new: Any) -> Any:
    """Return one piece as the policy leaves it, None where it has no form for that."""
    if new == read_content(old):
        return old
    if new.get("type") != "text":
        return None
    if isinstance(old, str):
        return new["text"]
    made = copy.copy(old)
    made.content = new["text"]
    return made


def read_result(part: Any) -> Message:
    """Return what a tool returned, as a model reads it."""
    return {
        "role": "tool",
        "content": part.model_response_str(),
        "tool_call_id": part.tool_call_id,
        "name": part.tool_name,
    }


def read_retry(part: Any) -> Message:
    """Return why a model is asked once more."""
    name = getattr(part, "tool_name", None)
    if name is None:
        return {"role": "user", "content": part.model_response()}
    return {"role": "tool", "content": part.model_response(), "tool_call_id": part.tool_call_id, "name": name}


def read_said(part: Any) -> Message:
    """Return what a model said before."""
    return read_parts([part])


def read_other(part: Any) -> Message:
    """Return a part of a kind that is not known here: all of its fields."""
    shown = {name: value for name, value in vars(part).items() if value is not None}
    return {"role": "user", "content": write_arguments({name: str(value) for name, value in shown.items()})}


READERS: Final = {
    "system-prompt": lambda part: {"role": "system", "content": part.content},
    "instruction": lambda part: {"role": "system", "content": part.content},
    "user-prompt": read_user,
    "tool-return": read_result,
    "retry-prompt": read_retry,
    "text": read_said,
    "thinking": read_said,
    "tool-call": read_said,
}
"""Kind of a part → how it is read."""


def read_parts(parts: Sequence[Any]) -> dict[str, Any]:
    """Return what a model said as a message of the assistant's."""
    texts, thoughts, calls = list[Any](), list[str](), list[Any]()
    for at, part in enumerate(parts):
        kind = part.part_kind
        if kind == "tool-call":
            function = {"name": part.tool_name, "arguments": write_arguments(part.args or "")}
            calls.append({"id": part.tool_call_id or f"call_{at}", "type": "function", "function": function})
        elif kind == "thinking":
            thoughts.append(part.content)
        else:
            said = part.content if kind == "text" else read_other(part)["content"]
            texts.append({"type": "text", "text": said})
    message: dict[str, Any] = {"role": "assistant", "content": texts}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    return {**message, "tool_calls": calls} if calls else message


def write_parts(parts: Sequence[Any], left: Message) -> list[Any]:
    """Return what a model said as the policy leaves it; thoughts that change are one, without the signatures of others."""
    texts, calls = iter(left["content"]), iter(left.get("tool_calls", ()))
    thoughts = "".join(part.content for part in parts if part.part_kind == "thinking")
    thought: str | None = left.get("reasoning_content", "")
    made = []
    for part in parts:
        if part.part_kind == "tool-call":
            made.append(replace(part, args=next(calls)["function"]["arguments"] or part.args))
        elif part.part_kind != "thinking":
            text = next(texts)["text"]
            made.append(replace(part, content=text) if part.part_kind == "text" else part)
        elif thought == thoughts:
            made.append(part)
        elif thought is not None:
            made.append(replace(part, content=thought, signature=None))
            thought = None
    return made
