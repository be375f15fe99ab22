r"""Reads HTML entities and escapes in a text as the characters that they stand for.

As browsers and JavaScript read them: `&#105;`, `&#x69;`, `&lt;`, `&lt` (those that need no semicolon), `\u0069`,
`\u{69}`, `\x69`, `\U00000069`. Control characters, which show nothing, are left out, and so are those of terminals with what
belongs to them, also where they are written as programs do: `\033[31m`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5
from typing import Final

from guardrails.text.views import TextView, replace_stretches

_LONGEST: Final = max(map(len, html5))
_AMPERSAND: Final = r"&(?:(?:amp|AMP|#0{0,6}38|#[xX]0{0,6}26);)*"
"""An ampersand, however often it was written as an entity itself: `&amp;amp;#105;` is read at once."""
TERMINAL: Final = r"(?:\x1b|\\(?:x1[bB]|u001[bB]|033|e))\[[0-9;]{0,16}[A-Za-z]"
"""Colours and movements of a terminal."""
_CODES: Final = re.compile(
    rf"({TERMINAL})|"
    rf"{_AMPERSAND}(?:(#(?:[xX][0-9a-fA-F]{{1,8}}|[0-9]{{1,9}});?)|([a-zA-Z][a-zA-Z0-9]{{1,{_LONGEST}}};?))"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8}))"
    r"|[\x00-\x08\x0e-\x1f\x7f]+"
)


def decode_escapes(text: str) -> TextView | None:
    """Return the view of `text` with codes as the characters that they stand for; None where there is none."""
    changes = list(_changes(text))
    return replace_stretches(text, changes) if changes else None


def _changes(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _CODES.finditer(text):
        start, end = match.span()
        if match[1]:
            yield start, end, ""
        elif name := match[3]:
            length = _entity(name)
            if length:
                yield start, match.start(3) + length, html5[name[:length]]
        elif number := match[2]:
            yield start, end, unescape(f"&{number}")
        elif match[0][0] == "\\":
            if char := _escape(match[0], next(filter(None, match.groups()), None)):
                yield start, end, char
        else:
            yield start, end, ""


def _entity(name: str) -> int:
    """Return how many characters of `name` are an entity's: all, or the longest start that needs no semicolon."""
    lengths = range(len(name), 1, -1)
    return next((length for length in lengths if name[:length] in html5), 0)


def _escape(escape: str, digits: str | None) -> str:
    """Return the character of an escape; empty where there is none. Without `digits` it is a surrogate pair."""
    if digits is None:
        return bytes.fromhex(escape[2:6] + escape[8:12]).decode("utf-16-be")
    code = int(digits, 16)
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else ""
