"""Reads pictures, films and sounds that stand in a body in Base64, alone or in a data URI.

What is no sound Base64 is none of them to the guard, whatever another reader makes of it: it is judged as a text, and the part is
named as unchecked. So is one of which the body has only the address: it is not fetched. A film or a sound is what it is said to
be, or where nothing is said what its bytes are; whether these agree is told where it is opened.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.field_readers import SEALED, Reader, opaque, signature
from guardrails.engine.content.places import place_at
from guardrails.engine.values.media_types import SAID, begins_as_medium, medium
from guardrails.engine.values.walk import find_strings
from guardrails.media.images.outline import GENERIC
from guardrails.media.video.file_type import HEAD as FIRST
from guardrails.types import Audio, Media, Place, Text
from guardrails.wire.pointers import Path

HEAD: Final = re.compile(
    r"(?i)data:([\w.+-]{1,64}/[\w.+-]{1,64})?(?:;[\w.-]{1,32}=[\w.-]{1,64}){0,4};base64,"
)
"""The beginning of a data URI in Base64."""

TYPE: Final = re.compile(r"(?i)data:([\w.+-]{1,64}/[\w.+-]{1,128})")
"""The type that a data URI says."""

NO_ADDRESS: Final = "a picture that is not in the request itself is not fetched"
NO_SOUND: Final = "no transcriber for this sound"
NO_FILE: Final = "no detector reads this file"
MALFORMED: Final = "the data URI of this picture is malformed"
CURE: Final = "give what is written in it as a text, or its pages as pictures"
UNREAD: Final = {
    "application/pdf": "PDF",
    "application/zip": "ZIP",
    "application/msword": "Word",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
}
"""Types of files that are sent and that nobody reads, and their names."""

ANOTHER: Final = "this may hold another picture beside the one that is judged"

ELSEWHERE: Final = frozenset({"data", "file_id", "file_url", "url", "image_url", "fileUri"})
"""Fields in which pictures stand, or what stands for one."""

HIDDEN: Final = 256
"""Characters of Base64 from which it may be a picture."""


def may_be_picture(name: object, text: str) -> bool:
    """Tell whether what stands in a field may be a picture, or what stands for one."""
    if name in ELSEWHERE or HEAD.match(text):
        return bool(text)
    return len(text) >= HIDDEN and SEALED.fullmatch(text) is not None


def addressed(otherwise: Reader) -> Reader:
    """Read the address of a picture: a data URI is the picture itself, any other is read otherwise."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        head = HEAD.match(value) if isinstance(value, str) else None
        if head is None or not added(tree, value[head.end() :], path, place, head[0], head[1]):
            otherwise(tree, value, path, place)

    return read


uri = addressed(opaque)
"""Reads the address of a picture, which is judged and cannot be changed where it is none that is a picture itself."""


