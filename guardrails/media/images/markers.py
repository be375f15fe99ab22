"""Reads the outlines of JPEG and GIF, which are walked from mark to mark."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.media.errors import MediaError
from guardrails.media.images import colours
from guardrails.media.images.outline_parts import (
    FileOutline,
    KeptStretches,
    broken_error,
    count_trailing,
    read_exif_orientation,
    read_number,
    truncated_error,
)
from guardrails.media.images.profiles import rewrite_profile

SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Marks of JPEG that say the size."""

ALONE: Final = frozenset((0x01, *range(0xD0, 0xD8)))
"""Marks without anything behind them."""

NEEDED: Final = SIZES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD}
"""Marks that make the picture; others are texts, profiles, thumbnails."""

SCANNED: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Where a scan ends: a mark that is none of those that stand in scans."""

MOST_PICTURES: Final = 16
"""Pictures that may stand in one file of JPEG."""

MOST_SCANS: Final = 100
"""Passes over a picture that one of JPEG may take: encoders make about ten, and each costs as much as decoding it once."""

JFIF: Final = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""What says that colours are stored as JFIF stores them, and nothing else: no resolution, no thumbnail."""

PROFILE: Final = b"ICC_PROFILE\0"
"""How a part of a profile of colours begins."""

LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
"""Extensions of GIF that belong to the picture: how often it runs."""


def outline_jpeg(data: bytes) -> FileOutline:
    """Return the outline of a JPEG, with those of the pictures that stand behind it; raises `MediaError`."""
    first, end = _jpeg(data, 0)
    more: list[FileOutline] = []
    while data.startswith(b"\xff\xd8\xff", at := _next(data, end)) and len(more) < MOST_PICTURES:
        try:
            found, until = _jpeg(data, at)
        except (MediaError, IndexError):
            break  # it counts as what stands behind the end
        more.append(found)
        end = until
    return first.with_trailing(tuple(more), count_trailing(data, end))


def _next(data: bytes, end: int) -> int:
    """Return where the next thing behind the end of a picture begins: padding is skipped."""
    found = data.find(b"\xff\xd8\xff", end)
    return found if found >= 0 and not data[end:found].strip(b"\0 \t\r\n") else end


def _jpeg(data: bytes, start: int) -> tuple[FileOutline, int]:
    """Return the outline of one picture and where it ends."""
    kept = KeptStretches(data)
    kept.keep(start, start + 2)
    at, sizes, orientation, scans = start + 2, list[tuple[int, int]](), 1, 0
    profile: dict[int, bytes] = {}
    while (found := _mark(data, at))[0] != 0xD9:
        mark, begin, at = found
        if mark in ALONE:
            continue
        end = at + read_number(data, at, 2)
        if mark in SIZES:
            sizes.append((read_number(data, at + 5, 2), read_number(data, at + 3, 2)))
        elif mark == 0xE1 and data.startswith(b"Exif\0\0", at + 2):
            orientation = read_exif_orientation(data[at + 2 : end])
        elif mark == 0xE2 and data.startswith(PROFILE, at + 2):
            profile.setdefault(read_number(data, at + 14, 1), data[begin:end])
        elif mark == 0xDA:
            scans += 1
            end = _scan_end(data, end)
        if mark in NEEDED or (mark == 0xEE and data.startswith(b"Adobe", at + 2)):
            kept.keep(begin, end)
        elif mark == 0xE0 and data.startswith(b"JFIF\0", at + 2):
            kept.replace(JFIF)
        at = end
    _sound(sizes, scans)
    kept.keep(found[1], found[2])
    clean, (odd, own) = kept.join(), _join_profile(profile)
    clean = clean[:2] + odd + clean[2:] if odd else clean
    outline = FileOutline(
        "jpeg", *sizes[0], 1, clean, orientation, scans=scans, coloured=bool(odd), profile=own
    )
    return outline, found[2]


def _sound(sizes: Sequence[tuple[int, int]], scans: int) -> None:
    """Raise `MediaError` where these are not the sizes and the passes of one picture."""
    if not scans or len(sizes) != 1 or 0 in sizes[0]:
        raise broken_error("jpeg", "it holds no picture, or does not say one size")
    if scans > MOST_SCANS:
        raise MediaError("too_many_pixels", f"{scans} passes over its pixels are more than {MOST_SCANS}")


def _join_profile(parts: Mapping[int, bytes]) -> tuple[bytes, bytes]:
    """Return the parts of a profile in their order, as they stand in the file, where it is not ordinary; else it rewritten."""
    ordered = [parts[at] for at in sorted(parts)]
    profile = b"".join(part[4 + len(PROFILE) + 2 :] for part in ordered)
    colours.check_profile_size(profile)
    if colours.is_ordinary_profile(profile):
        return b"", rewrite_profile(profile)
    return b"".join(ordered), b""


def _scan_end(data: bytes, at: int) -> int:
    """Return where a scan ends."""
    found = SCANNED.search(data, at)
    if found is None:
        raise truncated_error("jpeg")
    return found.start()


def _mark(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the mark at a place, where it begins, and where what belongs to it does."""
    if at >= len(data):
        raise truncated_error("jpeg")
    if data[at] != 0xFF:
        raise broken_error("jpeg", "a part does not begin where the one before it ends")
    begin = at
    while data[at] == 0xFF:
        begin = at
        at += 1
        if at >= len(data):
            raise truncated_error("jpeg")
    return data[at], begin, at + 1


def outline_gif(data: bytes) -> FileOutline:
    """Return the outline of a GIF; raises `MediaError`."""
    width, height = read_number(data, 6, 2, "little"), read_number(data, 8, 2, "little")
    at, frames = 13 + _table(read_number(data, 10, 1)), 0
    kept = KeptStretches(data)
    kept.keep(0, at)
    while True:
        if at >= len(data):
            raise truncated_error("gif")
        begin, keep = at, True
        if not data[at]:  # an end too many, which some write and all read
            at += 1
            continue
        if data[at] == 0x3B:
            kept.keep(at, at + 1)
            break
        if data[at] == 0x2C:
            left, top, wide, high = (read_number(data, at + 1 + 2 * each, 2, "little") for each in range(4))
            width, height = max(width, left + wide), max(height, top + high)
            at = _blocks(data, at + 11 + _table(read_number(data, at + 9, 1)))
            frames += 1
        elif data[at] == 0x21:
            label = read_number(data, at + 1, 1)
            keep = label == 0xF9 or (label == 0xFF and data[at + 3 : at + 14] in LOOPS)
            at = _blocks(data, at + 2)
        else:
            raise broken_error("gif", "a part does not begin where the one before it ends")
        if keep:
            kept.keep(begin, at)
    if not frames or 0 in (width, height):
        raise broken_error("gif", "it holds no picture")
    return FileOutline("gif", width, height, frames, kept.join(), trailing=count_trailing(data, at + 1))


def _table(flags: int) -> int:
    """Return how long the table of colours is that flags announce."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _blocks(data: bytes, at: int) -> int:
    """Return where a row of blocks ends."""
    length = len(data)
    while at < length and data[at]:
        at += data[at] + 1
    if at >= length:
        raise truncated_error("gif")
    return at + 1
