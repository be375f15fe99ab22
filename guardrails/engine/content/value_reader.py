"""The reader: turns any value into a payload, a content tree with the way back into the value.

```
value ─read─▶ payload (content tree) ─check─▶ outcome ─apply (values/writer)─▶ value of the same type
```

What values are made of is said by adapters (`values/known_types`), what stands where in the bodies of an API by its field
tables: a protocol gives the reader a `BodyForm` for its messages, requests and responses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase, IOBase, RawIOBase
from pathlib import Path as FilePath
from typing import Any

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.payload import BARE, ApplyEdits, Payload, apply_edits, body, text
from guardrails.engine.values.adapters import ValueAdapter
from guardrails.engine.values.json_text import write_arguments
from guardrails.engine.values.known_types import adapter_of, unread
from guardrails.engine.values.media import BATCH, MOST_DIMENSIONS, TENSOR, is_pixels, is_tensor
from guardrails.engine.values.media_types import medium, medium_of_path
from guardrails.media.video.file_type import HEAD
from guardrails.types import Image, Media, Place, Stage, Text, ToolCall
from guardrails.wire.pointers import Path


@dataclass(frozen=True, slots=True)
class BodyForm:
    """One form of an API's messages or bodies.

    Attributes:
        matches: whether a value has this form.
        read: its content tree, by the API's field tables.
        edit: the value with an outcome's edits; the same object where nothing changes.
    """

    matches: Callable[[Any, Stage], bool]
    read: Callable[[Any, Stage], ContentTree]
    edit: ApplyEdits = apply_edits


def read(given: Any, stage: Stage, forms: Sequence[BodyForm] = ()) -> Payload:
    """Read a value of any type.

    A body of one of the `forms` is read by its tables. Any other container is read in full at the stage, by the adapters of the
    types in it: all its texts, keys of mappings too, long numbers, pictures and other contents; what no adapter reads is noted as
    unchecked. A content of `guardrails.types` keeps its own place. A path is the file there, as is a file that is open.

    Raises:
        TypeError: the value itself is of a type that no adapter reads, or says nothing, such as a number.
        RequestError: it nests too deep, contains itself, or has a form of which a table refuses something.
    """
    if type(given) is str:
        return text(given, stage)
    for form in forms:
        if form.matches(given, stage):
            return body(given, form.read(given, stage), form.edit)
    adapter = adapter_of(given)
    if adapter is not None and adapter.children is not None and not _is_drawn(given):
        return read_structure(given, stage)
    return _read_alone(given, adapter, stage)


def is_readable(given: Any) -> bool:
    """Tell whether `read` takes a value, be it that there is nothing in it to judge."""
    return adapter_of(given) is not None or is_pixels(given) or isinstance(given, RawIOBase | BufferedIOBase)


def says_nothing(given: Any) -> bool:
    """Tell whether there is nothing to judge in a value that is given by itself: None, a flag, a date, a number too short to be
    anyone's.
    """
    if type(given) is str:
        return False
    adapter = adapter_of(given)
    if adapter is None or adapter.content is None or is_pixels(given):
        return False
    return adapter.content(given) is None


def read_structure(given: Any, stage: Stage) -> Payload:
    """Read a value in full, whatever form it has."""
    tree = ContentTree()
    tree.anything(given, (), Place(stage))
    if stage is Stage.TOOL_CALL and (arguments := write_arguments(given)):
        tree.call("", arguments, (), Place(stage))
    return body(given, tree)


def read_pieces(pieces: list[Any], stage: Stage) -> Payload:
    """Read the pieces of one answer that came in a stream. A text may go on in the next piece: what stands at the same place in
    several is read as one, too.
    """
    tree = ContentTree()
    by_place: dict[Path, list[int]] = {}
    place = Place(stage)
    for position, piece in enumerate(pieces):
        first = len(tree.leaves)
        tree.anything(piece, (position,), place)
        for index in range(first, len(tree.leaves)):
            leaf = tree.leaves[index]
            if isinstance(leaf.content, Text) and leaf.editable:
                by_place.setdefault(leaf.path[1:], []).append(index)
    for indexes in by_place.values():
        tree.join(indexes, (), place)
    return body(pieces, tree)


def read_unread(given: Any, stage: Stage, kind: str) -> Payload:
    """Return a value that no adapter reads as something unchecked, of a kind of the policy's `unchecked:` table."""
    tree = ContentTree()
    tree.add(unread(given, kind), (), Place(stage))
    return body(given, tree)


def _read_alone(given: Any, adapter: ValueAdapter | None, stage: Stage) -> Payload:
    """Read a value that is one content."""
    tree = ContentTree()
    if isinstance(given, Text | Media):  # which have a place of their own
        tree.leaves.append(Leaf(given))
        return body(given, tree)
    if isinstance(given, ToolCall):
        tree.whole_call(given, ())
        return body(given, tree)
    if (file := _of_file(given, BARE[stage])) is not None:
        tree.leaves.append(Leaf(file))
        # What is left of a file comes as bytes, or as pixels.
        return Payload(tree, lambda outcome: outcome.edits.get(0, given))
    content = None if adapter is None or adapter.content is None else adapter.content(given)
    if content is None:
        raise TypeError(
            f"cannot check a {type(given).__name__}: give a text, messages, a chat request or response, JSON, bytes, a path, an "
            f"open file, a PIL picture, an array of pixels, or a content of guardrails.types{_conversion_hint(given)}"
        )
    assert adapter is not None
    if isinstance(content, Text):
        tree.leaves.append(Leaf(replace(content, place=BARE[stage]), editable=adapter.write is not None))
    else:
        tree.add(content, (), BARE[stage], editable=adapter.write is not None)
    return body(given, tree)


def _is_drawn(given: Any) -> bool:
    """Tell whether an array that is given by itself is a picture: shades of grey have no colours that tell."""
    return is_pixels(given) and getattr(given, "dtype", None) is not None and given.dtype.kind in "bcfiu"


def _of_file(given: Any, place: Place) -> Media | None:
    """Return what a file, or what is like one, holds; None where it is none."""
    if isinstance(given, FilePath):
        return medium_of_path(given)(place=place, source=given)
    if isinstance(given, IOBase):
        return _type_of_open_file(given)(place=place, source=given)
    if not is_pixels(given) or not (_is_drawn(given) or not hasattr(given, "ndim")):
        return None
    if getattr(given, "ndim", 0) > MOST_DIMENSIONS:
        raise TypeError(f"cannot check an array of {getattr(given, 'ndim', 0)} dimensions: {BATCH}")
    return Image(place=place, source=given)


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


def _conversion_hint(given: object) -> str:
    if is_tensor(given):
        return f"; {TENSOR}"
    return "; give what its model_dump() returns" if hasattr(given, "model_dump") else ""
