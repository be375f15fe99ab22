"""What a chat model replies with, by choice, and how it is asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.wire.pointers import Path

CALLS: Final = ("tool_calls", "function_call")
"""Fields of a message that call a tool: the text beside them is no reply yet."""


def find_replies(completion: Mapping[str, Any]) -> list[tuple[Path, ...]]:
    """Return where the texts of each choice's reply stand."""
    choices = completion.get("choices")
    found = (
        (*_texts(choice, ("choices", index)),)
        for index, choice in enumerate(choices if isinstance(choices, list | tuple) else ())
    )
    return [paths for paths in found if paths]


def _texts(choice: Any, path: Path) -> Iterator[Path]:
    if isinstance(choice, Mapping) and isinstance(choice.get("text"), str):
        yield (*path, "text")
    elif isinstance(choice, Mapping):
        yield from message_texts(choice.get("message"), (*path, "message"))


def message_texts(message: Any, path: Path) -> Iterator[Path]:
    """Yield where the texts of a message stand that replies: none of one that calls a tool, or refuses."""
    if not isinstance(message, Mapping) or any(message.get(name) for name in (*CALLS, "refusal")):
        return
    content = message.get("content")
    if isinstance(content, str | None) and "audio" not in message:
        yield (*path, "content")
    elif isinstance(content, list):
        for index, part in enumerate(content):
            if isinstance(part, Mapping) and part.get("type") == "text":
                yield (*path, "content", index, "text")


def append_reask(body: Mapping[str, Any], answer: str, words: str) -> dict[str, Any]:
    """Return a request of the conversation with what the model answered, and the words on that, as its last turns."""
    turns = ({"role": "assistant", "content": answer}, {"role": "user", "content": words})
    return {**body, "messages": [*body["messages"], *turns]}
