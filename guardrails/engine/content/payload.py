"""Payloads: a caller's value with its content tree, and an outcome's edits applied to the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import IOBase
from pathlib import Path
from typing import Any

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.inline_media import medium
from guardrails.engine.model import Outcome
from guardrails.engine.values.writer import replace_values
from guardrails.media.video.file_type import HEAD
from guardrails.types import Audio, Image, Media, Place, Stage, Text, ToolCall, Use, Video
from guardrails.wire.pointers import pointer

MEDIA: Mapping[str, type[Media]] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".heic"), Image),
    **dict.fromkeys((".jfif", ".apng", ".heif", ".tif", ".tiff", ".ico", ".psd", ".jxl", ".svg"), Image),
    **dict.fromkeys((".mp4", ".mov", ".webm", ".mkv", ".avi", ".ts"), Video),
    **dict.fromkeys((".wav", ".mp3", ".ogg", ".flac", ".m4a"), Audio),
}
"""What a file is taken for by its name; its bytes decide once it is opened, also that its type is one that is not read."""

CONVERSATIONS = (("messages",), ("input",), ("contents",))
"""Where the messages of a request stand."""


MOST_DIMENSIONS = 3
"""Dimensions of an array that is one picture."""

BATCH = "give each picture of a batch by itself, as [height, width, 3]"
TENSOR = "give a tensor as an array of pixels, [height, width, 3]: tensor.detach().cpu().numpy()"
"""What to do with what is no picture as it is."""

ApplyEdits = Callable[[Any, ContentTree, Outcome], Any]
"""A body, its leaves and an outcome → the body that the outcome leaves."""

BARE: Mapping[Stage, Place] = {stage: Place(stage) for stage in Stage}
"""Where a text stands that comes without anything around it."""


class Payload:
    """Something to check. `apply` gives it back with an outcome's edits, or None where it is blocked."""

    def __init__(self, tree: ContentTree, apply: Callable[[Outcome], object]) -> None:
        self.tree = tree
        self._apply = apply

    def apply(self, outcome: Outcome) -> object:
        """Return the content to use from now on."""
        return None if outcome.action.name == "BLOCK" else self._apply(outcome)


def read(given: object, stage: Stage) -> Payload:
    """Read what a caller gave, in whatever form; those of messages and chat bodies are read by `protocols.chat.chat_payload`.

    Takes a text, any list or mapping of JSON values (all its strings are judged at the stage), a content of `guardrails.types`;
    a picture, film or sound: the bytes of its file, a path to it or the file, opened; or a PIL picture or an array of pixels.
    What is redacted of a file comes back as bytes.

    Raises:
        TypeError: for anything else.
        RequestError: for values inside that are no JSON.
    """
    if isinstance(given, str):
        return text(given, stage)
    if isinstance(given, list | tuple | Mapping):
        return _structure(given, stage)
    if isinstance(given, Text):
        return _text(given)
    if isinstance(given, ToolCall):
        return _call(given)
    if isinstance(given, Media):
        return _media(given, given)
    if is_pixels(given) and getattr(given, "ndim", 0) > MOST_DIMENSIONS:
        raise TypeError(f"cannot check an array of {getattr(given, 'ndim', 0)} dimensions: {BATCH}")
    if (content := _of_file(given, BARE[stage])) is not None:
        return _media(given, content)
    raise TypeError(
        f"cannot check a {type(given).__name__}: give a text, messages, a chat request or response, JSON, bytes, a path, an open "
        f"file, a PIL picture, an array of pixels, or a content of guardrails.types{_conversion_hint(given)}"
    )


def _of_file(given: object, place: Place) -> Media | None:
    """Return what a file, or what is like one, holds; None where it is none."""
    if isinstance(given, bytes | bytearray | memoryview):
        data = bytes(given)
        return medium(data[:HEAD])(data, place)
    if isinstance(given, Path):
        return _type_by_name(given)(place=place, source=given)
    if isinstance(given, IOBase):
        return _type_of_open_file(given)(place=place, source=given)
    return Image(place=place, source=given) if is_pixels(given) else None


def _type_by_name(path: Path) -> type[Media]:
    """Return what a file is taken for: by its ending, else by its first bytes."""
    by_name = MEDIA.get(path.suffix.lower())
    if by_name is not None:
        return by_name
    try:
        with path.open("rb") as file:
            return medium(file.read(HEAD))
    except OSError:
        return Image  # which says what is wrong, once it is opened


