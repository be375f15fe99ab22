"""Writes a picture's file without what stands in it beside the picture: places, names, times, texts, thumbnails.

How it is turned and what its colours mean stay. Where the format lets these be written anew the picture itself is not: it keeps
each of its bytes. What stands behind its end, and pictures behind the first (a map of brightness), are gone.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

from guardrails.media.images.outline_parts import FileOutline
from guardrails.media.images.picture import Picture
from guardrails.media.images.redact import rewrite_picture
from guardrails.media.limits import PictureLimits

EXIF: Final = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0%c\0\0\0\0\0\0"
"""EXIF that says how a picture is turned, and nothing else."""


def strip_metadata(picture: Picture, limits: PictureLimits) -> bytes | None:
    """Return the file of a picture without metadata, None where it has none; raises what `redact_picture` does."""
    of = picture.outline
    if of is None:
        return None
    if of.format == "jpeg":
        made = _jpeg(of)
    elif of.format == "png":
        made = _png(of)
    elif of.format in ("gif", "bmp") or (of.format == "webp" and of.orientation == 1 and not of.profile):
        made = of.clean
    else:
        written: Any = rewrite_picture(picture, limits)
        made = bytes(written)
    return None if made == picture.data else made


def _jpeg(of: FileOutline) -> bytes:
    """Return a JPEG with its turn and its profile behind its first mark."""
    parts = [(0xE1, b"Exif\0\0" + EXIF % of.orientation)] if of.orientation != 1 else []
    parts += [(0xE2, b"ICC_PROFILE\0\1\1" + of.profile)] if of.profile else []
    told = b"".join(struct.pack(">BBH", 0xFF, mark, len(part) + 2) + part for mark, part in parts)
    return of.clean[:2] + told + of.clean[2:]


def _png(of: FileOutline) -> bytes:
    """Return a PNG with its turn and its profile behind its size."""
    parts = [(b"iCCP", b"icc\0\0" + zlib.compress(of.profile))] if of.profile else []
    parts += [(b"eXIf", EXIF % of.orientation)] if of.orientation != 1 else []
    told = b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in parts
    )
    return of.clean[:33] + told + of.clean[33:]
