"""Unseen characters: what they spell."""

from __future__ import annotations

from guardrails.detectors.encodings import unseen
from tests.cases import each_case

SAID = "The parcel waits at the back door."


def test_unicode_tags_are_spelt_out() -> None:
    """Invisible tags stand for ASCII, one for one."""
    hidden = "".join(chr(0xE0000 + ord(char)) for char in SAID)
    [found] = unseen.find_unicode_tags(f"hello{hidden} you")
    assert (found.text, found.begin, found.end) == (SAID, 5, 5 + len(SAID))
    assert found.starts == range(5, 6 + len(SAID))


def test_variation_selectors_carry_bytes() -> None:
    """Selectors behind an emoji are the bytes of a text."""
    hidden = "".join(
        chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in ("\n" + SAID).encode()
    )
    [found] = unseen.find_variation_selectors(f"😀{hidden} ok")
    assert (found.text, found.begin, found.end) == ("\n" + SAID, 1, 2 + len(SAID))


@each_case("pair", ["\u2062\u2064", "\u2064\u2062", "\u200b\u200c", "\u200c\u200d"])
def test_invisible_bits_are_read(pair: str) -> None:
    """Two invisible characters are the bits of bytes, whichever is which."""
    hidden = "".join(pair[int(bit)] for byte in SAID.encode() for bit in f"{byte:08b}")
    [found] = unseen.find_invisible_bits(f"hello{hidden} you")
    assert (found.text, found.begin, found.end) == (SAID, 5, 5 + len(hidden))


def test_braille_is_read() -> None:
    """Letters and blanks; the sign of a capital letter is none."""
    [found] = unseen.find_braille("so: \u2820\u281e\u2813\u2811 \u280f\u2801\u2817\u2809\u2811\u2807!")
    assert (found.text, found.begin, found.end) == ("the parcel", 4, 15)


@each_case("text", ["a\u200bb\u200cc", "\u2801\u2803", "\u28ff\u28ff\u28ff\u28ff\u28ff"])
def test_single_signs_say_nothing(text: str) -> None:
    """Separators, crumbs and bars drawn of dots are no payloads."""
    assert [*unseen.find_invisible_bits(text), *unseen.find_braille(text)] == []


def test_what_an_override_shows_is_read() -> None:
    """From right to left, up to its end; names in scripts that are written so are left alone."""
    [found] = unseen.find_overridden("a \u202etalbroz\u202c b")
    assert (found.text, found.begin, found.end) == ("zorblat", 2, 10)
    assert [*unseen.find_overridden("\u202e\u05e9\u05dc\u05d5\u05dd\u202c")] == []


@each_case(
    ("text", "open_from"),
    [
        ("ab", 2),
        ("", 0),
        ("a\u200b\u200c", 1),
        ("a\U000e0061", 1),
        ("\u200b\ufe0f", 1),
        ("a \u2801\u2803 \u2801 ", 2),
        ("\u2801  \u2803", 3),
        ("\u2801 " * 4_000 + "  x", 8_003),
        ("\u2801" * 100_000 + "x", 100_001),
    ],
    ids=str,
)
def test_what_may_go_on_is_found_in_one_pass(text: str, open_from: int) -> None:
    """From the end of a text, however much of it looks alike; one blank parts two letters of Braille."""
    assert unseen.find_open_run(text) == open_from
