"""What a caller gives to be checked → leaves, and an outcome → the content to use from now on, in the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from guardrails.engine import chat
from guardrails.engine.fields import Leaf, Leaves, edited, pointer
from guardrails.engine.outcome import Outcome
from guardrails.types import Audio, Content, Image, Media, Place, Stage, Text, ToolCall, Video

MEDIA: Mapping[str, type[Media]] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".heic"), Image),
    **dict.fromkeys((".mp4", ".mov", ".webm", ".mkv", ".avi", ".ts"), Video),
    **dict.fromkeys((".wav", ".mp3", ".ogg", ".flac", ".m4a"), Audio),
}
"""What a file is taken for by its name; its bytes decide once it is opened."""


class Subject:
    """Something to check. `apply` gives it back with an outcome's edits, or None where it is blocked."""

    def __init__(self, leaves: Leaves, apply: Callable[[Outcome], object]) -> None:
        self.leaves = leaves
        self._apply = apply

    def apply(self, outcome: Outcome) -> object:
        """Return the content to use from now on."""
        return None if outcome.action.name == "BLOCK" else self._apply(outcome)


def read(given: object, stage: Stage) -> Subject:
    """Read what a caller gave.

    Takes a text, messages in OpenAI's form (a list, or one mapping with `role`), a chat request (a mapping with
    `messages`) or response (with `choices`), a content of `guardrails.types`, bytes, a path or a PIL picture.

    Raises:
        TypeError: for anything else.
        RequestError: for messages of no known form.
    """
    if isinstance(given, str):
        return text(given, stage)
    if isinstance(given, list | tuple):
        return _messages(given)
    if isinstance(given, Mapping):
        return _mapping(given)
    if isinstance(given, Text | Media | ToolCall):
        return _content(given)
    if isinstance(given, bytes | bytearray | memoryview):
        return _media(given, Image(bytes(given), Place(stage)))
    if isinstance(given, Path):
        return _media(given, MEDIA.get(given.suffix.lower(), Image)(place=Place(stage), url=str(given)))
    if type(given).__module__.split(".")[0] == "PIL":
        return _media(given, Image(place=Place(stage)))
    raise TypeError(
        f"cannot check a {type(given).__name__}: give a text, a list of messages, a chat request or response, "
        "bytes, a path, a PIL picture, or a content of guardrails.types"
    )


def text(given: str, stage: Stage) -> Subject:
    """Read one text."""
    return _content(Text(given, Place(stage)))


def body(given: object, leaves: Leaves) -> Subject:
    """Read a body whose leaves are known."""
    return Subject(leaves, lambda outcome: apply_edits(given, leaves, outcome))


def apply_edits(given: object, leaves: Leaves, outcome: Outcome) -> object:
    """Return a body with the new texts of an outcome; the same object where nothing changes."""
    places = {(leaves.found[index].path, leaves.found[index].inner): new for index, new in outcome.edits.items()}
    return edited(given, places) if places else given


def _content(given: Content) -> Subject:
    leaves = Leaves(found=[Leaf(given)])
    if not isinstance(given, Text):
        return Subject(leaves, lambda outcome: given)
    return Subject(leaves, lambda outcome: outcome.edits.get(0, given.text))


def _media(given: object, content: Media) -> Subject:
    return Subject(Leaves(found=[Leaf(content)]), lambda outcome: given)


def _messages(given: list[Any] | tuple[Any, ...]) -> Subject:
    leaves = Leaves()
    chat.messages(leaves, given)
    return Subject(leaves, lambda outcome: without(apply_edits(given, leaves, outcome), outcome.removed))


def _mapping(given: Mapping[str, Any]) -> Subject:
    if "choices" in given:
        return body(given, chat.response(given))
    if "messages" in given:
        leaves = chat.request(given)
        return Subject(leaves, lambda outcome: request(given, leaves, outcome))
    single = _messages([given])
    return Subject(single.leaves, lambda outcome: single.apply(outcome)[0])  # type: ignore[index] # a list of one


def request(given: Any, leaves: Leaves, outcome: Outcome) -> Any:
    """Return a chat request with edits applied and removed turns left out; the same object where nothing changes."""
    changed: Any = apply_edits(given, leaves, outcome)
    if not outcome.removed:
        return changed
    return {**changed, "messages": without(changed["messages"], outcome.removed)}


def without(messages: Any, removed: tuple[int, ...]) -> Any:
    """Return the messages that stay."""
    return [message for index, message in enumerate(messages) if index not in removed] if removed else messages


def removed_paths(leaves: Leaves, outcome: Outcome) -> tuple[str, ...]:
    """Return the JSON Pointers of the messages that an outcome leaves out."""
    prefix = next((leaf.path[:1] for leaf in leaves.found if leaf.path[:1] == ("messages",)), ())
    return tuple(pointer((*prefix, index)) for index in outcome.removed)
