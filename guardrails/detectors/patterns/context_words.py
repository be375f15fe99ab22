"""The words of context of a row as one pattern: in front of what is found one of them must stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.text.matching import linear_patterns as re2

ACRONYM = 5
"""Letters of a word up to which names in camel case write it in capitals."""

_EDGE = r"(?:\b|_)"
_SPACED = re.compile(r"[ -]")


def context_pattern(words: tuple[str, ...]) -> str:
    """Return the RE2 form of any of the words, whole, in prose and as part of a name that programs spell: `user_ssn`,
    `passport-number`, `user.passportNumber`, `customerSSN`; scripts without spaces may touch their neighbours.
    """
    spelt = "|".join(map(_spell_word, words))
    humps = "|".join(hump for word in words for hump in _spell_humps(word))
    return f"(?:(?i:{spelt})|{humps})" if humps else f"(?i:{spelt})"


def _spell_word(word: str) -> str:
    """Return the form of a word with edges around it, its parts separated by any one sign that separates words."""
    left, right = (_EDGE if char.isascii() and char.isalnum() else "" for char in (word[0], word[-1]))
    return left + "[ _.-]".join(map(re2.escape, _SPACED.split(word))) + right


def _spell_humps(word: str) -> Iterator[str]:
    """Yield the forms of a word within a name in camel case, where no edge stands before or behind it."""
    parts = _SPACED.split(word)
    if not all(map(str.isalpha, parts)) or not (word[0] + word[-1]).isascii():
        return
    titled = "".join(part.capitalize() for part in parts)
    first = f"[{titled[0].lower()}{titled[0]}]{titled[1:]}"
    yield rf"{_EDGE}{first}[A-Z]"
    yield rf"[a-z]{titled}(?:{_EDGE}|[A-Z])"
    if len(parts) > 1:
        yield rf"{_EDGE}{first}{_EDGE}"
    elif len(word) <= ACRONYM:
        yield rf"{_EDGE}{word.upper()}[A-Z][a-z]"
        yield rf"[a-z]{word.upper()}(?:{_EDGE}|[A-Z][a-z])"
