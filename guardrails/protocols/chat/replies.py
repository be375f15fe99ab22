"""What a chat model replies with, by choice, and how it is asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.values.walk import LISTS, MAPPINGS
from guardrails.wire.pointers import Path

CALLS: Final = ("tool_calls", "function_call")
"""Fields of a message that call a tool: the text beside them is no reply yet."""


SILENT: Final = (*CALLS, "refusal")
"""Fields beside which the text of a message is no reply."""


def find_replies(completion: Mapping[str, Any]) -> list[tuple[Path, ...]]:
    """Return where the texts of each choice's reply stand."""
    choices = completion.get("choices")
    found: list[tuple[Path, ...]] = []
    for index, choice in enumerate(choices if isinstance(choices, LISTS) else ()):
        if not isinstance(choice, MAPPINGS):
            continue
        if isinstance(choice.get("text"), str):
            found.append((("choices", index, "text"),))
        elif paths := message_texts(choice.get("message"), ("choices", index, "message")):
            found.append(paths)
    return found


def message_texts(message: Any, path: Path) -> tuple[Path, ...]:
    """Return where the texts of a message stand that replies: none of one that calls a tool, or refuses."""
    if not isinstance(message, MAPPINGS):
        return ()
    for name in SILENT:
        if message.get(name):
            return ()
    content = message.get("content")
    if (content is None or isinstance(content, str)) and "audio" not in message:
        return ((*path, "content"),)
    return tuple(
        (*path, "content", index, "text")
        for index, part in enumerate(content if isinstance(content, list) else ())
        if isinstance(part, MAPPINGS) and part.get("type") == "text"
    )


def append_reask(body: Mapping[str, Any], answer: str, words: str) -> dict[str, Any]:
    """Return a request of the conversation with what the model answered, and the words on that, as its last turns."""
    turns = ({"role": "assistant", "content": answer}, {"role": "user", "content": words})
    return {**body, "messages": [*body["messages"], *turns]}
