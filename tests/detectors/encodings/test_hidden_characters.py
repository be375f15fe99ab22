"""Hidden characters: each class is found, and what writing needs is not."""

from __future__ import annotations

from guardrails.detectors.encodings.hidden_characters import CLASSES, DEFAULT, HiddenCharacters, is_harmless
from tests.cases import each_case

EXAMPLES = {
    "zero_width": "a\u200bb",
    "bidi": "a\u202eb",
    "tags": "a\U000e0041b",
    "variation": "a\ufe0fb",
    "control": "a\x00b",
    "private": "a\ue000\ue001b",
}


@each_case("kind", DEFAULT)
def test_a_class_finds_its_own_characters_alone(kind: str) -> None:
    """The table of classes has no character twice."""
    assert set(EXAMPLES) == set(CLASSES)
    characters = HiddenCharacters([kind])
    for name, text in EXAMPLES.items():
        assert characters.contains_any(text) is (name == kind)
        assert bool([*characters.find(text)]) is (name == kind)


@each_case(
    ("text", "at", "harmless"),
    [
        ("\ufeffa", 0, True),
        ("a\ufeff", 1, False),
        ("\u05d0\u200e", 1, True),
        ("a\u200eb", 1, False),
        ("\u2764\ufe0f", 1, True),
        ("a\u200db", 1, False),
        ("\u0645\u200c\u0645", 1, True),
    ],
)
def test_neighbours_tell_what_is_harmless(text: str, at: int, harmless: bool) -> None:
    """A byte order mark at the start, direction marks near right-to-left letters, joiners and selectors where they belong."""
    assert is_harmless(text, at) is harmless