def _type_of_open_file(file: IOBase) -> type[Media]:
    """Return what an open file is, from where it stands."""
    if not (file.readable() and file.seekable()):
        raise TypeError("cannot check a file that cannot be read and wound back: give its bytes")
    at = file.tell()
    head = file.read(HEAD)
    file.seek(at)
    if not isinstance(head, bytes):
        raise TypeError("cannot check a file that was opened as text: open it with 'rb'")
    return medium(head)


def text(given: str, stage: Stage) -> Payload:
    """Read one text."""
    tree = ContentTree(leaves=[Leaf(Text(given, BARE[stage]))])
    return Payload(tree, lambda outcome: outcome.edits.get(0, given))


def _conversion_hint(given: object) -> str:
    if is_tensor(given):
        return f"; {TENSOR}"
    return "; give what its model_dump() returns" if hasattr(given, "model_dump") else ""


def apply_edits(given: object, tree: ContentTree, outcome: Outcome) -> object:
    """Return a body with the new texts of an outcome; the same object where nothing changes."""
    places = {
        (tree.leaves[index].path, tree.leaves[index].inner): new for index, new in outcome.edits.items()
    }
    return replace_values(given, places) if places else given


def body(given: Any, tree: ContentTree, changed: ApplyEdits = apply_edits) -> Payload:
    """Read a body whose leaves are known; `changed` makes of it what an outcome leaves."""
    return Payload(tree, lambda outcome: changed(given, tree, outcome))


def _text(given: Text) -> Payload:
    tree = ContentTree(leaves=[Leaf(given)])
    return Payload(tree, lambda outcome: replace(given, text=outcome.edits[0]) if outcome.edits else given)


def _call(given: ToolCall) -> Payload:
    tree = ContentTree()
    use = given.place.use or Use(((given.name, ""),), given.arguments)
    place = replace(given.place, tool=given.name, use=use)
    tree.text(given.name, ("name",), place, editable=False)
    tree.json_text(given.arguments, ("arguments",), place)
    tree.leaves.append(Leaf(replace(given, place=place), editable=False))
    fields = {"name": given.name, "arguments": given.arguments}

    def apply(outcome: Outcome) -> object:
        changed: Any = apply_edits(fields, tree, outcome)
        return given if changed is fields else replace(given, arguments=changed["arguments"])

    return Payload(tree, apply)


def _media(given: object, content: Media) -> Payload:
    def apply(outcome: Outcome) -> object:
        if not outcome.edits:
            return given
        made = outcome.edits[0]
        if not isinstance(given, Media):
            return made
        return replace(given, data=made) if isinstance(made, bytes) else replace(given, source=made)

    return Payload(ContentTree(leaves=[Leaf(content)]), apply)


def is_pixels(given: object) -> bool:
    """Tell whether something is a Pillow image or an array of pixels."""
    named = type(given).__module__.split(".")[0] == "PIL"
    return named or (hasattr(given, "__array_interface__") and getattr(given, "ndim", 0) >= 2)


def is_tensor(given: object) -> bool:
    """Tell whether something is a tensor of torch."""
    return type(given).__module__.partition(".")[0] == "torch" and hasattr(given, "detach")


def refuse_batch(given: Any) -> None:
    """Raise `TypeError` for an argument that is pictures by its shape and cannot be judged as it is: a tensor, or several."""
    if is_tensor(given) and given.ndim in (3, 4) and 3 in tuple(given.shape)[-3::2]:
        raise TypeError(f"cannot check a tensor of pixels: {TENSOR}")
    if is_pixels(given) and getattr(given, "ndim", 0) == 4 and given.shape[3] in (3, 4):
        raise TypeError(f"cannot check an array of several pictures: {BATCH}")


def _structure(given: object, stage: Stage) -> Payload:
    tree = ContentTree()
    tree.anything(given, (), Place(stage))
    return body(given, tree)


def remove_messages(messages: Any, removed: tuple[int, ...]) -> Any:
    """Return the messages that stay."""
    return (
        [message for index, message in enumerate(messages) if index not in removed] if removed else messages
    )


def removed_paths(tree: ContentTree, outcome: Outcome) -> tuple[str, ...]:
    """Return the JSON Pointers of the messages that an outcome leaves out."""
    prefix = next((leaf.path[:1] for leaf in tree.leaves if leaf.path[:1] in CONVERSATIONS), ())
    return tuple(pointer((*prefix, index)) for index in outcome.removed)
