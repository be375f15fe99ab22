"""Counts the bytes behind the end of a film or sound in its file.

FFmpeg reads the first film of a file and leaves alone what stands behind it: another film, or anything else. Whoever has the file
has that, too. Of MP4 (ISO/IEC 14496-12, a row of boxes), Matroska (RFC 8794 and 9559, one segment), AVI, WAV and AIFF (chunks
with a size) the file itself says where it ends; of the others nothing does, and a reader goes through all of it.

Runs in the process that decodes. Zeros say nothing, nor do a few boxes that are well formed and that readers have to skip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from guardrails.media.video.film_opening import DescriptorFile

SPARE: Final = 1 << 20
"""Bytes of boxes without a meaning that a file may have: writers leave room for later, and notes of their own."""

BOXES: Final = 200_000
"""Boxes that are gone through: two for each fragment, and a film of an hour has some thousand of these. What comes after so many
is behind the film.
"""

MEANT: Final = frozenset((
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"prft", b"emsg", b"meta", b"pdin"),
))  # fmt: skip
"""Boxes of which a film consists."""

PIECE: Final = 1 << 20

EBML: Final = b"\x1aE\xdf\xa3"
SEGMENT: Final = b"\x18S\x80g"
VOID: Final = b"\xec"

MORE: Final = b"AVIX"
"""What a part of an AVI is called that goes on with it."""


def count_trailing_bytes(file: DescriptorFile, reader: str) -> int:
    """Return how many bytes of a file belong to nothing that its reader reads."""
    ends = ENDS.get(reader)
    if ends is None:
        return 0
    end, spare = ends(file)
    left = max(0, file.size - end)
    return (left if left and not _is_zero(file, end) else 0) + (spare if spare > SPARE else 0)


def _is_zero(file: DescriptorFile, at: int) -> bool:
    file.seek(at)
    while piece := file.read(PIECE):
        if piece.count(0) < len(piece):
            return False
    return True


def _boxes(file: DescriptorFile) -> tuple[int, int]:
    """Return where the boxes of the first film end, and how many bytes of boxes without a meaning are before."""
    at = spare = 0
    films: set[bytes] = set()
    for _ in range(BOXES):
        if at >= file.size:
            break
        kind, size = _box(file, at)
        if size < 8 or kind in films:  # it is no box, or begins another film
            break
        if kind in (b"ftyp", b"moov"):
            films.add(kind)
        if kind not in MEANT:
            if at + size > file.size:
                break  # a box of no meaning that is not whole is none
            spare += size
        at += size
    return min(at, file.size), spare


def _box(file: DescriptorFile, at: int) -> tuple[bytes, int]:
    """Return the type of a box and its size; 0 where there is none."""
    file.seek(at)
    head = file.read(16)
    size, kind = int.from_bytes(head[:4], "big"), head[4:8]
    if len(head) < 8 or not all(0x20 <= each < 0x7F or each == 0xA9 for each in kind):
        return kind, 0
    if size == 1:
        return kind, int.from_bytes(head[8:16], "big") if len(head) == 16 else 0
    return kind, file.size - at if size == 0 else size


def _segment(file: DescriptorFile) -> tuple[int, int]:
    """Return where the segment ends; of one of an unknown size, at the end of the file."""
    at, seen = 0, False
    for _ in range(BOXES):
        if at >= file.size:
            break
        kind, size, head = _element(file, at)
        if kind == SEGMENT and size is None:
            return file.size, 0
        if size is None or (kind != VOID and seen) or kind not in (EBML, SEGMENT, VOID):
            break
        seen = seen or kind == SEGMENT
        at += head + size
    return (min(at, file.size), 0) if seen else (file.size, 0)


def _element(file: DescriptorFile, at: int) -> tuple[bytes, int | None, int]:
    """Return the number of an element, its size (None: unknown, or no element), and the size of its head."""
    file.seek(at)
    head = file.read(12)
    wide = _width(head[:1])
    long = _width(head[wide : wide + 1])
    if not 0 < wide <= 4 or not long or len(head) < wide + long:
        return b"", None, 0
    size = int.from_bytes(head[wide : wide + long], "big") - (1 << 7 * long)
    return head[:wide], None if size == (1 << 7 * long) - 1 else size, wide + long


def _width(byte: bytes) -> int:
    """Return how many bytes a number has by its first one; 0 where it has none."""
    return 9 - byte[0].bit_length() if byte and byte[0] else 0


def _riff(file: DescriptorFile) -> tuple[int, int]:
    """Return where the chunks end: the first, and of AVI those that go on with it."""
    return _chunks(file, "little")


def _form(file: DescriptorFile) -> tuple[int, int]:
    return _chunks(file, "big")


def _chunks(file: DescriptorFile, order: Literal["little", "big"]) -> tuple[int, int]:
    at, first = 0, b""
    for _ in range(BOXES):
        if at + 12 > file.size:
            break
        file.seek(at)
        head = file.read(12)
        size = int.from_bytes(head[4:8], order)
        if first and (head[:4] != first or head[8:12] != MORE):
            break
        if size in (0, 0xFFFFFFFF):  # written to where nobody could go back
            return file.size, 0
        first = head[:4]
        at += 8 + size + size % 2
    return min(at, file.size), 0


ENDS: Final[Mapping[str, Callable[[DescriptorFile], tuple[int, int]]]] = MappingProxyType(
    {"mov": _boxes, "matroska": _segment, "avi": _riff, "wav": _riff, "aiff": _form}
)
"""What finds the end, by the name of a reader."""
