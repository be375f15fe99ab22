"""Reads the texts of a picture's file, part by part: JPEG, PNG, WebP, GIF; AVIF and HEIC by their boxes (`box_texts`).

Only what no decoder gets is read: all parts that `images.outline` leaves out of what goes on. Nothing is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from guardrails.media.images.chunks import APNG, PNG, WEBP
from guardrails.media.images.markers import LOOPS, PROFILE, SCANNED
from guardrails.media.images.outline import sniff_format
from guardrails.media.images.outline_parts import read_number
from guardrails.media.metadata.box_texts import read_boxes
from guardrails.media.metadata.exif_texts import read_exif
from guardrails.media.metadata.generator_texts import add_json, add_parameters
from guardrails.media.metadata.photoshop_texts import IPTC, read_iptc, read_photoshop
from guardrails.media.metadata.written_texts import WrittenTexts, decode_text
from guardrails.media.metadata.xmp_texts import EXTENDED, join_extended, read_xmp

XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP: Final = b"Photoshop 3.0\0"
"""How parts of JPEG begin that hold texts."""

SILENT: Final = frozenset((0x01, *range(0xD0, 0xDA)))
"""Marks of JPEG without a part behind them."""

NUMBERS: Final = frozenset((*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD))
"""Those whose parts are the picture's."""

RAW: Final = re.compile(r"Raw profile type ([\w:]{1,40})")
"""What ImageMagick calls a chunk of PNG that holds EXIF, IPTC or XMP in hexadecimal."""

READERS: Final[Mapping[str, Callable[[bytes, WrittenTexts], None]]] = MappingProxyType(
    {
        "exif": read_exif,
        "APP1": read_exif,
        "iptc": lambda data, texts: (read_photoshop if data.startswith(b"8BIM") else read_iptc)(data, texts),
        "8bim": read_photoshop,
        "xmp": read_xmp,
    }
)

PALETTE: Final = frozenset(
    (b"cHRM", b"gAMA", b"sRGB", b"bKGD", b"hIST", b"pHYs", b"sBIT", b"tIME", b"cICP", b"mDCV", b"cLLI")
)
"""Chunks of PNG that hold numbers alone, of at most so many bytes."""

SHORT: Final = 64

LONG_KEY: Final = 3
"""Words up to which the keyword of a chunk is one."""


def read_texts(data: bytes) -> WrittenTexts:
    """Return the texts of a file; of what is cut or broken those before that."""
    texts, walk = WrittenTexts(), WALKS.get(sniff_format(data))
    if walk is not None:
        with suppress(IndexError, ValueError):  # which is told where it is opened
            walk(data, texts)
    return texts


def read_info(info: Mapping[Any, Any]) -> WrittenTexts:
    """Return the texts that Pillow keeps beside the pixels of a picture (`Image.info`), and writes into files of it."""
    texts = WrittenTexts()
    for name, value in info.items():
        if name == "photoshop" and isinstance(value, Mapping):
            read_iptc(value.get(IPTC, b""), texts)
        elif isinstance(value, bytes) and name in READERS:
            READERS[name](value, texts)
        elif name == "XML:com.adobe.xmp" and isinstance(value, str):
            read_xmp(value.encode(), texts)
        elif name == "comment" and isinstance(value, bytes):
            add_text("comment", decode_text(value), texts)
        elif isinstance(value, bytes):
            texts.search(f"info.{name}"[:64], value)
        elif isinstance(value, str):
            add_text(f"png.{name}"[:64], value, texts)
    return texts


def add_text(place: str, text: str, texts: WrittenTexts) -> None:
    """Add a text that a generator may have written."""
    if not (add_parameters(place, text, texts) or add_json(place, text, texts)):
        texts.add(place, text)


def read_jpeg(data: bytes, texts: WrittenTexts) -> None:
    """Add the texts of a JPEG, and of the pictures that stand behind it."""
    extended: dict[bytes, dict[int, bytes]] = {}
    for mark, part in _parts_of_jpeg(data):
        if mark == 0xE1 and part.startswith(b"Exif\0"):
            read_exif(part, texts)
        elif mark == 0xE1 and part.startswith(XMP):
            read_xmp(part[len(XMP) :], texts)
        elif mark == 0xE1 and part.startswith(EXTENDED):
            head = len(EXTENDED)
            at = read_number(part, head + 36, 4)
            extended.setdefault(part[head : head + 32], {})[at] = part[head + 40 :]
        elif mark == 0xED and part.startswith(PHOTOSHOP):
            read_photoshop(part[len(PHOTOSHOP) :], texts)
        elif mark == 0xFE:
            add_text("jpeg.comment", decode_text(part), texts)
        else:
            texts.search(f"jpeg.{'icc' if part.startswith(PROFILE) else f'app{mark & 0x0F}'}", part)
    for packet in join_extended(extended):
        read_xmp(packet, texts)


