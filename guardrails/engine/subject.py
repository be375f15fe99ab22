"""What a caller gives to be checked → leaves, and an outcome → the content to use from now on, in the same
shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from guardrails.engine import chat
from guardrails.engine.fields import Leaf, Leaves, edited, pointer
from guardrails.engine.outcome import Outcome
from guardrails.types import Audio, Image, Media, Place, Stage, Text, ToolCall, Video

MEDIA: Mapping[str, type[Media]] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".heic"), Image),
    **dict.fromkeys((".mp4", ".mov", ".webm", ".mkv", ".avi", ".ts"), Video),
    **dict.fromkeys((".wav", ".mp3", ".ogg", ".flac", ".m4a"), Audio),
}
"""What a file is taken for by its name; its bytes decide once it is opened."""

CONVERSATIONS = (("messages",), ("input",))
"""Where the messages of a request stand."""

SPELLED = ("logprobs", "token_ids")
"""Fields of a choice that spell its text once more, in tokens."""

Changed = Callable[[Any, Leaves, Outcome], Any]
"""A body, its leaves and an outcome → the body that the outcome leaves."""

BARE: Mapping[Stage, Place] = {stage: Place(stage) for stage in Stage}
"""Where a text stands that comes without anything around it."""


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

    Takes a text, messages in OpenAI's form (a list, or one mapping with `role`), a chat request (a mapping
    with `messages`) or response (with `choices`), any other list or mapping of JSON values (all its strings
    are judged at the stage), a content of `guardrails.types`, bytes, a path or a PIL picture.

    Raises:
        TypeError: for anything else.
        RequestError: for messages of no known form, and for values inside that are no JSON.
    """
    if isinstance(given, str):
        return text(given, stage)
    if isinstance(given, list | tuple):
        return _messages(given, stage) if any(map(_is_message, given)) else _structure(given, stage)
    if isinstance(given, Mapping):
        return _mapping(given, stage)
    if isinstance(given, Text):
        return _text(given)
    if isinstance(given, ToolCall):
        return _call(given)
    if isinstance(given, Media):
        return _media(given, given)
    if isinstance(given, bytes | bytearray | memoryview):
        return _media(given, Image(bytes(given), Place(stage)))
    if isinstance(given, Path):
        return _media(given, MEDIA.get(given.suffix.lower(), Image)(place=Place(stage), url=str(given)))
    if type(given).__module__.split(".")[0] == "PIL":
        return _picture(given, stage)
    raise TypeError(
        f"cannot check a {type(given).__name__}: give a text, messages, a chat request or response, JSON, "
        f"bytes, a path, a PIL picture, or a content of guardrails.types{_cure(given)}"
    )


def text(given: str, stage: Stage) -> Subject:
    """Read one text."""
    leaves = Leaves(found=[Leaf(Text(given, BARE[stage]))])
    return Subject(leaves, lambda outcome: outcome.edits.get(0, given))


def _is_message(entry: object) -> bool:
    return isinstance(entry, Mapping) and "role" in entry


def _cure(given: object) -> str:
    return "; give what its model_dump() returns" if hasattr(given, "model_dump") else ""


def apply_edits(given: object, leaves: Leaves, outcome: Outcome) -> object:
    """Return a body with the new texts of an outcome; the same object where nothing changes."""
    places = {
        (leaves.found[index].path, leaves.found[index].inner): new for index, new in outcome.edits.items()
    }
    return edited(given, places) if places else given


def body(given: Any, leaves: Leaves, changed: Changed = apply_edits) -> Subject:
    """Read a body whose leaves are known; `changed` makes of it what an outcome leaves."""
    return Subject(leaves, lambda outcome: changed(given, leaves, outcome))


def _text(given: Text) -> Subject:
    leaves = Leaves(found=[Leaf(given)])
    return Subject(leaves, lambda outcome: replace(given, text=outcome.edits[0]) if outcome.edits else given)


def _call(given: ToolCall) -> Subject:
    place = replace(given.place, tool=given.name)
    leaves = Leaves()
    leaves.text(given.name, ("name",), place, editable=False)
    leaves.json_text(given.arguments, ("arguments",), place)
    leaves.found.append(Leaf(given, editable=False))
    fields = {"name": given.name, "arguments": given.arguments}

    def apply(outcome: Outcome) -> object:
        changed: Any = apply_edits(fields, leaves, outcome)
        return given if changed is fields else replace(given, arguments=changed["arguments"])

    return Subject(leaves, apply)


def _media(given: object, content: Media) -> Subject:
    return Subject(Leaves(found=[Leaf(content)]), lambda outcome: given)


def _picture(given: object, stage: Stage) -> Subject:
    """Read a PIL picture: no detector of this build takes one that has no bytes."""
    leaves = Leaves()
    leaves.cannot("part", "no detector reads this picture", (), Place(stage))
    return Subject(leaves, lambda outcome: given)


def _structure(given: object, stage: Stage) -> Subject:
    leaves = Leaves()
    leaves.anything(given, (), Place(stage))
    return body(given, leaves)


def _messages(given: list[Any] | tuple[Any, ...], stage: Stage) -> Subject:
    leaves = Leaves()
    # What a model answered has not passed through a client, who could have forged it.
    chat.messages(leaves, given, forgeable=stage is not Stage.OUTPUT)
    return Subject(leaves, lambda outcome: without(apply_edits(given, leaves, outcome), outcome.removed))


def _mapping(given: Mapping[str, Any], stage: Stage) -> Subject:
    # A client may add `choices` to its request, to have it read as a response.
    if "messages" in given and not (stage is Stage.OUTPUT and "choices" in given):
        leaves = chat.request(given)
        return Subject(leaves, lambda outcome: request(given, leaves, outcome))
    if "choices" in given:
        return response(given, chat.response(given))
    if not _is_message(given):
        return _structure(given, stage)
    leaves = Leaves()
    chat.message(leaves, given, (), 0, forgeable=stage is not Stage.OUTPUT)
    return body(given, leaves)


def response(given: Mapping[str, Any], leaves: Leaves) -> Subject:
    """Read a chat response. An edited choice loses the fields that spell its text as it was."""

    def apply(outcome: Outcome) -> object:
        changed: Any = apply_edits(given, leaves, outcome)
        paths = {leaves.found[index].path[:2] for index in outcome.edits}
        for place in (path for path in paths if len(path) == 2 and path[0] == "choices"):
            choice = changed["choices"][place[1]]
            if isinstance(choice, Mapping):
                gone = dict.fromkeys(name for name in SPELLED if name in choice)
                changed = edited(changed, {(place, None): {**choice, **gone}})
        return changed

    return Subject(leaves, apply)


def request(given: Any, leaves: Leaves, outcome: Outcome) -> Any:
    """Return a chat request with edits applied and removed turns left out; the same object where nothing
    changes.
    """
    changed: Any = apply_edits(given, leaves, outcome)
    if not outcome.removed:
        return changed
    return {**changed, "messages": without(changed["messages"], outcome.removed)}


def without(messages: Any, removed: tuple[int, ...]) -> Any:
    """Return the messages that stay."""
    return (
        [message for index, message in enumerate(messages) if index not in removed] if removed else messages
    )


def removed_paths(leaves: Leaves, outcome: Outcome) -> tuple[str, ...]:
    """Return the JSON Pointers of the messages that an outcome leaves out."""
    prefix = next((leaf.path[:1] for leaf in leaves.found if leaf.path[:1] in CONVERSATIONS), ())
    return tuple(pointer((*prefix, index)) for index in outcome.removed)
