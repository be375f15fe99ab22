"""Reads the outlines of PNG, WebP, AVIF, HEIC and BMP, whose parts say how long they are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
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

PNG: Final = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"))
"""Chunks of PNG that make the picture."""

APNG: Final = frozenset((b"acTL", b"fcTL", b"fdAT"))
"""Those that make it move."""

COLOURED: Final = frozenset((b"gAMA", b"iCCP"))
"""Those that say what its colours mean."""

WEBP: Final = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
"""Chunks of WebP that make the picture, besides the head `VP8X`."""

PROFILED: Final = 0x20
"""The flag of `VP8X` that says that there is a profile."""

SHOWN: Final = 0x12
"""What stays of the flags of `VP8X`: it moves, it has alpha; not: it has a profile, EXIF, XMP."""

ONCE: Final = frozenset((b"ftyp", b"meta", b"moov"))
"""Boxes that say what the picture is: of two each reader could take another."""

BRAND: Final = slice(8, 12)
"""Where a file of boxes says what it is in the first place: readers go by that where it holds a still and a moving picture."""

BOXES: Final = frozenset(
    (
        b"ftyp",
        b"meta",
        b"mdat",
        b"moov",
        b"free",
        b"skip",
        b"moof",
        b"mfra",
        b"uuid",
        b"idat",
        b"styp",
        b"sidx",
        b"pdin",
    )
)
"""Boxes that stand at the top of files of pictures."""


def outline_png(data: bytes) -> FileOutline:
    """Return the outline of a PNG, moving or not; every chunk must have its checksum. Raises `MediaError`."""
    walk, at = _Png(data), 8
    while b"IEND" not in walk.seen:
        end = at + 12 + read_number(data, at, 4)
        if end > len(data):
            raise truncated_error("png")
        if zlib.crc32(data[at + 4 : end - 4]) != read_number(data, end - 4, 4):
            raise broken_error("png", "a checksum is wrong")
        walk.chunk(data[at + 4 : at + 8], at, end)
        at = end
    return walk.outline(at)


class _Png:
    """What was seen of a PNG so far."""

    def __init__(self, data: bytes) -> None:
        self.seen: dict[bytes, int] = {}
        self._data = data
        self._kept = KeptStretches(data)
        self._kept.keep(0, 8)
        self._orientation, self._profile = 1, b""
        self._frames: int | None = None
        self._first_moves = self._coloured = self._points = False

    def chunk(self, kind: bytes, at: int, end: int) -> None:
        """Go past a chunk."""
        if (kind == b"IHDR") != (not self.seen):
            raise broken_error("png", "it does not begin with its size, or says two")
        drawn = b"IDAT" in self.seen
        if kind == b"acTL" and not drawn:
            self._frames = read_number(self._data, at + 8, 4)
        if kind == b"fcTL" and not drawn:
            self._first_moves = True
        if kind == b"eXIf":
            self._orientation = read_exif_orientation(self._data[at + 8 : end - 4])
        if kind == b"cHRM" and not drawn:
            self._points = self._points or not colours.are_ordinary(self._data[at + 8 : end - 4])
        content = self._data[at + 8 : end - 4] if kind in COLOURED else b""
        odd = kind not in self.seen and not drawn and self._is_odd(kind, content)
        self._coloured = self._coloured or odd
        if odd or kind in PNG or (kind in APNG and self._frames is not None):
            self._kept.keep(at, end)
        elif not kind[:1].islower() and kind not in APNG:
            raise broken_error("png", "a part that it needs is not known")
        self.seen[kind] = self.seen.get(kind, 0) + 1

    def _is_odd(self, kind: bytes, content: bytes) -> bool:
        """Tell whether a chunk makes another picture of the same numbers; keep a profile that makes none."""
        if kind == b"gAMA":
            return not colours.GAMMAS[0] <= read_number(content, 0, 4) / 100_000 <= colours.GAMMAS[1]
        profile = colours.unpack_profile(content) if kind == b"iCCP" else b""
        if not profile or not colours.is_ordinary_profile(profile):
            return bool(profile)
        self._profile = rewrite_profile(profile)
        return False

    def outline(self, end: int) -> FileOutline:
        """Return the outline of all of it."""
        frames, coloured = self._frames, self._coloured
        if frames is not None and (not frames or frames != self.seen.get(b"fcTL")):
            raise broken_error("png", "it does not have the frames that it says")
        width, height = read_number(self._data, 16, 4), read_number(self._data, 20, 4)
        if b"IDAT" not in self.seen or 0 in (width, height):
            raise broken_error("png", "it holds no picture, or does not say its size")
        if self._points and b"gAMA" in self.seen:
            raise broken_error("png", "it says that its colours are others than they are")
        frames = 1 if frames is None else frames + (not self._first_moves)
        trailing = count_trailing(self._data, end)
        clean = self._kept.join()
        return FileOutline(
            "png", width, height, frames, clean, self._orientation, trailing,
            coloured=coloured, profile=self._profile,
        )  # fmt: skip


def outline_webp(data: bytes) -> FileOutline:
    """Return the outline of a WebP, moving or not; raises `MediaError`."""
    end = 8 + read_number(data, 4, 4, "little")
    if end > len(data):
        raise truncated_error("webp")
    kept, size, frames, stills, orientation = KeptStretches(data), (0, 0), 0, 0, 1
    parts: list[bytes] = []
    coloured, profile = False, b""
    for kind, at, until in _chunks(data, 12, end):
        if kind == b"VP8X":
            size = read_number(data, at + 4, 3, "little") + 1, read_number(data, at + 7, 3, "little") + 1
            parts.append(data[at - 8 : at] + bytes([data[at] & SHOWN]) + data[at + 1 : until])
        elif kind == b"EXIF":
            orientation = read_exif_orientation(data[at:until])
        elif kind == b"ICCP" and len(parts) == 1 and parts[0].startswith(b"VP8X"):
            length = read_number(data, at - 4, 4, "little")
            coloured, profile = _add_profile(parts, data[at - 8 : until], length)
        elif kind == b"ANMF":
            frames += 1
            parts.append(_frame(data, at, until))
        elif kind in WEBP:
            stills += kind in (b"VP8 ", b"VP8L")
            parts.append(data[at - 8 : until])
            size = size if size != (0, 0) else _still(data, kind, at)
    if 0 in size or not parts:
        raise broken_error("webp", "it holds no picture, or does not say its size")
    if stills + bool(frames) > 1:
        raise broken_error("webp", "it holds more than one picture, and does not say how they move")
    body = b"".join(parts)
    kept.replace(b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body)
    behind_it = count_trailing(data, end)
    return FileOutline(
        "webp", *size, frames or 1, kept.join(), orientation, behind_it, coloured=coloured, profile=profile
    )


def _add_profile(parts: list[bytes], chunk: bytes, size: int) -> tuple[bool, bytes]:
    """Add a chunk with a profile behind the head of a file, where it is not ordinary; return whether that is so, and else the
    profile rewritten.
    """
    profile = chunk[8 : 8 + size]
    colours.check_profile_size(profile)
    if colours.is_ordinary_profile(profile):
        return False, rewrite_profile(profile)
    [head] = parts
    parts[:] = [head[:8] + bytes([head[8] | PROFILED]) + head[9:], chunk]
    return True, b""


def _chunks(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each chunk, where its content begins, and where the next one does."""
    while at < end:
        until = at + 8 + read_number(data, at + 4, 4, "little")
        if until > end:
            raise truncated_error("webp")
        until = min(until + (until - at) % 2, end)
        yield data[at : at + 4], at + 8, until
        at = until


