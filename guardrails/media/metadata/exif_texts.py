"""Reads the texts of EXIF: tags of letters by their names, comments in the encodings that they say, titles of Windows in UTF-16.

Tags of numbers say nothing; all other bytes, such as the notes of a camera's maker, are searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from guardrails.media.images.outline_parts import read_number
from guardrails.media.metadata.photoshop_texts import read_iptc, read_photoshop
from guardrails.media.metadata.written_texts import WrittenTexts, decode_text
from guardrails.media.metadata.xmp_texts import read_xmp

TAGS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x010D: "DocumentName", 0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x011D: "PageName",
        0x0131: "Software", 0x0132: "DateTime", 0x013B: "Artist", 0x013C: "HostComputer", 0x8298: "Copyright",
        0x8824: "SpectralSensitivity", 0x9003: "DateTimeOriginal", 0x9004: "DateTimeDigitized", 0x9010: "OffsetTime",
        0x9011: "OffsetTimeOriginal", 0x9012: "OffsetTimeDigitized", 0x9286: "UserComment", 0x9290: "SubSecTime",
        0x9291: "SubSecTimeOriginal", 0x9292: "SubSecTimeDigitized", 0x9C9B: "XPTitle", 0x9C9C: "XPComment",
        0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject", 0xA004: "RelatedSoundFile",
        0xA420: "ImageUniqueID", 0xA430: "CameraOwnerName", 0xA431: "BodySerialNumber", 0xA433: "LensMake",
        0xA434: "LensModel", 0xA435: "LensSerialNumber", 0xA436: "ImageTitle", 0xA437: "Photographer",
        0xA438: "ImageEditor", 0xA439: "CameraFirmware", 0xA43A: "RAWDevelopingSoftware",
        0xA43B: "ImageEditingSoftware", 0xA43C: "MetadataEditingSoftware", 0xC614: "UniqueCameraModel",
        0x927C: "MakerNote",
    }
)  # fmt: skip
"""Names of tags that hold letters."""

GPS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x01: "GPSLatitudeRef", 0x03: "GPSLongitudeRef", 0x08: "GPSSatellites", 0x09: "GPSStatus",
        0x0A: "GPSMeasureMode", 0x0C: "GPSSpeedRef", 0x0E: "GPSTrackRef", 0x10: "GPSImgDirectionRef",
        0x12: "GPSMapDatum", 0x17: "GPSDestBearingRef", 0x1B: "GPSProcessingMethod", 0x1C: "GPSAreaInformation",
        0x1D: "GPSDateStamp",
    }
)  # fmt: skip
"""The same of places."""

INTEROP: Final[Mapping[int, str]] = MappingProxyType({0x01: "InteroperabilityIndex"})

FOLDERS: Final[Mapping[int, Mapping[int, str]]] = MappingProxyType(
    {0x8769: TAGS, 0x8825: GPS, 0xA005: INTEROP, 0x014A: TAGS}
)
"""Tags that say where further tags stand, and the names of these."""

SIZES: Final = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
"""Bytes of a value of each type."""

LETTERS: Final = frozenset((2, 129))
"""Types of letters: of ASCII, and of UTF-8."""

BYTES: Final = frozenset((1, 2, 6, 7, 129))
"""Types in which anything may stand."""

WIDE: Final = range(0x9C9B, 0x9CA0)
"""Tags of Windows, in UTF-16."""

TOLD: Final = frozenset((0x9286, 0x1B, 0x1C))
"""Tags that say their encoding in eight bytes before the text."""

ENCODINGS: Final[Mapping[bytes, tuple[str, ...]]] = MappingProxyType(
    {b"ASCII\0\0\0": ("utf-8",), b"JIS\0\0\0\0\0": ("iso2022_jp", "shift_jis", "utf-8"), bytes(8): ("utf-8",)}
)

OTHERS: Final = frozenset((0x02BC, 0x83BB, 0x8649, 0x8773, 0x0201, 0xC4A5))
"""Tags that hold another block, a profile or a thumbnail."""

MOST_TAGS: Final = 1_000
MOST_FOLDERS: Final = 16
"""What one block of EXIF may have."""


def read_exif(data: bytes, texts: WrittenTexts, source: str = "exif") -> None:
    """Add the texts of a block of EXIF; what is broken ends where it breaks, and is searched."""
    data = data.removeprefix(b"Exif\0\0")
    order = {b"II": "little", b"MM": "big"}.get(data[:2])
    if order is None or not texts.admits(len(data)):
        texts.search(source, data if order is None else b"")
        return
    due: list[tuple[int, Mapping[int, str]]] = []
    seen: set[int] = set()
    try:
        due.append((read_number(data, 4, 4, order), TAGS))
        while due and len(seen) < MOST_FOLDERS:
            at, names = due.pop(0)
            if at and at not in seen:
                seen.add(at)
                due += _read_folder(data, at, order, names, texts, source)
    except IndexError:
        texts.search(source, data)


def _read_folder(
    data: bytes, at: int, order: str, names: Mapping[int, str], texts: WrittenTexts, source: str
) -> Iterator[tuple[int, Mapping[int, str]]]:
    """Add the texts of one folder of tags; yield where others stand."""
    count = min(read_number(data, at, 2, order), MOST_TAGS)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, length = (
            read_number(data, entry + each, size, order) for each, size in ((0, 2), (2, 2), (4, 4))
        )
        if tag in FOLDERS:
            yield read_number(data, entry + 8, 4, order), FOLDERS[tag]
        elif kind < len(SIZES) or kind in LETTERS:
            size = length * (1 if kind in LETTERS else SIZES[kind])
            where = entry + 8 if size <= 4 else read_number(data, entry + 8, 4, order)
            _add_value(tag, kind, data[where : where + size], order, names, texts, source)
    behind = at + 2 + 12 * count
    if behind + 4 <= len(data):
        yield read_number(data, behind, 4, order), names


def _add_value(
    tag: int, kind: int, value: bytes, order: str, names: Mapping[int, str], texts: WrittenTexts, source: str
) -> None:
    """Add the text of a tag, or what is found in its bytes."""
    place = f"{source}.{names.get(tag, f'{tag:#06x}')}"
    if tag == 0x02BC:
        read_xmp(value, texts)
    elif tag == 0x83BB:
        read_iptc(value, texts)
    elif tag == 0x8649:
        read_photoshop(value, texts)
    elif tag in OTHERS:
        return
    elif tag in WIDE:
        texts.add(place, value.decode("utf-16-le", "replace"))
    elif tag in TOLD and names.get(tag):
        texts.add(place, _decode_told(value, order))
    elif kind in LETTERS:
        texts.add(place, decode_text(value.rstrip(b"\0")))
    else:
        texts.search(place, value)


def _decode_told(value: bytes, order: str) -> str:
    """Return a text that says its encoding, whether or not it does."""
    head, rest = value[:8], value[8:]
    if head == b"UNICODE\0":
        wide = ("utf-16",) if rest[:2] in (b"\xff\xfe", b"\xfe\xff") else _guess_order(rest, order)
        return decode_text(rest[: len(rest) // 2 * 2], wide)
    if head in ENCODINGS:
        return decode_text(rest.rstrip(b"\0"), ENCODINGS[head])
    return decode_text(value.rstrip(b"\0"))


def _guess_order(rest: bytes, order: str) -> tuple[str, ...]:
    """Return the order of the bytes of UTF-16, which many programs write in their own and not in that of the block."""
    own = "utf-16-le" if order == "little" else "utf-16-be"
    zeros = rest[0::2].count(0), rest[1::2].count(0)
    if zeros[0] != zeros[1]:
        own = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return (own, "utf-16-be" if own == "utf-16-le" else "utf-16-le")
