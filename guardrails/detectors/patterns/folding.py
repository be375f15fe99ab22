"""Folds texts into simpler bytes, letter by letter, in which there are few literals to look for.

What a pattern matches in a text is thus found, folded, in the folded text. `literals.py` folds patterns, `prefilter.py` texts.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

Literals = frozenset[bytes]
"""Folded literals of which one must occur."""

EDGE, LETTER, DIGIT, LONG, BREAK, BOUNDARY = (bytes([code]) for code in range(1, 7))
r"""What shapes and runs are made of: bytes that no folded text holds. `BOUNDARY`, the `\b` of a pattern, is zero wide."""

ALIKE = (("\u212a", "k"), ("\u017f", "s"), ("\u0130", "i"), ("\u0131", "i"))
"""Letters beyond ASCII that without case match one of ASCII."""

LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = b"0123456789"


def _table(other: bytes | None, *groups: tuple[bytes, bytes]) -> bytes:
    """Return a table for `bytes.translate`: the members of each group become one byte, the rest another or itself."""
    made = bytearray(range(256) if other is None else other * 256)
    for members, becomes in groups:
        for code in members:
            made[code] = becomes[0]
    return bytes(made)


@dataclass(frozen=True, slots=True)
class Fold:
    r"""Arguments of `bytes.translate` over UTF-8, how many literals at `most` a piece of a pattern may have and how many
    bytes the `longest` of them, whether the edges of words show, for a `\b` to ask for, and whether letters lose their
    case, those that are `ALIKE` too.
    """

    table: bytes
    delete: bytes = b""
    most: int = 128
    longest: int = 24
    edges: bool = False
    cases: bool = False

    def fold(self, text: str) -> bytes:
        """Return what becomes of a pattern's characters or a text's."""
        if self.cases and not text.isascii():
            for letter, plain in ALIKE:
                text = text.replace(letter, plain)
        return text.encode().translate(self.table, self.delete)

    @functools.lru_cache(maxsize=10_000)  # noqa: B019 -- of folds there are few
    def all(self, codes: frozenset[int]) -> Literals:
        """Return what becomes of the characters of a class."""
        return frozenset(self.fold(chr(code)) for code in codes)


_CONTROLS = bytes(code for code in range(0x20) if chr(code) not in "\t\n\v\f\r")
_LOWER = tuple((bytes([code]), bytes([code]).lower()) for code in LETTERS)
PLAIN = Fold(_table(None, (_CONTROLS, b"\x7f"), (b"\t\n\v\f\r", b" "), *_LOWER), cases=True)
"""Letters without case, all white space one."""
SHAPE = Fold(_table(EDGE, (LETTERS + b"_", LETTER), (DIGITS, DIGIT)), edges=True)
"""Letters, digits, and edges."""
RUNS = (
    (Fold(_table(BREAK, (LETTERS + DIGITS + b"_-", LONG)), most=16, longest=64), 16),
    (Fold(_table(BREAK, (LETTERS + DIGITS, LONG)), most=16, longest=64), 16),
    (Fold(_table(BREAK, (b"0123456789abcdefABCDEF:-", LONG)), most=16, longest=64), 14),
    (Fold(_table(BREAK, (DIGITS, LONG)), delete=b" .-/()", most=16, longest=32), 6),
)
"""What must stand side by side without a break, and how many to be rare: characters of keys, letters and digits,
hexadecimal pairs, digits whatever separates them."""
CONTEXT = Fold(_table(EDGE, *((bytes([code]), bytes([code])) for code in LETTERS.lower() + DIGITS), *_LOWER))
"""Words without case and edges, for `context_form`."""
