"""Reads the outline of a picture's file: its type, size and frames, and the same file without metadata.

Nothing is decoded here: a file is walked part by part, by what its own lengths say, so that a bomb is known before it goes off,
a file that was cut by where it breaks off, and what stands behind the end (a ZIP, a film, a script) by standing there. What goes
on to a decoder is `clean`: the parts that make the picture, without EXIF, XMP, profiles, texts and thumbnails. So no decoder
ever parses these, but for a profile that makes another picture of the same numbers (`colours`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from guardrails.media.errors import MediaError
from guardrails.media.images.chunks import outline_bmp, outline_iso, outline_png, outline_webp
from guardrails.media.images.markers import outline_gif, outline_jpeg
from guardrails.media.images.outline_parts import FileOutline
from guardrails.media.limits import FORMATS
from guardrails.media.unread_types import OTHER, UNREAD, find_cure

WALKS: Final[Mapping[str, Callable[[bytes], FileOutline]]] = MappingProxyType(
    {
        "jpeg": outline_jpeg,
        "png": outline_png,
        "webp": outline_webp,
        "gif": outline_gif,
        "avif": outline_iso,
        "heic": outline_iso,
        "bmp": outline_bmp,
    }
)
"""How each format is walked."""

MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (8, b"WEBP", "webp"),
    (0, b"BM", "bmp"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"RIFF", "riff"),
    *((0, start, each.name) for each in UNREAD for start in each.starts),
)
"""What files begin with: where, with what, and the name of the type."""

WRITTEN: Final = re.compile(
    r"(?i:data:(?:image|video|audio)/)|"
    r"(?:iVBORw0KGgo|GkXfo|T2dnU|SUQz[AB]|ZkxhQ|[/_]9j[/_]|R0lGODdh|R0lGODlh|UklGR[g-v]|Qk[0-3]|AAAA[\w+/-]{2}Z0eX)[\w+/-]{50}"
)
"""How pictures, films and sounds begin where they stand in a text: as a data URI, or in Base64 of either alphabet."""

BRANDS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        **dict.fromkeys((b"avif", b"avis"), "avif"),
        **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"), "heic"),
        b"crx ": "canon raw",
    }
)
"""What files of boxes call themselves."""

MARKUP: Final = (
    (b"<svg", "svg"),
    (b"<!doctype html", "html"),
    (b"<html", "html"),
    (b"<?xml", "xml"),
    (b"<", "markup"),
)
"""How texts that are no pictures begin, the plainest first."""

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "jpg": "jpeg",
        "jpe": "jpeg",
        "jfif": "jpeg",
        "pjpeg": "jpeg",
        "x-png": "png",
        "apng": "png",
        "x-ms-bmp": "bmp",
    }
    | {"dib": "bmp", "heif": "heic", "hif": "heic", "avifs": "avif", "svg+xml": "svg", "tif": "tiff"}
)
"""Other names of types, as suffixes and media types have them."""


GENERIC: Final = frozenset(("", "*", "application/octet-stream", "binary/octet-stream"))
"""What is said of files by who does not know."""

KNOWN: Final = frozenset((*FORMATS, *(name for _, _, name in MAGIC), *(name for _, name in MARKUP)))
"""Types that a suffix can name: one of another kind says nothing of what is in a file."""


def sniff_format(data: bytes) -> str:
    """Return the type of a file by its bytes: one of `FORMATS`, the name of another type, or `unknown`."""
    for at, magic, name in MAGIC:
        if data.startswith(magic, at) and (name != "webp" or data.startswith(b"RIFF")):
            return name
    if data[4:8] == b"ftyp":
        return _format_of_brand(data)
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n\0").lower()
    if start.startswith(b"<"):
        return next(name for mark, name in MARKUP if mark in start)
    return "unknown"


def _format_of_brand(data: bytes) -> str:
    """Return the type of a file of boxes by its first brand that says one."""
    size = min(int.from_bytes(data[:4], "big"), 512)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))]
    return next((BRANDS[brand] for brand in brands if brand in BRANDS), "film")


def declared_format(declared: str) -> str:
    """Return the type that a media type (`image/png`), a suffix (`.png`) or a name says."""
    plain = declared.lower().partition(";")[0].strip().removeprefix("image/").removeprefix(".")
    return NAMES.get(plain, plain)


def read_outline(data: bytes, declared: str | None = None, formats: tuple[str, ...] = FORMATS) -> FileOutline:
    """Return the outline of a file; `declared` is what somebody says that it is.

    Raises:
        MediaError: `empty`, `unsupported_type`, `mistyped`, `truncated`, `undecodable`.
    """
    if not data:
        raise MediaError("empty", "the file is empty")
    found = sniff_format(data)
    if (
        declared is not None
        and declared_format(declared) not in GENERIC
        and declared_format(declared) != found
    ):
        raise MediaError(
            "mistyped",
            f"it is said to be {_display_name(declared_format(declared))}, and its bytes are {OTHER.get(found, found)}",
        )
    if found not in formats or found not in WALKS:
        of = "no known type" if found == "unknown" else f"type {found}"
        message = f"files of {of} are not read; {', '.join(formats)} are: {find_cure(found)}"
        raise MediaError("unsupported_type", message)
    try:
        return WALKS[found](data)
    except MediaError:
        raise
    except (IndexError, ValueError) as error:  # a part that is shorter than what must be in it
        raise MediaError("truncated", f"the {found} file ends in the middle of a part") from error


def _display_name(name: str) -> str:
    """Return the name of a type as it may be shown, as it comes from outside."""
    return (
        name if name.isascii() and name.replace(" ", "").isalnum() and len(name) <= 16 else "something else"
    )
