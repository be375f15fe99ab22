"""Reads what phones write behind the end of a picture: the film of a motion photo, and Samsung's trailer of named parts.

A motion photo is a picture with a short film behind it: as it is (Google), in a box of a HEIC (`mpvd`), or as a part of a trailer
(Samsung: `SEFH` lists the parts from behind, `SEFT` ends the file). Whoever gets the file gets these as well, so each is judged
by itself. What is not understood to its last byte is not read at all: it stays what stands behind the end of a picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from guardrails.media.errors import MediaError
from guardrails.media.images.outline import read_outline
from guardrails.media.images.outline_parts import PADDING, FileOutline

Kind = Literal["film", "picture", "text", "number"]

MOST: Final = 64
"""Parts that one picture may have: phones write about ten."""

HEAD: Final = b"SEFH"
"""What the list of Samsung's parts begins with."""

END: Final = b"SEFT"
"""What ends the file."""

BOXED: Final = (b"mpvd", b"sefd")
"""Boxes of a HEIC that hold a film, and Samsung's trailer."""

NUMBER: Final = 16
"""Bytes up to which digits, and words of bits, say nothing to anybody: times, versions, places in the file."""

FILM_PLACE: Final = b"mpv2"
"""What begins a part that says where the film of a HEIC stands."""


@dataclass(frozen=True, slots=True)
class TrailingPart:
    """A part behind a picture: its kind, its bytes, and what it is called where it has a name."""

    kind: Kind
    data: bytes
    name: str = ""


def may_have_parts(data: bytes) -> bool:
    """Tell whether the parts of a phone may stand behind a picture: by its last bytes, and whether a film begins somewhere."""
    return data.endswith(END) or data.find(b"ftyp", 8) > 0


def find_trailing_parts(data: bytes, outline: FileOutline) -> list[TrailingPart] | None:
    """Return the parts that stand behind the end of a picture; None where not all of what stands there is understood."""
    if not outline.trailing:
        return []
    start = len(data.rstrip(PADDING)) - outline.trailing
    try:
        parts = [*_read_parts(data, start, len(data))]
    except (ValueError, IndexError, struct.error, MediaError):
        return None
    return parts if len(parts) <= MOST else None


def _read_parts(data: bytes, at: int, end: int) -> Iterator[TrailingPart]:
    """Yield the parts of a stretch; raises `ValueError` where something else stands there."""
    while at < end:
        kind = data[at + 4 : at + 8]
        if kind == b"ftyp":
            until = _film_end(data, at, end)
            yield TrailingPart("film", data[at:until])
        elif kind in BOXED:
            until = at + int.from_bytes(data[at : at + 4], "big")
            if not at + 8 < until <= end:
                raise ValueError
            yield from _read_parts(data, at + 8, until)
        elif data[end - 4 : end] == END:
            yield from _read_trailer(data, at, end)
            until = end
        elif not data[at:end].strip(PADDING):
            until = end
        else:
            raise ValueError
        at = until


def _film_end(data: bytes, at: int, end: int) -> int:
    """Return where the boxes of a film end that begins somewhere."""
    begun = at
    while end - at >= 8:
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if not kind.isalnum() or not kind.isascii() or (kind == b"ftyp" and at > begun):
            break
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        until = at + size if size else end
        if (size and size < 8) or until > end:
            raise ValueError
        at = until
    return at


def _read_trailer(data: bytes, start: int, end: int) -> Iterator[TrailingPart]:
    """Yield the parts of Samsung's trailer, which must fill all of a stretch."""
    size = int.from_bytes(data[end - 8 : end - 4], "little")
    head = end - 8 - size
    if head < start or data[head : head + 4] != HEAD:
        raise ValueError
    count = int.from_bytes(data[head + 8 : head + 12], "little")
    if size != 12 + 12 * count or count > MOST:
        raise ValueError
    entries = [struct.unpack_from("<2xHII", data, head + 12 + 12 * each) for each in range(count)]
    at = start
    for kind, back, length in sorted(entries, key=lambda each: -each[1]):
        if head - back != at or length < 8 or at + length > head:
            raise ValueError  # parts that overlap, or something between them
        own, name_size = struct.unpack_from("<2xHI", data, at)
        if own != kind or 8 + name_size > length:
            raise ValueError
        name = data[at + 8 : at + 8 + name_size].decode("ascii")
        yield from _read_named(name, data[at + 8 + name_size : at + length])
        at += length
    if at != head:
        raise ValueError


def _read_named(name: str, content: bytes) -> Iterator[TrailingPart]:
    """Yield what a named part of a trailer is."""
    if content[4:8] == b"ftyp":
        if _film_end(content, 0, len(content)) != len(content):
            raise ValueError
        yield TrailingPart("film", content, name)
    elif content.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        if read_outline(content).trailing:
            raise ValueError
        yield TrailingPart("picture", content, name)
    elif len(content) <= NUMBER and (content.isdigit() or content.startswith(FILM_PLACE)):
        yield TrailingPart("number", content, name)
    else:
        yield TrailingPart("text", content.decode().encode(), name)  # what is no text is not understood
