"""Texts of Photoshop's blocks and of IPTC are read by their names."""

from __future__ import annotations

from guardrails.media.metadata.photoshop_texts import read_iptc, read_photoshop
from guardrails.media.metadata.written_texts import WrittenTexts
from tests.media.metadata_kit import described, iptc_of, irb_of

SAID = b"one two three four five words"


def read(data: bytes) -> dict[str, str]:
    """Return the texts of blocks."""
    texts = WrittenTexts()
    read_photoshop(data, texts)
    return {each.place: each.text for each in texts}


def test_news_pictures_are_read() -> None:
    """Headline, caption and words for the index, also in the letters of old programs."""
    assert read(iptc_of({105: "Storm", 120: "A storm at sea.", 25: "storm"})) == {
        "iptc.Headline": "Storm", "iptc.Caption-Abstract": "A storm at sea.", "iptc.Keywords": "storm",
    }  # fmt: skip
    assert read(irb_of({0x0404: b"\x1c\x02\x5a\0\5K\xf6ln "})) == {"iptc.City": "Köln"}


def test_other_blocks_are_searched() -> None:
    """XMP among them is read, a thumbnail is none."""
    assert read(irb_of({0x0424: described("a harbour")})) == {"xmp.dc:description": "a harbour"}
    assert read(irb_of({0x03F0: SAID})) == {"photoshop.0x03f0": SAID.decode()}
    assert read(irb_of({0x040C: SAID})) == {}
    assert read(b"8BIM" + SAID) == {"photoshop": f"8BIM{SAID.decode()}"}


def test_long_values_and_broken_ends() -> None:
    """A length of four bytes, one that is too long, and what stands behind the last value."""
    texts = WrittenTexts()
    read_iptc(b"\x1c\x02\x78\x80\x04\0\0\0\5hello" + b"\x1c\x02\x69\xff\xff" + b"?" + SAID, texts)
    assert "hello" in {each.text for each in texts}
    texts = WrittenTexts()
    read_iptc(b"\x1c\x02\x78\0\5hello\0" + SAID, texts)
    assert [each.text for each in texts] == ["hello", SAID.decode()]