def _parts_of_jpeg(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the mark and the content of each part that is not the picture's."""
    at = 2
    while 0 <= at < len(data):
        while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] == b"\xff":
            at += 1
        mark = data[at + 1]
        if data[at] != 0xFF or mark == 0xD9:
            at = data.find(b"\xff\xd8\xff", at)
            at = at + 2 if at >= 0 else at
            continue
        if mark in SILENT:
            at += 2
            continue
        end = at + 2 + read_number(data, at + 2, 2)
        if mark == 0xDA:
            found = SCANNED.search(data, end)
            end = len(data) if found is None else found.start()
        elif mark not in NUMBERS:
            yield mark, data[at + 4 : end]
        at = end


def read_png(data: bytes, texts: WrittenTexts) -> None:
    """Add the texts of a PNG."""
    at = 8
    while at + 12 <= len(data):
        size, kind = read_number(data, at, 4), data[at + 4 : at + 8]
        content = data[at + 8 : at + 8 + size]
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            _add_chunk(kind, content, texts)
        elif kind == b"eXIf":
            read_exif(content, texts)
        elif kind == b"iCCP":
            texts.search("png.icc", texts.unpack(content[content.find(b"\0") + 2 :]))
        elif kind == b"IEND":
            return
        elif kind not in PNG and kind not in APNG and not (kind in PALETTE and size <= SHORT):
            texts.search(f"png.{kind.decode('latin-1')}", content)
        at += 12 + size


def _add_chunk(kind: bytes, content: bytes, texts: WrittenTexts) -> None:
    """Add a chunk of a text: its keyword, and what it says."""
    key, _, rest = content.partition(b"\0")
    name, encodings = key[:79].decode("latin-1"), ("utf-8", "latin-1")
    if kind == b"zTXt":
        rest = texts.unpack(rest[1:])
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        language, _, rest = rest.partition(b"\0")
        title, _, rest = rest.partition(b"\0")
        rest = texts.unpack(rest) if packed else rest
        texts.add(f"png.{name}.title", decode_text(title))
        texts.add(f"png.{name}.language", decode_text(language)) if len(language) > 12 else None
    if name == "XML:com.adobe.xmp":
        read_xmp(rest, texts)
    elif (raw := RAW.fullmatch(name)) is not None:
        READERS.get(raw[1], partial(_search, "png.raw"))(_from_hexadecimal(rest), texts)
    else:
        if len(name.split()) > LONG_KEY:
            texts.add("png.keyword", name)
        add_text(f"png.{name}", decode_text(rest, encodings), texts)


def _search(place: str, data: bytes, texts: WrittenTexts) -> None:
    texts.search(place, data)


def _from_hexadecimal(written: bytes) -> bytes:
    """Return the bytes of a profile as ImageMagick writes it: its name, its length, its bytes."""
    return bytes.fromhex("".join(written.decode("latin-1").split()[2:]))


def read_webp(data: bytes, texts: WrittenTexts) -> None:
    """Add the texts of a WebP."""
    at, end = 12, min(len(data), 8 + read_number(data, 4, 4, "little"))
    while at + 8 <= end:
        kind, size = data[at : at + 4], read_number(data, at + 4, 4, "little")
        content = data[at + 8 : min(at + 8 + size, end)]
        if kind == b"EXIF":
            read_exif(content, texts)
        elif kind == b"XMP ":
            read_xmp(content, texts)
        elif kind not in WEBP and kind != b"VP8X":
            texts.search(f"webp.{'icc' if kind == b'ICCP' else kind.decode('latin-1').strip()}", content)
        at += 8 + size + size % 2


def read_gif(data: bytes, texts: WrittenTexts) -> None:
    """Add the comments and the other extensions of a GIF."""
    at = 13 + _table_size(data[10])
    while at < len(data) and data[at] != 0x3B:
        if data[at] == 0x2C:
            at = _join_blocks(data, at + 11 + _table_size(data[at + 9]))[1]
        elif data[at] == 0x21:
            label, (content, end) = data[at + 1], _join_blocks(data, at + 2)
            if label == 0xFE:
                add_text("gif.comment", decode_text(content), texts)
            elif label == 0x01:
                texts.add("gif.text", decode_text(content[12:]))
            elif content.startswith(b"XMP DataXMP"):
                packet = data[at + 14 : end]
                read_xmp(packet[: packet.rfind(b">") + 1], texts)
            elif label == 0xFF and not content.startswith(LOOPS):
                texts.search("gif.application", content)
            at = end
        else:
            at += 1


def _table_size(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _join_blocks(data: bytes, at: int) -> tuple[bytes, int]:
    """Return what a row of blocks holds, and where it ends."""
    parts = []
    while data[at]:
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b"".join(parts), at + 1


WALKS: Final[Mapping[str, Callable[[bytes, WrittenTexts], None]]] = MappingProxyType(
    {
        "jpeg": read_jpeg,
        "png": read_png,
        "webp": read_webp,
        "gif": read_gif,
        "avif": read_boxes,
        "heic": read_boxes,
    }
)
"""How the texts of each format are read; BMP has none."""
