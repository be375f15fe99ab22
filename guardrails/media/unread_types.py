"""Types of files that nothing here reads: how each begins, what it is called, and what to do with it. They are refused by their
names, never as a broken file of another type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

What = Literal["picture", "film", "sound", "document"]


@dataclass(frozen=True, slots=True)
class UnreadType:
    """A type of files: what it is called, what such a file is, with what it begins, and as what its name ends."""

    name: str
    what: What
    starts: tuple[bytes, ...]
    endings: tuple[str, ...]


UNREAD: Final = (
    UnreadType("tiff", "picture", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), ("tif", "tiff", "dng", "nef", "cr2", "arw")),
    UnreadType("canon raw", "picture", (), ("cr3",)),
    UnreadType("fujifilm raw", "picture", (b"FUJIFILMCCD-RAW",), ("raf",)),
    UnreadType("psd", "picture", (b"8BPS",), ("psd", "psb")),
    UnreadType("ico", "picture", (b"\0\0\1\0", b"\0\0\2\0"), ("ico", "cur")),
    UnreadType("icns", "picture", (b"icns",), ("icns",)),
    UnreadType("jpeg 2000", "picture", (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), ("jp2", "j2k", "jpf", "jpx")),
    UnreadType("jpeg xl", "picture", (b"\0\0\0\x0cJXL ", b"\xff\x0a"), ("jxl",)),
    UnreadType("jpeg xr", "picture", (b"II\xbc\1",), ("jxr", "wdp")),
    UnreadType("qoi", "picture", (b"qoif",), ("qoi",)),
    UnreadType("dds", "picture", (b"DDS ",), ("dds",)),
    UnreadType("pcx", "picture", (b"\x0a\5\1\x08",), ("pcx",)),
    UnreadType("openexr", "picture", (b"v/1\1",), ("exr",)),
    UnreadType("xcf", "picture", (b"gimp xcf",), ("xcf",)),
    UnreadType("netpbm", "picture", (b"P4\n", b"P5\n", b"P6\n", b"P7\n"), ("pbm", "pgm", "ppm", "pam")),
    UnreadType("emf", "picture", (b"\1\0\0\0l\0\0\0", b"\xd7\xcd\xc6\x9a"), ("emf", "wmf")),
    UnreadType("flv", "film", (b"FLV\1",), ("flv",)),
    UnreadType("wmv", "film", (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",), ("wmv", "asf", "wma")),
    UnreadType("mpeg", "film", (b"\0\0\1\xba", b"\0\0\1\xb3"), ("mpg", "mpeg", "vob", "m1v")),
    UnreadType("realmedia", "film", (b".RMF",), ("rm", "rmvb")),
    UnreadType("mxf", "film", (b"\6\x0e\x2b\x34\2\5\1\1",), ("mxf",)),
    UnreadType("nut", "film", (b"nut/multimedia container\0",), ("nut",)),
    UnreadType("y4m", "film", (b"YUV4MPEG2",), ("y4m",)),
    UnreadType("amr", "sound", (b"#!AMR",), ("amr",)),
    UnreadType("midi", "sound", (b"MThd\0\0\0\6",), ("mid", "midi")),
    UnreadType("au", "sound", (b".snd\0\0",), ("au", "snd")),
    UnreadType("caf", "sound", (b"caff\0\1",), ("caf",)),
    UnreadType("wavpack", "sound", (b"wvpk",), ("wv",)),
    UnreadType("postscript", "document", (b"%!PS", b"\xc5\xd0\xd3\xc6"), ("ps", "eps")),
    UnreadType("pdf", "document", (b"%PDF",), ("pdf",)),
    UnreadType("fits", "document", (b"SIMPLE  =",), ("fits",)),
    UnreadType("zip", "document", (b"PK\3\4",), ("zip", "docx", "xlsx", "pptx")),
    UnreadType("gzip", "document", (b"\x1f\x8b",), ("gz",)),
    UnreadType("svg", "picture", (), ("svg",)),
)  # fmt: skip
"""All of them; those without a beginning are told by a brand or by what is written in them."""

CURES: Final[Mapping[What, str]] = MappingProxyType(
    {
        "picture": "write it as png or jpeg",
        "film": "write it as mp4",
        "sound": "write it as wav or mp3",
        "document": "give what is written in it as a text, or its pages as pictures",
    }
)
"""What to do with a file that nothing reads."""

OTHER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown": "of no known type",
        "film": "those of a film",
        "matroska": "those of a film",
        "riff": "those of a film or sound",
    }
)
"""What the bytes of a file are called that are no picture's."""


def find_cure(name: str) -> str:
    """Return what to do with a file of a type that no picture is of."""
    what = next(
        (each.what for each in UNREAD if each.name == name), "picture" if name in OTHER else "document"
    )
    return CURES[what]


def find_unread(what: What) -> tuple[UnreadType, ...]:
    """Return the types of one kind."""
    return tuple(each for each in UNREAD if each.what == what)
