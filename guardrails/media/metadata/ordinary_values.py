"""Tells what cameras, phones and programs write into the files of pictures from what somebody has written there.

Names of cameras and lenses, versions, times, places, ids and settings say nothing to anybody, and read as prose they make
nonsense. A value counts as such by the name of its field and only where it has the form that such a value has: all else under the
same name is a text like all others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LONGEST: Final = 1_000
"""Characters up to which a value may be one of a camera or a program."""

_WORDS: Final = """
digital camera corporation corp corp. co. co., ltd ltd. inc inc. optical company electronics electronic imaging technologies
canon nikon sony apple samsung google fujifilm olympus panasonic leica pentax ricoh hasselblad sigma tamron tokina zeiss kodak
eastman casio minolta konica huawei honor xiaomi redmi poco oppo vivo realme oneplus motorola moto nokia asus lenovo nothing
generic sharp toshiba sanyo epson phone dji mavic mini air gopro hero black insta360 eos rebel mark powershot ixus coolpix
cyber-shot lumix finepix iphone ipad galaxy pixel note edge fold flip nova mate find reno pro max plus ultra lite neo prime
zoom lens front back rear main dual triple quad wide ultrawide telephoto tele macro truedepth fisheye art contemporary sports
nikkor planar sonnar summilux summicron vario tessar distagon adobe photoshop fireworks illustrator indesign acrobat premiere
imageready lightroom classic raw bridge elements express windows macintosh macos android ios gimp darktable rawtherapee
capture one dxo photolab affinity photo editor paint.net picasa snapseed imagemagick exiftool acdsee viewer gallery photos
hdr hdr+ firmware ver ver. version build release user keys release-keys for
"""

_NUMBERED: Final = (
    r"(?=[^ ,;:@]*\d)(?:(?<![A-Z])[A-Z]{1,4}(?![A-Z])|(?<![a-z])[a-z]{1,3}(?![a-z])|[\d/.()+*#&_-])+"
)
_PART: Final = (
    rf"(?:{_NUMBERED}|[A-Z]{{1,4}}|(?:[A-Za-z]{{1,2}}|\+|-|&)"
    rf"|(?i:\(?(?:{'|'.join(sorted(map(re.escape, _WORDS.split()), key=len, reverse=True))})\)?\d{{0,3}}\+?))"
)
MODEL: Final = re.compile(rf"{_PART}(?:[ ,;:@]+{_PART}){{0,11}}")
"""Names of cameras, lenses, makers and programs: words that such names have, capitals, and what has digits."""

TIME: Final = re.compile(
    r"[\d ]{4}[:-]?[\d ]{2}[:-]?[\d ]{2}(?:[T ][\d ]{2}(?::?[\d ]{2}){1,2}(?:\.\d{1,9})?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?|"
    r"\d\d:?\d\d:?\d\d(?:Z|[+-]\d\d:?\d\d)?|[+-]\d\d:\d\d"
)
NUMBER: Final = re.compile(
    r"(?i:[+-]?(?=(?:\D?\d){1,8}\Z)\d+(?:[./]\d+)?|true|false|inf|undef|nan)|[\d .,/+-]{1,5}"
)
"""Numbers of at most eight digits: those of persons and of cards have more."""

NUMBERS: Final = re.compile(r"[\dA-F .,/;+-]{1,2000}")
PLACE: Final = re.compile(r"\d{1,3},\d{1,2}(?:\.\d+|,\d{1,2})?[NSEW]")
CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,17}|/[\w/;]{0,40}")
ID: Final = re.compile(
    r"(?:(?:xmp\.[di]id|uuid|adobe:docid:\w{1,16}):)?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|"
    r"(?:(?:xmp\.[di]id|uuid|adobe:docid:\w{1,16}):)[0-9A-Fa-f-]{8,64}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}"
)
SERIAL: Final = re.compile(r"(?=.*\d)(?:[A-Z]{0,4}[\d-]+){1,6}[A-Z]{0,4}")
MIME: Final = re.compile(r"(?:image|video|application)/[\w.+-]{1,64}")
SPACE: Final = re.compile(
    r"sRGB(?: built-in|[ -]IEC61966-2[.-]1.{0,20})?|Adobe RGB(?: \(1998\))?|Display P3|ProPhoto RGB|uncalibrated|"
    r"(?:Dot Gain|Gray Gamma) [\d.]+%?|c2|U\.S\. Web Coated \(SWOP\) v2|Coated FOGRA\d+(?: \(ISO [\d:-]+\))?|"
    r"e?sRGB v?\d?|Generic (?:RGB|Gray)(?: Gamma [\d.]+)? Profile"
)
PACKED: Final = re.compile(r"[!-~]{65,}")
"""What is packed into letters: tables, maps, pictures."""

SETTING: Final = re.compile(
    r"(?:(?:[Ff]ilter|fileter|capture|hdr|scene|module|touch|mode|rotation|flash|shaking|brp|ai|multi|cct|confidence|"
    r"cropped|weather|temperature|albedo|"
    r"highlight|algolist|sensor|lens|style|zoom|night|face)\w{0,24}: ?[\w.,()\[\]|-]{0,24} ?(?:[;,\n]|\Z)[ \n]*|"
    r"[A-Za-z]{1,8}[:=] *\d[\d.]{0,19}(?:[ ;,\n]+|\Z)){2,60}"
)
"""What phones write as a comment: how a picture was taken."""

CHANGE: Final = re.compile(
    r"(?:converted )?from [\w-]+/[\w.+-]+ to [\w-]+/[\w.+-]+(?:, saved to new location)?"
)
"""What a program says of a change of format."""

PROGRAMS: Final = frozenset(
    ("Software", "CameraFirmware", "RAWDevelopingSoftware", "ImageEditingSoftware", "MetadataEditingSoftware", "CreatorTool",
     "softwareAgent", "OriginatingProgram", "ProgramVersion", "Firmware", "xmptk", "Version", "HostComputer")
)  # fmt: skip
"""Fields that name a program."""

VERSION: Final = re.compile(r"\b\d{1,5}(?:\.\d{1,5}){2,4}\b")
"""A version, which elsewhere may be an address."""

BY_NAME: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        **dict.fromkeys(PROGRAMS, MODEL),
        **dict.fromkeys(
            ("Make", "Model", "LensMake", "LensModel", "Lens", "UniqueCameraModel", "CameraProfile",
             "LensProfileName", "LensProfileFilename"),
            MODEL,
        ),
        **dict.fromkeys(("SerialNumber", "BodySerialNumber", "LensSerialNumber", "ImageNumber"), SERIAL),
        **dict.fromkeys(("ICCProfile", "ICCProfileName", "ColorSpace", "colorMode"), SPACE),
        **dict.fromkeys(("format", "Format", "Mime", "mime"), MIME),
        "UserComment": SETTING,
        "parameters": CHANGE,
    }
)  # fmt: skip
"""Name of a field → the form of a value that says nothing."""

ANYWHERE: Final = (TIME, NUMBER, PLACE, ID)
"""Forms of values that say nothing wherever they stand."""

CODES: Final = re.compile(
    r"(?:xmp\.(?:stEvt|stRef|xmpMM|crs|tiff|exif|exifEX|aux|xmpNote|GCamera|hdrgm|HDRGainMap|Item|Container|xmpG|stDim|stMfs|crlcp|"
    r"photoshop:ColorMode|photoshop:ICCProfile|xmp:Rating|xmp:Label|GPano|GDepth|GImage|MicrosoftPhoto|apple-fi|mwg-rs)[:.]\w+"
    r"|exif\.(?:GPS|Interop|SubSec|Offset)\w+|iptc\.(?:Urgency|Category|LanguageIdentifier|EditStatus|Prefs))"
)
"""Fields of which a single word is a choice of a program."""

TABLES: Final = re.compile(
    r"xmp\.(?:crs:Table_[0-9A-F]{32}|GCamera:\w+|G(?:Depth|Image|Audio|Container):(?:Data|\w+)|xmpGImg:image)"
)
"""Fields of what is packed."""

CAMERAS: Final = frozenset(
    (
        "OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM", "DIGITAL CAMERA", "KODAK Digital Still Camera", "MINOLTA DIGITAL CAMERA",
        "SAMSUNG", "Samsung", "SAMSUNG DIGITAL CAMERA", "Exif_JPEG_PICTURE", "Jpeg", "default", "cof", "dav", "sdr", "oznor",
        "rhdr", "binary comment", "ASCII", "MANUAL", "GPS", "NETWORK", "CELLID", "WGS-84", "fused", "Screenshot", "Adobe",
        "Untitled", "My great picture", "LEAD Technologies Inc. V1.01", "File written by Adobe Photoshop\u00a8 5.0",
        "sRGB", "AppleMark", "Created with GIMP", "Edited with GIMP", "Copyright", "All rights reserved.",
        "Reference Viewing Condition in IEC61966-2.1", "IEC 61966-2.1 Default RGB colour space - sRGB", "sRGB IEC61966-2.1",
        "hdr", "IEC http://www.iec.ch", "Copyright (c) 1998 Hewlett-Packard Company",
    )
)  # fmt: skip
"""What is written as a description or a comment by machines."""

PROGRAM: Final = re.compile(
    r"CREATOR: gd-jpeg v[\d.]+ \(using IJG JPEG v\d+\)(?:, (?:default )?quality(?: = \d+)?)?|Lavc[\d.]+|"
    r"Optimized by JPEGmini [\d.]+ \w{1,12}|Compressed by jpeg-recompress|Software: [\w .:/()-]{1,40}"
)
"""Comments of programs that write JPEG."""


def strip_versions(place: str, text: str) -> str:
    """Return a text without the versions of programs, where it stands in a field that names one."""
    return VERSION.sub("", text) if _name_of(place) in PROGRAMS and len(text) <= LONGEST else text


def is_ordinary(place: str, text: str) -> bool:
    """Tell whether a text says nothing where it stands: `place` is `exif.Model`, `xmp.tiff:Model`, `png.Software`."""
    if text in CAMERAS or any(form.fullmatch(text) for form in ANYWHERE):
        return True
    form = BY_NAME.get(_name_of(place))
    if len(text) <= LONGEST and form is not None and form.fullmatch(text):
        return True
    if CODES.fullmatch(place) and (CODE.fullmatch(text) or NUMBERS.fullmatch(text)):
        return True
    if PACKED.fullmatch(text):
        return TABLES.fullmatch(place) is not None
    return len(text) <= LONGEST and PROGRAM.fullmatch(text) is not None


def _name_of(place: str) -> str:
    """Return the name of a field: `Model` of `xmp.tiff:Model`."""
    return place.rpartition(".")[2].rpartition(":")[2]
