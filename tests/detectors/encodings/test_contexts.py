"""Contexts: escapes are read with what stands around them."""

from __future__ import annotations

import quopri

from guardrails.detectors.encodings.contexts import PERCENT, PRINTABLE
from tests.cases import each_case


@each_case(
    ("text", "decoded", "find", "stands"),
    [
        ("card%204111%201111", "card 4111 1111", "4111 1111", "4111%201111"),
        ("%6aump over", "jump over", "jump", "%6aump"),
        ("caf%C3%A9 au lait", "café au lait", "é au", "%C3%A9 au"),
        ("%F0%9F%98%80!", "😀!", "😀", "%F0%9F%98%80"),
        ("100%25 sure", "100% sure", "% s", "%25 s"),
        ("a%FFb", "a�b", "b", "b"),
        ("a%E2%82b", "a�b", "�", "%E2%82"),
        ("%u0069gn%u00e9", "igné", "é", "%u00e9"),
        ("a%ud800b", "a�b", "�", "%ud800"),
    ],
)
def test_percent_escapes_are_decoded_in_place(text: str, decoded: str, find: str, stands: str) -> None:
    """Each character of what is decoded knows the escape that it stood in."""
    [found] = PERCENT.find(text)
    at = found.text.index(find)
    assert found.text == decoded
    assert found.starts is not None
    assert text[found.starts[at] : found.starts[at + len(find)]] == stands


def test_percent_escapes_far_apart_are_read_apart() -> None:
    """What lies far from any escape is not read once more."""
    text = "%41" + "x" * 1_000 + "%42"
    assert [(found.begin, found.end) for found in PERCENT.find(text)] == [
        (0, 123),
        (883, 1006),
    ]


@each_case("said", ["größere Pakete, übermorgen", "The parcel\twaits at the\tback door. " * 4])
def test_quoted_printable_is_decoded(said: str) -> None:
    """Escapes and lines that go on, as mail has them."""
    [found] = PRINTABLE.find(quopri.encodestring(said.encode(), quotetabs=True).decode())
    assert found.text == said


@each_case("text", ["x=20;y=42;", "a=10&b=20&c=30", "width=20px", "if a==10: b=AB"])
def test_assignments_are_not_quoted_printable(text: str) -> None:
    """One escape, or those of numbers, are values."""
    assert list(PRINTABLE.find(text)) == []
