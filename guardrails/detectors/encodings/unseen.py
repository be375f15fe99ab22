"""Payloads in characters that no ASCII text holds: Unicode tags, variation selectors, invisible bits, Braille, overrides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guardrails.detectors.encodings.payloads import Payload
from guardrails.detectors.encodings.readers import decode_readable, is_worded

_ANY: Final = re.compile(
    "[\u200b-\u200d\u202e\u2062\u2064\u2800-\u28ff\ufe00-\ufe0f\U000e0020-\U000e007e\U000e0100-\U000e01ef]"
)
"""What each payload below begins with."""


def has_unseen(text: str) -> bool:
    """Tell whether a text has any of the characters that the payloads of this module are made of."""
    return _ANY.search(text) is not None


# Unicode tags spell ASCII that nobody sees; variation selectors carry bytes.
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")

_OPEN_BACKWARDS: Final = re.compile(
    "[\U000e0020-\U000e007e]+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]+|[\u2062\u2064]+|[\u200b-\u200d]+"
    "| ?[\u2800-\u28ff](?: ?[\u2800-\u28ff])*"
)
"""What may go on at the end of a text, read from that end: forwards each character would be a place to begin at."""


def find_open_run(text: str) -> int:
    """Return where what nobody sees, or Braille, begins that may go on behind the end of a text; its length if there is none."""
    found = _OPEN_BACKWARDS.match(text[::-1])
    return len(text) - (found.end() if found else 0)


def find_unicode_tags(text: str) -> Iterator[Payload]:
    """Yield what runs of Unicode tags spell."""
    for match in _TAGS.finditer(text):
        spelt = "".join(chr(ord(char) - 0xE0000) for char in match[0])
        yield Payload(spelt, *match.span(), range(match.start(), match.end() + 1))


def find_variation_selectors(text: str) -> Iterator[Payload]:
    """Yield what runs of variation selectors carry: 16 and 240 of them are the values of a byte."""
    for match in _VARIATION.finditer(text):
        data = bytes(ord(char) - 0xFE00 if char < "\uff00" else ord(char) - 0xE0100 + 16 for char in match[0])
        if found := decode_readable(data):
            yield Payload(found, *match.span())


# Two invisible characters are the bits of bytes: invisible times and plus ("sneaky bits"), or two of no width.
_BITS = re.compile("[\u2062\u2064]{32,}|[\u200b\u200c]{32,}|[\u200b\u200d]{32,}|[\u200c\u200d]{32,}")


def find_invisible_bits(text: str) -> Iterator[Payload]:
    """Yield what runs of two invisible characters say, as bits."""
    for match in _BITS.finditer(text):
        zero = min(match[0])
        for bits in ("01", "10"):
            digits = "".join(bits[char != zero] for char in match[0])
            values = bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits) - 7, 8))
            if found := decode_readable(values):
                yield Payload(found, *match.span())
                break


_BRAILLE_TEXT = re.compile("[\u2800-\u28ff]+(?: [\u2800-\u28ff]+)*")
_BRAILLE = dict(
    zip(
        "\u2801\u2803\u2809\u2819\u2811\u280b\u281b\u2813\u280a\u281a\u2805\u2807\u280d\u281d\u2815\u280f\u281f\u2817\u280e\u281e"
        "\u2825\u2827\u283a\u282d\u283d\u2835\u2832\u2802\u2816\u2826\u2804\u2824\u2812",
        "abcdefghijklmnopqrstuvwxyz.,!?'-:",
        strict=False,
    )
)
_BRAILLE[" "] = " "
_BRAILLE["\u2800"] = " "


def find_braille(text: str) -> Iterator[Payload]:
    """Yield what Braille says: letters, and blanks between words; the signs of capitals and of numbers say nothing."""
    for match in _BRAILLE_TEXT.finditer(text):
        said = "".join(_BRAILLE.get(char, "") for char in match[0])
        if is_worded(said):
            yield Payload(said, *match.span())


OPEN_OVERRIDE = re.compile("\u202e[^\u202c\u202e\n]{0,1000}\\Z")
"""A stretch that ends behind the end of a text."""
_OVERRIDDEN = re.compile("\u202e([^\u202c\u202e\n]{3,1000})")
_LATIN = re.compile("[A-Za-z0-9]{2}")


def find_overridden(text: str) -> Iterator[Payload]:
    """Yield what an override of the direction shows: Latin letters and digits behind it, from right to left."""
    for match in _OVERRIDDEN.finditer(text):
        if _LATIN.search(match[1]):
            yield Payload(match[1][::-1], *match.span())