def _frame(data: bytes, at: int, end: int) -> bytes:
    """Return a frame with nothing but its picture."""
    inner = b"".join(
        data[start - 8 : until] for kind, start, until in _chunks(data, at + 16, end) if kind in WEBP
    )
    return b"ANMF" + (16 + len(inner)).to_bytes(4, "little") + data[at : at + 16] + inner


def _still(data: bytes, kind: bytes, at: int) -> tuple[int, int]:
    """Return the size that the picture itself says."""
    if kind == b"VP8L":
        bits = read_number(data, at + 1, 4, "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return read_number(data, at + 6, 2, "little") & 0x3FFF, read_number(
            data, at + 8, 2, "little"
        ) & 0x3FFF
    return 0, 0


def outline_iso(data: bytes) -> FileOutline:
    """Return the outline of a file of boxes (AVIF, HEIC): its size and frames are the decoder's to say. Raises `MediaError`.

    An AVIF that moves may hold a still picture as well, and what is shown is the reader's choice: each is an outline of its own.
    """
    at, seen = _boxes(data)
    if not {b"meta", b"moov"} & seen:
        raise truncated_error("picture")
    heic = (
        data[8:12] in (b"heic", b"heix", b"hevc", b"hevx") or b"avi" not in data[8 : read_number(data, 0, 4)]
    )
    if b"moov" in seen and heic:
        raise MediaError("unsupported_type", "files of type heic that move are not read")
    found = [data[:at]]
    if {b"meta", b"moov"} <= seen:
        found = [data[: BRAND.start] + brand + data[BRAND.stop : at] for brand in (b"avis", b"avif")]
    kind = "heic" if heic else "avif"
    first, *more = (FileOutline(kind, 0, 0, None, clean) for clean in found)
    return first.with_trailing(tuple(more), count_trailing(data, at))


