"""Segments: what belongs together, and how it is spelled."""

from __future__ import annotations

from guardrails.text import segments
from tests.cases import each_case


@each_case(
    ("text", "unit"),
    [
        ("ab", "a"),
        ("a\u0301\u0316b", "a\u0301\u0316"),
        ("a\u200b\u0301b", "a\u200b\u0301"),
        ("a\u200bb", "a"),
        ("\u200b\u00ad\u202ea", "\u200b\u00ad\u202e"),
        ("\u0301\u0301", "\u0301"),
        ("\n\u0301", "\n\u0301"),
        ("\u1100\u1161\u11a8\u1100", "\u1100\u1161\u11a8"),
        ("\uac00\u314f", "\uac00"),
        ("\uff76\uff9e", "\uff76\uff9e"),
        ("a" + "\u0301" * 40, "a" + "\u0301" * 31),
    ],
)
def test_unit(text: str, unit: str) -> None:
    """A segment is a base with its marks up to the cap; invisible characters and lone marks stand apart."""
    match = segments.unit_pattern().match(text, 0, segments.CAP)

    assert match is not None
    assert match[0] == unit


@each_case(
    ("char", "joins"),
    [("\u0301", True), ("\u200b", True), ("\u1161", True), ("\uff9e", True), ("a", False), ("\u314f", False)],
)
def test_joiner(char: str, joins: bool) -> None:
    """Marks, medial jamo and invisible characters may belong to what stands before them."""
    assert (segments.joiner_pattern().match(char) is not None) is joins


@each_case(
    ("segment", "spelled", "folded"),
    [
        ("\u200b\u200b", "", ""),
        ("\u0301", "", ""),
        ("\u1161", "\u314f", "\u314f"),
        ("\u1100\u1161", "\uac00", "\uac00"),
        ("\u1100", "\u3131", "\u3131"),
        ("\u0640\u3099", "\u0640\u3099", ""),
        ("E\u0301", "\u00c9", "e"),
        ("\u00df", "\u00df", "ss"),
    ],
)
def test_spelling(segment: str, spelled: str, folded: str) -> None:
    """A segment is spelled alone; a mark that has no base, or loses it, vanishes."""
    assert segments.spell_segment(segment) == spelled
    assert segments.fold_segment(segment) == folded


def test_expansion_keeps_to_the_cap() -> None:
    """A base that expands to one with marks of its own leaves no more than the cap of them."""
    segment = "\ufb2c" + "\u05bc" * (segments.CAP - 1)

    assert len(segments.spell_segment(segment)) == segments.CAP
