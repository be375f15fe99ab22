"""A call that waits for a person: encrypted as it is kept, and with nothing in it hidden as it is shown."""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from guardrails.errors import MissingExtra
from guardrails.records.kept_content.content_keys import ContentKeys

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that show nothing, or change the order in which others are shown (UAX 44)."""

BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing: the joiner of graphemes, fillers of Hangul, inherent vowels of Khmer, blank Braille."""

SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x180B, 0x1810))
"""Selectors of variations, which show nothing and can carry a text."""


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call: of a tool of a server, with its arguments in canonical JSON."""

    tool: str
    server: str
    arguments: str

    def to_bytes(self) -> bytes:
        """Return the call as it is encrypted."""
        return json.dumps([self.tool, self.server, self.arguments]).encode()

    @classmethod
    def from_bytes(cls, written: bytes) -> PendingCall:
        """Return what `to_bytes` returned."""
        tool, server, arguments = json.loads(written)
        return cls(tool, server, arguments)

    def show(self) -> str:
        """Return the arguments as a person is to see them: indented JSON in which each character that cannot be seen, or that
        turns the order of others, stands as its escape.
        """
        return show_value(json.loads(self.arguments))


def show_value(value: Any) -> str:
    """Return a JSON value for people, as `PendingCall.show` says."""
    return escape_hidden(json.dumps(value, indent=2, ensure_ascii=False))


def escape_hidden(text: str) -> str:
    """Return a text with an escape of JSON for each character that cannot be seen; line breaks stay."""
    return "".join(_escape(each) if each != "\n" and _is_hidden(each) else each for each in text)


def _is_hidden(character: str) -> bool:
    category, code = unicodedata.category(character), ord(character)
    if category in HIDDEN or character in BLANK:
        return True
    return (category == "Zs" and character != " ") or any(code in some for some in SELECTORS)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def derive_keys(key: bytes) -> ContentKeys:
    """Return what encrypts calls under the key of the records.

    Raises:
        MissingExtra: cryptography is not installed.
    """
    try:
        return ContentKeys([hmac.digest(key, b"guardrails approvals 1\0", hashlib.sha256)])
    except MissingExtra:
        raise MissingExtra("asking people for approvals", "encryption") from None
