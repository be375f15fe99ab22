"""Disguises: a text in, the same as somebody writes it who does not want it to be found; people still read it, or decode it.

Each is deterministic, so that a test that passes once passes again. Offsets are those of no other text: what is found in a
disguised text stands elsewhere.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from guardrails.policy.testing.test_fields import DisguiseName

LOOKS: Final[Mapping[str, str]] = MappingProxyType(
    dict(
        zip(
            "aceiopsxyABEHKMOPTX",
            "\u0430\u0441\u0435\u0456\u043e\u0440\u0455\u0445\u0443\u0410"
            "\u0412\u0415\u041d\u041a\u041c\u041e\u0420\u0422\u0425",
            strict=True,
        )
    )
)
"""A Latin letter → the Cyrillic one that looks like it."""

LEET: Final[Mapping[str, str]] = MappingProxyType(
    {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1"}
)
"""A letter → the signs that stand for it."""

WIDE: Final = 0xFEE0
"""From a character of ASCII to its full-width form."""

TAGS: Final = 0xE0000
"""From a character of ASCII to the invisible tag of it."""


def _leetspeak(text: str) -> str:
    return "".join(LEET[char.lower()][0] if char.lower() in LEET else char for char in text)


def _join_letters(sign: str) -> Callable[[str], str]:
    """Return what puts a sign between the letters of each word, and three blanks between words."""
    return lambda text: "   ".join(sign.join(word) for word in text.split())


def _append_to_letters(sign: str) -> Callable[[str], str]:
    """Return what puts a sign after each letter and digit."""
    return lambda text: "".join(char + sign if char.isalnum() else char for char in text)


def to_full_width(text: str) -> str:
    """Return the text in full-width forms."""
    return "".join(chr(ord(char) + WIDE) if "!" <= char <= "~" else char for char in text)


def to_homoglyphs(text: str) -> str:
    """Return the text with Cyrillic letters in the place of those that look like them."""
    return "".join(LOOKS.get(char, char) for char in text)


def to_json_escapes(text: str) -> str:
    """Return the text as JSON escapes."""
    return "".join(rf"\u{ord(char):04x}" if ord(char) <= 0xFFFF else rf"\U{ord(char):08x}" for char in text)


def to_percent_encoding(text: str) -> str:
    """Return the text as percent-encoded UTF-8."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def to_base64(text: str) -> str:
    """Return the text in Base64."""
    return base64.b64encode(text.encode()).decode()


def to_unicode_tags(text: str) -> str:
    """Return the text in tags, which nobody sees; what is not ASCII stays."""
    return "".join(chr(TAGS + ord(char)) if " " <= char <= "~" else char for char in text)


DISGUISES: Final[Mapping[DisguiseName, Callable[[str], str]]] = MappingProxyType(
    {
        "leetspeak": _leetspeak,
        "spaced": _join_letters(" "),
        "dotted": _join_letters("."),
        "homoglyphs": to_homoglyphs,
        "zero_width": _append_to_letters("\u200b"),
        "full_width": to_full_width,
        "accents": _append_to_letters("\u0301"),
        "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
        "escapes": to_json_escapes,
        "percent": to_percent_encoding,
        "base64": to_base64,
        "hex": lambda text: text.encode().hex(),
        "rot13": lambda text: codecs.encode(text, "rot13"),
        "tags": to_unicode_tags,
    }
)
"""The name of each disguise, as tests have it → what puts it on."""
