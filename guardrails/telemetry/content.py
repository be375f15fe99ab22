"""What passed a policy, as OpenTelemetry's GenAI conventions write messages. Called only where content is asked for.

Of what was blocked there is nothing, and of what was redacted what went on. Pictures, films and sounds are named, not copied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from guardrails.telemetry import conventions as names
from guardrails.types import Stage, Text, ToolCall, Verdict

LONGEST: Final = 32_768
"""Characters of the messages of one check; what is longer is left out, as a part of JSON is none."""

OF_MODELS: Final = frozenset({Stage.OUTPUT, Stage.TOOL_CALL})
"""Stages of what a model wrote."""

MEDIA: Final = "blob"

Message = dict[str, Any]


def describe_content(verdict: Verdict) -> dict[str, str]:
    """Return the attribute with the messages that a verdict let pass; none where it let nothing pass, or what has no words."""
    is_answer = verdict.stage in OF_MODELS
    found = [*_messages(verdict.content, "assistant" if is_answer else "user")]
    if not found:
        return {}
    written = json.dumps(found, ensure_ascii=False, default=_name_type)
    attribute = names.OUTPUT_MESSAGES if is_answer else names.INPUT_MESSAGES
    return {attribute.name: written} if len(written) <= LONGEST else {}


def _messages(content: object, role: str) -> Iterator[Message]:
    """Yield the messages of a content in any form: a text, messages, a request or an answer of an API."""
    if isinstance(content, Text):
        content = content.text
    if isinstance(content, ToolCall):
        call = {"type": "tool_call", "name": content.name, "arguments": content.arguments}
        yield {"role": role, "parts": [call]}
    elif isinstance(content, str):
        yield {"role": role, "parts": [_text(content)]}
    elif isinstance(content, Mapping):
        yield from _of_mapping(content, role)
    elif isinstance(content, list | tuple):
        for each in content:
            yield from _messages(each, role)


def _of_mapping(body: Mapping[Any, Any], role: str) -> Iterator[Message]:
    """Yield the messages of a mapping."""
    if isinstance(messages := body.get("messages"), list):
        if system := body.get("system"):
            yield {"role": "system", "parts": [*_parts(system)]}
        yield from _messages(messages, role)
    elif isinstance(choices := body.get("choices"), list):
        for choice in choices:
            if isinstance(choice, Mapping):
                message = choice.get("message") or {"content": choice.get("text")}
                for each in _messages(message, role):
                    yield {**each, "finish_reason": str(choice.get("finish_reason"))}
    elif "content" in body or "tool_calls" in body:
        parts = [*_parts(body.get("content")), *map(_call, body.get("tool_calls") or ())]
        yield {"role": str(body.get("role") or role), "parts": parts}
    else:
        yield {"role": role, "parts": [{"type": "json", "content": _without_media(body)}]}


def _parts(content: object) -> Iterator[Message]:
    """Yield the parts of a message's content."""
    if isinstance(content, str):
        yield _text(content)
    elif isinstance(content, Sequence):
        for part in content:
            is_text = isinstance(part, Mapping) and isinstance(part.get("text"), str)
            yield (
                _text(part["text"])
                if is_text
                else {"type": MEDIA if _is_media(part) else "json", **_rest(part)}
            )


def _rest(part: object) -> Message:
    return {} if _is_media(part) else {"content": _without_media(part)}


def _is_media(part: object) -> bool:
    kind = part.get("type") if isinstance(part, Mapping) else None
    return isinstance(kind, str) and any(word in kind for word in ("image", "audio", "video", "file"))


def _call(call: object) -> Message:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping):
        return {"type": "json", "content": _without_media(call)}
    told = {"name": function.get("name"), "arguments": function.get("arguments")}
    return {"type": "tool_call", "id": call.get("id"), **told}


def _text(text: str) -> Message:
    return {"type": "text", "content": _without_media(text)}


def _without_media(value: Any) -> Any:
    """Return a value of JSON without the bytes of media that stand in it as data URIs."""
    if isinstance(value, str):
        return MEDIA if value.startswith("data:") and ";base64," in value[:128] else value
    if isinstance(value, Mapping):
        return {str(name): _without_media(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_media(each) for each in value]
    return value


def _name_type(value: object) -> str:
    """Stand in for what JSON does not know."""
    return type(value).__name__