def _boxes(data: bytes) -> tuple[int, set[bytes]]:
    """Return where the last box of a file ends, and the kinds of all."""
    at, seen = 0, set[bytes]()
    while len(data) - at >= 8 or count_trailing(data, at):
        size, kind = read_number(data, at, 4), data[at + 4 : at + 8]
        if len(kind) == 4 and kind not in BOXES and {b"mdat", b"idat", b"meta"} & seen:
            break
        if kind == b"ftyp" and kind in seen:
            break  # another file
        if kind in ONCE and kind in seen:
            raise broken_error("picture", "it says twice what it holds")
        if size == 1:
            size = read_number(data, at + 8, 8)
        end = at + size if size else len(data)
        if end > len(data):
            raise truncated_error("picture")
        if end < at + 8:
            raise broken_error("picture", "a part is shorter than its head")
        seen.add(kind)
        at = end
    return at, seen


def outline_bmp(data: bytes) -> FileOutline:
    """Return the outline of a BMP; raises `MediaError`."""
    head = read_number(data, 14, 4, "little")
    if head == 12:
        width, height, bits, packed = (
            read_number(data, 18, 2, "little"),
            read_number(data, 20, 2, "little"),
            0,
            0,
        )
        bits = read_number(data, 24, 2, "little")
    else:
        width, height = read_number(data, 18, 4, "little"), read_number(data, 22, 4, "little")
        height = min(height, (1 << 32) - height)  # from the top down where it is below zero
        bits, packed = read_number(data, 28, 2, "little"), read_number(data, 30, 4, "little")
    if 0 in (width, height, bits):
        raise broken_error("bmp", "it does not say its size")
    rows = read_number(data, 34, 4, "little") if packed in (1, 2) else (width * bits + 31) // 32 * 4 * height
    end = read_number(data, 10, 4, "little") + rows if rows else len(data)
    if end > len(data):
        raise truncated_error("bmp")
    if head >= 124 and (profile := read_number(data, 14 + 116, 4, "little")):
        end = max(end, 14 + read_number(data, 14 + 112, 4, "little") + profile)
    return FileOutline("bmp", width, height, 1, data[:end], trailing=count_trailing(data, end))
