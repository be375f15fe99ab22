"""Texts of a file are collected once each, within bounds."""

from __future__ import annotations

import zlib

from guardrails.media.metadata.written_texts import (
    MOST_CHARACTERS,
    TOO_LARGE,
    TOO_LONG,
    WrittenTexts,
    decode_text,
)


def test_each_text_counts_once() -> None:
    """Editors write the same into EXIF, XMP and IPTC; ends of C and blanks around it are none of it."""
    texts = WrittenTexts()
    texts.add("exif.ImageDescription", " a harbour\0\0")
    texts.add("iptc.Caption-Abstract", "a harbour")
    assert [(each.place, each.text) for each in texts] == [("exif.ImageDescription", "a harbour")]


def test_versions_of_programs_are_no_addresses() -> None:
    """They have the form of those of computers."""
    texts = WrittenTexts()
    texts.add("exif.Software", "Scanner of ours 5.1.0.120")
    texts.add("exif.UserComment", "from 5.1.0.120")
    assert [each.text for each in texts] == ["Scanner of ours", "from 5.1.0.120"]


def test_what_is_too_long_is_told() -> None:
    """Letters in all, and what is packed too well."""
    texts = WrittenTexts()
    texts.add("png.a", "word " * (MOST_CHARACTERS // 5 - 1))
    texts.add("png.b", "one more word")
    texts.add("png.c", "no")
    assert ([each.place for each in texts], [*texts.left]) == (["png.a", "png.c"], [TOO_LONG])
    texts = WrittenTexts()
    assert texts.unpack(zlib.compress(bytes(5_000_000))) == b""
    assert [*texts.left] == [TOO_LARGE]
    assert WrittenTexts().unpack(b"no zlib") == b""


def test_letters_of_old_programs() -> None:
    """What is no UTF-8 is read as Windows wrote it."""
    assert decode_text("Köln".encode()) == decode_text("Köln".encode("cp1252")) == "Köln"
