"""Reads the texts of a file of boxes (AVIF, HEIC): its items of EXIF and XMP, and boxes that hold anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardrails.media.images.outline_parts import read_number
from guardrails.media.metadata.exif_texts import read_exif
from guardrails.media.metadata.written_texts import WrittenTexts
from guardrails.media.metadata.xmp_texts import read_xmp

LOOSE: Final = frozenset((b"free", b"skip", b"uuid", b"udta"))
"""Boxes in which anything may stand."""

MOST_ITEMS: Final = 1_000


def read_boxes(data: bytes, texts: WrittenTexts) -> None:
    """Add the texts of a file of boxes."""
    for kind, begin, end in _boxes(data, 0, len(data)):
        if kind == b"meta":
            _read_meta(data, begin + 4, end, texts)
        elif kind in LOOSE:
            texts.search(f"box.{kind.decode()}", data[begin:end])
        elif kind == b"moov":
            for inner, start, until in _boxes(data, begin, end):
                if inner in LOOSE:
                    texts.search(f"box.{inner.decode()}", data[start:until])


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box of a stretch, where its content begins, and where it ends."""
    while at + 8 <= end:
        size, begin = read_number(data, at, 4), at + 8
        if size == 1:
            size, begin = read_number(data, at + 8, 8), at + 16
        until = min(at + size, end) if size else end
        if until < begin:
            return
        yield data[at + 4 : at + 8], begin, until
        at = until


def _read_meta(data: bytes, at: int, end: int, texts: WrittenTexts) -> None:
    """Add the texts of the items that a box lists."""
    kinds: dict[int, bytes] = {}
    places: dict[int, list[tuple[int, int, int]]] = {}
    inside = 0
    for kind, begin, until in _boxes(data, at, end):
        if kind == b"iinf":
            kinds = dict(_item_kinds(data, begin, until))
        elif kind == b"iloc":
            places = dict(_item_places(data, begin))
        elif kind == b"idat":
            inside = begin
        elif kind in LOOSE:
            texts.search(f"box.{kind.decode()}", data[begin:until])
    for item, kind in kinds.items():
        parts = [
            data[start + (inside if method == 1 else 0) :][:size]
            for method, start, size in places.get(item, ())
        ]
        content = b"".join(parts)
        if kind.startswith(b"Exif"):
            read_exif(content[4 + read_number(content, 0, 4) :], texts)
        elif kind.startswith(b"mime") and b"rdf+xml" in kind:
            read_xmp(content, texts)
        elif kind.startswith((b"mime", b"uri ")):
            texts.search("box.item", content)


def _item_kinds(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the number of each item, and its kind with what it says of that."""
    wide = 4 if data[at] else 2
    for kind, begin, until in _boxes(data, at + 4 + wide, end):
        if kind == b"infe" and data[begin] >= 2:
            size = 4 if data[begin] == 3 else 2
            yield read_number(data, begin + 4, size), data[begin + 6 + size : until]


def _item_places(data: bytes, at: int) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
    """Yield the number of each item, and of each of its parts how it is found, where it begins, and its size."""
    version, sizes, more = data[at], data[at + 4], data[at + 5]
    wide = 4 if version == 2 else 2
    count = read_number(data, at + 6, wide)
    at += 6 + wide
    for _ in range(min(count, MOST_ITEMS)):
        item, method = read_number(data, at, wide), 0
        at += wide
        if version:
            method = read_number(data, at, 2) & 0x0F
            at += 2
        begin = read_number(data, at + 2, more >> 4) if more >> 4 else 0
        parts, at = read_number(data, at + 2 + (more >> 4), 2), at + 4 + (more >> 4)
        found = []
        for _ in range(min(parts, MOST_ITEMS)):
            at += more & 0x0F if version else 0
            start = read_number(data, at, sizes >> 4) if sizes >> 4 else 0
            size = read_number(data, at + (sizes >> 4), sizes & 0x0F) if sizes & 0x0F else 0
            at += (sizes >> 4) + (sizes & 0x0F)
            found.append((method, begin + start, size or len(data)))
        yield item, found
