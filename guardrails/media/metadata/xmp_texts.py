"""Reads the texts of XMP: each property by its name, whether it is an attribute, an element or an entry of a list.

A document type, which XMP has not, is never read; what is no XML is searched as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.parsers import expat

from guardrails.media.metadata.written_texts import WrittenTexts

EXTENDED: Final = b"http://ns.adobe.com/xmp/extension/\0"
"""How a part of a long packet in a JPEG begins."""

LISTS: Final = frozenset(("rdf:li", "rdf:Alt", "rdf:Bag", "rdf:Seq", "rdf:Description", "rdf:value"))
"""Elements that are no properties: their texts are those of what they stand in."""

STRUCTURE: Final = re.compile(
    r"xmlns(?::.*)?|rdf:(?:about|resource|parseType|nodeID|ID|datatype)|xml:lang|x:xmptk"
)
"""Attributes that are no properties; what they say is none where it is an address or a name of a program."""

PLAIN: Final = re.compile(
    r"[\w.:/#+-]{0,200}|Adobe XMP Core [\d.c-]+ ?[\w .:/,-]{0,60}|XMP Core [\d.]+|Image::ExifTool [\d.]+"
)
"""What they say as a rule."""

MOST_DEPTH: Final = 200


class _Broken(Exception):
    """It is no XMP."""


class _Reader:
    """Goes through a packet, and adds what stands in it."""

    def __init__(self, texts: WrittenTexts) -> None:
        self._texts = texts
        self._names: list[str] = []
        self._said: list[str] = []

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._end_text()
        self._names.append(name)
        if len(self._names) > MOST_DEPTH:
            raise _Broken
        for key, value in attributes.items():
            if not (STRUCTURE.fullmatch(key) and PLAIN.fullmatch(value)):
                self._texts.add(f"xmp.{key[:64]}", value)

    def end(self, name: str) -> None:
        self._end_text()
        self._names.pop()

    def say(self, text: str) -> None:
        self._said.append(text)

    def instruct(self, name: str, said: str) -> None:
        if name != "xpacket":
            self._texts.add(f"xmp.{name[:64]}", said)

    def refuse(self, *_: object) -> None:
        raise _Broken

    def _end_text(self) -> None:
        text, self._said = "".join(self._said), []
        if text.strip():
            named = (name for name in reversed(self._names) if name not in LISTS)
            self._texts.add(f"xmp.{next(named, 'text')[:64]}", text)


def read_xmp(data: bytes, texts: WrittenTexts) -> None:
    """Add the texts of a packet of XMP."""
    data = data.strip(b"\0 \t\r\n")
    if not data or not texts.admits(len(data)):
        return
    parser, reader = expat.ParserCreate(), _Reader(texts)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler = reader.say
    parser.CommentHandler = lambda said: texts.add("xmp.comment", said)
    parser.ProcessingInstructionHandler = reader.instruct
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _Broken, ValueError, LookupError):
        texts.search("xmp", data)


def join_extended(parts: Mapping[bytes, Mapping[int, bytes]]) -> list[bytes]:
    """Return the long packets of a JPEG, by their ids of the parts that they are cut into, by their offsets."""
    return [b"".join(some[at] for at in sorted(some)) for some in parts.values()]