def base64(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture in Base64; what is none is judged as a text."""
    if not added(tree, value, path, place, "", None):
        opaque(tree, value, path, place)


def sound(tree: ContentTree, value: Any, path: Path, place: Place, declared: str | None = None) -> None:
    """A sound, in Base64 or as a data URI; what is neither is judged as a text."""
    head = HEAD.match(value) if isinstance(value, str) else None
    rest = value if head is None else value[head.end() :]
    said = declared if head is None else head[1] or declared
    if not added(tree, rest, path, place, "" if head is None else head[0], said, Audio):
        opaque(tree, value, path, place)


def sounding(table: Reader) -> Reader:
    """Read a mapping with a sound as `data`, of the type that it says as `format`; the rest by a table."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        rest = value
        if isinstance(value, Mapping) and isinstance(value.get("data"), str):
            named = value.get("format")
            sound(tree, value["data"], (*path, "data"), place, named if isinstance(named, str) else None)
            rest = {name: inner for name, inner in value.items() if name != "data"}
        table(tree, rest, path, place)

    return read


def filed(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A file, in Base64 or as a data URI: a picture, film or sound where it is said to be one, or its bytes are; else a text."""
    head = HEAD.match(value) if isinstance(value, str) else None
    rest = value if head is None else value[head.end() :]
    declared = None if head is None else head[1]
    if not (is_medium(rest, declared) and added(tree, rest, path, place, head[0] if head else "", declared)):
        if head is not None:
            opaque(tree, value, path, place)
        signature(tree, rest, path, place)


def is_medium(value: Any, declared: str | None) -> bool:
    """Tell whether a file in Base64 is said to be a picture, a film or a sound, or begins like one."""
    if (declared or "").partition("/")[0].lower() in SAID:
        return True
    try:
        first = a2b_base64(value[: FIRST // 3 * 4]) if isinstance(value, str) else b""
    except (Error, ValueError):
        return False
    return begins_as_medium(first)


def source(table: Reader, declared: str = "media_type") -> Reader:
    """Read a mapping with a picture as `data` in Base64, of the type that it says as `declared`; the rest by a table."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        rest = value
        if isinstance(value, Mapping) and value.get("type") in ("base64", "image"):
            named = value.get(declared)
            said = named if isinstance(named, str) else None
            if added(tree, value.get("data"), (*path, "data"), place, "", said):
                rest = {name: inner for name, inner in value.items() if name != "data"}
        table(tree, rest, path, place)

    return read


def pictured(table: Reader, kind: str = "part", none: str = NO_ADDRESS) -> Reader:
    """Read a part by a table of which some field is a picture, a film or a sound; where it has none, or may have another, the
    part is named as unchecked: of which kind, and why.
    """

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        first, named = tree.mark()
        table(tree, value, path, place)
        if len(tree.unchecked) > named:
            return
        own = [leaf.content for leaf in tree.leaves[first:]]
        pictures = {leaf.path for leaf in tree.leaves[first:] if isinstance(leaf.content, Media)}
        others = (
            may_be_picture(where[-1], text)
            for where, text, is_value in (find_strings(value, path) if pictures else ())
            if is_value and where not in pictures
        )
        if any(others):
            tree.cannot("part", ANOTHER, path, place)
        if not pictures:
            said = (unread(each.text) for each in own if isinstance(each, Text))
            tree.cannot(kind, next(filter(None, said), none), path, place)

    return read


def on_its_way(table: Reader) -> Reader:
    """Read by a table what holds pictures that are not finished."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        first, _ = tree.mark()
        table(tree, value, path, place)
        for at, leaf in enumerate(tree.leaves[first:], first):
            if isinstance(leaf.content, Media):
                tree.leaves[at] = replace(leaf, content=replace(leaf.content, partial=True))

    return read


def unread(text: str) -> str:
    """Return why a data URI is no picture, film or sound; empty for what is none at all."""
    if text[:5].lower() != "data:":
        return ""
    head = TYPE.match(text)
    if head is None or head[1].partition("/")[0].lower() in SAID:
        return MALFORMED
    name = UNREAD.get(head[1].lower())
    return f"no detector reads files of {f'type {name}' if name else 'this type'}: {CURE}"


def answering(head: bytes, media: str, certain: type[Media] | None = None) -> type[Media] | None:
    """Return what an answer of a media type is that is to be a file (of a kind that is `certain`, where it is), by its first
    bytes; None where it is said to be something else, or neither said to be a picture, film or sound nor one that is read.
    """
    said = media.partition("/")[0]
    if certain is not None:
        return certain if media in GENERIC or said == certain.kind else None
    return medium(head, media) if said in SAID or (media in GENERIC and begins_as_medium(head)) else None


def added(
    tree: ContentTree,
    value: Any,
    path: Path,
    place: Place,
    head: str = "",
    declared: str | None = None,
    kind: type[Media] | None = None,
) -> bool:
    """Add a picture, film or sound of a declared type (or of a kind that is certain), in Base64 behind a head; tell whether it is
    one in sound Base64.
    """
    if not isinstance(value, str) or not value:
        return False
    try:
        data = a2b_base64(value, strict_mode=True)
    except (Error, ValueError):
        return False
    said = None if declared is None else declared.lower()
    own = kind or medium(data, said)
    tree.leaves.append(Leaf(own(data, place_at(place, path), declared=said), path, base64=head))
    return True
