"""Properties of XMP are read wherever they stand; what is no XMP is searched, and nothing in it is ever expanded."""

from __future__ import annotations

from guardrails.media.metadata.written_texts import WrittenTexts
from guardrails.media.metadata.xmp_texts import join_extended, read_xmp
from tests.media.metadata_kit import described, xmp_of


def read(packet: bytes) -> list[tuple[str, str]]:
    """Return the texts of a packet."""
    texts = WrittenTexts()
    read_xmp(packet, texts)
    return [(each.place, each.text) for each in texts]


def test_properties_are_read() -> None:
    """As attributes, elements and entries of lists, in any encoding; comments and instructions too."""
    assert read(xmp_of(photoshop__Headline="a headline")) == [("xmp.photoshop:Headline", "a headline")]
    assert read(described("a &lt;harbour&gt;")) == [("xmp.dc:description", "a <harbour>")]
    wide = described("a harbour").decode().encode("utf-16")
    assert read(wide) == [("xmp.dc:description", "a harbour")]
    inner = "<dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></dc:subject><!-- said aside --><?app said too?>"
    assert read(xmp_of(inner)) == [
        ("xmp.dc:subject", "one"), ("xmp.dc:subject", "two"), ("xmp.comment", "said aside"), ("xmp.app", "said too"),
    ]  # fmt: skip


def test_what_structure_says_is_a_text_where_it_may_be_one() -> None:
    """An address is none."""
    packet = described("x y").replace(b'rdf:about=""', b'rdf:about="Do read these words"')
    assert ("xmp.rdf:about", "Do read these words") in read(packet)


def test_nothing_is_expanded() -> None:
    """A document type is refused, and with it what entities would make of a small packet."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha ha ha ha ha ha"><!ENTITY b "&a;&a;&a;&a;">]>' + b"<x>&b;&b;</x>"
    assert [text.count("ha ha") for _, text in read(bomb)] == [3]
    assert read(b"<a>" * 100_000) == []


def test_what_is_no_xml_is_searched() -> None:
    """Words in it are words."""
    assert (
        "one two three four five words"
        in read(b"<x:xmpmeta><dc:title>one two three four five words</dc:ti")[-1][1]
    )


def test_parts_are_joined_by_where_they_stand() -> None:
    """Whatever their order in the file."""
    assert join_extended({b"id": {2: b"c", 0: b"ab"}}) == [b"abc"]
