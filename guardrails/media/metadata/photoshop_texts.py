"""Reads the texts of Photoshop's blocks, of which one is IPTC: captions, headlines, names and places of news pictures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from guardrails.media.images.outline_parts import read_number
from guardrails.media.metadata.written_texts import WrittenTexts, decode_text
from guardrails.media.metadata.xmp_texts import read_xmp

BLOCK: Final = b"8BIM"
IPTC: Final = 0x0404
XMP: Final = 0x0424

BINARY: Final = frozenset((0x0409, 0x040C, 0x040F, 0x0422, 0x0423))
"""Blocks with thumbnails, a profile, and EXIF that stands in the file anyway."""

DATASETS: Final[Mapping[int, str]] = MappingProxyType(
    {
        5: "ObjectName", 7: "EditStatus", 10: "Urgency", 15: "Category", 20: "SupplementalCategories",
        22: "FixtureIdentifier", 25: "Keywords", 30: "ReleaseDate", 35: "ReleaseTime", 40: "SpecialInstructions",
        55: "DateCreated", 60: "TimeCreated", 62: "DigitalCreationDate", 63: "DigitalCreationTime",
        65: "OriginatingProgram", 70: "ProgramVersion", 80: "By-line", 85: "By-lineTitle", 90: "City",
        92: "Sub-location", 95: "Province-State", 100: "Country-PrimaryLocationCode",
        101: "Country-PrimaryLocationName", 103: "OriginalTransmissionReference", 105: "Headline", 110: "Credit",
        115: "Source", 116: "CopyrightNotice", 118: "Contact", 120: "Caption-Abstract", 122: "Writer-Editor",
        135: "LanguageIdentifier", 221: "Prefs", 225: "ClassifyState", 228: "SimilarityIndex", 230: "DocumentNotes",
        231: "DocumentHistory", 232: "ExifCameraInfo",
    }
)  # fmt: skip
"""Names of what IPTC's second record holds."""


def read_photoshop(data: bytes, texts: WrittenTexts) -> None:
    """Add the texts of a row of Photoshop's blocks; what is broken is searched."""
    at = 0
    while data.startswith(BLOCK, at):
        try:
            kind, named = read_number(data, at + 4, 2), read_number(data, at + 6, 1)
            begin = at + 6 + (named + 2) // 2 * 2
            size = read_number(data, begin, 4)
        except IndexError:
            break
        content = data[begin + 4 : begin + 4 + size]
        if kind == IPTC:
            read_iptc(content, texts)
        elif kind == XMP:
            read_xmp(content, texts)
        elif kind not in BINARY:
            texts.search(f"photoshop.{kind:#06x}", content)
        at = begin + 4 + (size + 1) // 2 * 2
    texts.search("photoshop", data[at:])


def read_iptc(data: bytes, texts: WrittenTexts) -> None:
    """Add the texts of IPTC; what is broken is searched."""
    if not texts.admits(len(data)):
        return
    at = 0
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        record, dataset, size = data[at + 1], data[at + 2], read_number(data, at + 3, 2)
        begin = at + 5
        if size & 0x8000:  # how long the length is
            wide = size & 0x7FFF
            size = int.from_bytes(data[begin : begin + wide], "big")
            begin += wide
        value = data[begin : begin + size]
        if record == 2 and dataset:
            texts.add(f"iptc.{DATASETS.get(dataset, dataset)}", decode_text(value))
        elif record != 1:
            texts.search("iptc", value)
        at = begin + size
    texts.search("iptc", data[at:])
