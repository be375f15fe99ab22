"""Finds terms in marked texts, whatever was made of their letters.

A skeleton keeps what every disguise of a word has in common: no spaces and marks, one letter for all that share a
sign, no repeats. An automaton of skeletons proposes; `spelling_pattern`, a pattern over the marked text, decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from guardrails.text.marks import CODES, JOINT, MARKS, REPEAT, REST, SIGNS
from guardrails.text.matching import linear_patterns as re2

_ROOTS: Final = {"l": "i", "g": "b"}
"""Letters that share a sign with others, and the letter that stands for them."""


def _root(letter: str) -> str:
    return _ROOTS.get(letter, letter)


_SKELETON: Final = str.maketrans(
    {
        **dict.fromkeys((" ", JOINT, REPEAT, REST)),
        **_ROOTS,
        **{each: _root(letters[0]) for sign, letters in SIGNS.items() for each in (sign, CODES[sign])},
    }
)
_REPEATS: Final = re.compile(r"(.)\1+", re.DOTALL)
_MARKS: Final = re.compile(f"[{MARKS}]+")


def term_skeleton(text: str) -> str:
    """Return what a folded term or marked text is found by; two that do not share it cannot be the same word."""
    return _REPEATS.sub(r"\1", text.translate(_SKELETON))


def skeleton_places(text: str) -> tuple[list[int], list[int]]:
    """Return where each character of `term_skeleton(text)` starts and ends in `text`, its repeats and rests included."""
    starts: list[int] = []
    ends: list[int] = []
    last = None
    for at, char in enumerate(text):
        root = _SKELETON.get(ord(char), char)
        if root is not None and root != last:
            starts.append(at)
            ends.append(at + 1)
            last = root
        elif ends and char != " " and char != JOINT:
            ends[-1] = at + 1
    return starts, ends


def is_marked(text: str) -> bool:
    """Say whether anything in a marked text is a disguise."""
    return _MARKS.search(text) is not None


def last_mark(text: str) -> int:
    """Return where the last disguise in a marked text ends, 0 if there is none."""
    return max((match.end() for match in _MARKS.finditer(text)), default=0)


def marked_windows(text: str, reach: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a marked text within `reach` characters of a mark: all in which a disguised term of at most
    that many characters can stand.
    """
    low, high = 0, -1
    for match in _MARKS.finditer(text):
        start, end = match.span()
        if high < 0 or start - reach > high:
            if high >= 0:
                yield low, high
            low = max(0, start - reach)
        high = end + reach
    if high >= 0:
        yield low, high


@lru_cache(maxsize=1024)
def spelling_pattern(term: str) -> Any:
    """Return the RE2 pattern of a folded term in marked and folded text: each letter as it is or as a sign for it, repeated or
    not, joined or not; a space as one, or lost between single letters.
    """
    parts: list[str] = []
    before = ""
    for char in term:
        if char == " ":
            parts.append(f"(?: {REST}*|{JOINT}+)")
        else:
            codes = "".join(CODES[sign] for sign, letters in SIGNS.items() if char == sign or char in letters)
            # The second of two same letters may have been marked as a repeat of the first.
            first = re2.escape(char) + codes + (REPEAT if char == before else "")
            parts.append(f"[{first}](?:{JOINT}*[{REPEAT}{REST}{codes}])*")
        before = char
    options = re2.Options()
    options.log_errors = False
    return re2.compile(f"{JOINT}*".join(parts), options)
