"""Detects the type of a film or sound, and the reader for it, by the first bytes.

Nothing else ever chooses a reader: FFmpeg's own search would take a text that begins with `ffconcat` or `#EXTM3U` for a list of
addresses to open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from guardrails.media.errors import MediaError
from guardrails.media.images.outline import BRANDS, GENERIC, WALKS, sniff_format
from guardrails.media.unread_types import CURES, find_unread

HEAD: Final = 4_096
"""Bytes that are enough to tell."""

PACKET: Final = 188
"""Bytes of a packet of an MPEG transport stream, each of which begins with a `G`."""


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file is: its name, FFmpeg's name of the reader, and whether such files are films or sound as a rule."""

    format: str
    reader: str
    what: Literal["film", "sound"]


ISO: Final[Mapping[bytes, FileType]] = MappingProxyType(
    {b"qt  ": FileType("mov", "mov", "film")}
    | {brand: FileType("m4a", "mov", "sound") for brand in (b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ")}
)
"""Brands of files of boxes that are not plain `mp4`."""

BOXES: Final = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
"""What a QuickTime file without a brand may begin with."""

MP4: Final = FileType("mp4", "mov", "film")
MOV: Final = FileType("mov", "mov", "film")
MATROSKA: Final = FileType("matroska", "matroska", "film")
WEBM: Final = FileType("webm", "matroska", "film")
TRANSPORT: Final = FileType("mpegts", "mpegts", "film")

RIFF: Final[Mapping[bytes, FileType]] = MappingProxyType(
    {
        b"AVI ": FileType("avi", "avi", "film"),
        b"AVIX": FileType("avi", "avi", "film"),
        b"WAVE": FileType("wav", "wav", "sound"),
    }
)

STARTS: Final = (
    (b"fLaC", FileType("flac", "flac", "sound")),
    (b"OggS", FileType("ogg", "ogg", "sound")),
    (b"ID3", FileType("mp3", "mp3", "sound")),
    (b"FORM", FileType("aiff", "aiff", "sound")),
)

UNREAD: Final = tuple(
    (start, FileType(each.name, "", what))
    for what in ("film", "sound")
    for each in find_unread(what)
    for start in each.starts
)
"""How films and sounds begin that nothing here reads: they are told by their names."""

RATES: Final = (44_100, 48_000, 32_000)
KILOBITS: Final = (
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
"""What a frame of MP3 may say: samples a second in MPEG 1, and kilobits a second in the others and in MPEG 1."""

FILMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "mov": ("mp4", "mov", "m4v", "quicktime", "x-m4v", "3gpp", "3gpp2", "3gp", "3g2", "qt"),
        "matroska": ("mkv", "webm", "matroska", "x-matroska"),
        "avi": ("avi", "x-msvideo", "msvideo", "vnd.avi"),
        "mpegts": ("ts", "mts", "m2ts", "mp2t", "mpegts"),
    }
)
"""What a film of each reader is called by media types and suffixes: those of one reader are told apart by nobody."""

NAMED: Final[Mapping[str, str]] = MappingProxyType(
    {name: of for of, names in FILMS.items() for name in names}
)


def detect_file_type(head: bytes) -> FileType | None:
    """Return what a file is by its first bytes (`HEAD` of them are enough), or None if it is neither film nor sound.

    Pictures that move (GIF, WebP, APNG, AVIF) are pictures. Matroska and boxes may hold sound alone: opening tells.
    """
    if head[4:8] == b"ftyp":
        return _boxes(head)
    if head[4:8] in BOXES:
        return MOV
    if head[:4] == b"\x1aE\xdf\xa3":
        return WEBM if b"webm" in head[:64] else MATROSKA
    if head[:4] == b"RIFF":
        return RIFF.get(head[8:12])
    if _packets(head):
        return TRANSPORT
    found = next((kind for start, kind in (*STARTS, *UNREAD) if head.startswith(start)), None)
    return found or (_frame(head) if len(head) > 4 else None)


def _boxes(head: bytes) -> FileType | None:
    size = min(int.from_bytes(head[:4], "big"), 512)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    if brands[0] in BRANDS or (brands[0] in (b"mif1", b"msf1") and any(brand in BRANDS for brand in brands)):
        return None  # AVIF and HEIC
    return ISO.get(brands[0], MP4)


def _packets(head: bytes) -> bool:
    """Whether packets of a transport stream stand there: three at least, or all of a shorter file, of 188 or 192 bytes each."""
    for size, first in ((PACKET, 0), (PACKET + 4, 4)):
        places = range(first, min(len(head), first + 5 * size), size)
        if len(places) >= 2 and all(head[at] == 0x47 for at in places):
            return True
    return False


def _frame(head: bytes) -> FileType | None:
    """Return MP3 or AAC, which begin with a frame: its eleven bits, and numbers that may stand there."""
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return FileType("aac", "aac", "sound")
    sound = head[1] & 0x06 and head[1] & 0x18 != 0x08 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return FileType("mp3", "mp3", "sound") if sound else None


def is_framed(head: bytes) -> bool:
    """Whether a frame of MP3 or of AAC stands there and another one where the first one ends, as no samples have by chance.

    The lengths of frames are those of ISO/IEC 11172-3 and 13818-3 (layer III) and of ADTS (13818-7).
    """
    if len(head) < 6 or _frame(head) is None:
        return False
    if head[1] & 0x06 == 0:
        size = (head[3] & 0x03) << 11 | head[4] << 3 | head[5] >> 5
    elif head[1] & 0x06 == 0x02:
        newer = head[1] & 0x18 == 0x18
        rate = RATES[head[2] >> 2 & 0x03] >> {0x18: 0, 0x10: 1, 0x00: 2}[head[1] & 0x18]
        bits = 1_000 * KILOBITS[newer][head[2] >> 4]
        size = (144 if newer else 72) * bits // rate + (head[2] >> 1 & 0x01)
    else:
        return False
    following = head[size : size + 3]
    same = following[:2] == head[:2] and following[2:] and following[2] & 0x0C == head[2] & 0x0C
    return size > 6 and bool(same)


def detect_film_type(head: bytes, declared: str | None) -> FileType:
    """Return what a film is; `declared` is the media type or the suffix that somebody says.

    Raises:
        MediaError: `empty`, `unsupported_type`, or `mistyped` where it is said to be something else.
    """
    if not head:
        raise MediaError("empty", "the file is empty")
    found = detect_file_type(head)
    of = sniff_format(head) if found is None else found.format
    if of in WALKS or (
        found is not None and found.reader and found.what == "sound" and found.reader != "mov"
    ):
        raise MediaError("mistyped", f"it is said to be a film, and its bytes are {of}")
    if found is None or not found.reader:
        names = ", ".join(names[0] for names in FILMS.values())
        of = "no known type" if of == "unknown" else f"type {of}"
        raise MediaError(
            "unsupported_type",
            f"files of {of} are not read as films; {names}, mov and webm are: {CURES['film']}",
        )
    return agree_type(found, declared, NAMED)


def agree_type(found: FileType, declared: str | None, named: Mapping[str, str]) -> FileType:
    """Return what a file is, where that is what somebody says; `named` has the reader of each type and suffix.

    Raises:
        MediaError: it is said to be something else.
    """
    said = "" if declared is None else declared.lower().partition(";")[0].strip()
    bare = said.removeprefix("video/").removeprefix("audio/").removeprefix(".")
    if said not in GENERIC and named.get(bare) != found.reader:
        message = f"it is said to be something else than what its bytes are: {found.format}"
        raise MediaError("mistyped", message)
    return found
