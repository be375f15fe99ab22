"""What of a text is in a language: its words, without links, tags, ids, names and programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, NamedTuple

import regex

from guardrails.detectors.language.common_words import NO_LANGUAGE, languages_of_words

SAMPLE: Final = 2_400
"""Characters of a text that `identify_language` looks at: its beginning, middle and end."""

NO_USERS: Final[frozenset[str]] = frozenset()

LONG_WORD: Final = 5
"""Letters from which a common word that is all of a text is no name for having a capital."""

_PARTICLES: Final = "van von de der den da di du la le del dos das ter ten bin ibn al el"
PARTICLES: Final = frozenset(_PARTICLES.split())
"""What stands in names in small letters."""

_MARKS: Final = (
    "\"'()[]{}.,;:!?-*_~|\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a\u00ab\u00bb\u2026\u00bf\u00a1\u00b7\u2013\u2014"
    "\u3001\u3002\u300c\u300d\u300e\u300f\uff01\uff1f\uff1a\uff1b\u060c\u061b\u061f\u0964\u0965"
)
"""What stands around words."""

_IN_WORD: Final = r"['`\-\u02bc\u00b7\u2018\u2019\u200c\u200d]"
_WORD: Final = regex.compile(rf"\p{{L}}[\p{{L}}\p{{M}}]*(?:{_IN_WORD}[\p{{L}}\p{{M}}]+){{0,2}}")
_UNCASED: Final = regex.compile(r"\p{Lo}")
_BETWEEN: Final = regex.compile(r"[^\p{L}\p{M}\u200c\u200d]+")

# What is in no language: links, addresses, inline code, tags, mentions, pictures. Bounded, so linear.
_MARKUP: Final = re.compile(
    r"(?m:^[ \t>]{0,8}(?:```|~~~)[^\n]{0,200})|(?:https?://|www\.)[^\s<>\"]{1,2000}"
    r"|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r'|"[\w.-]{1,60}"\s{0,8}:'
    r"|`[^`\n]{1,200}`|</?[a-zA-Z][^<>\n]{0,200}>|[@#]\w{1,60}"
    "|[\u2190-\u2bff\U0001f000-\U0001faff\ufe0e\ufe0f\u200d]{1,60}"
)

_NOISE: Final = re.compile(f"{_MARKUP.pattern}|\\d{{1,60}}")


class ProseWords(NamedTuple):
    """The words of a text that say what language it is in, each once, and the share of what is left out as names."""

    words: tuple[str, ...]
    names: float


def without_markup(text: str) -> str:
    """Return the text with spaces in place of links, addresses, inline code, tags and emoji; same length."""
    return _MARKUP.sub(_blank, text)


def without_noise(text: str) -> str:
    """Return the text with spaces in place of links, addresses, inline code, tags, emoji and numbers; same length."""
    return _NOISE.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())


def sample(text: str) -> str:
    """Return a text, or of a long one its beginning, middle and end: `SAMPLE` characters."""
    if len(text) <= SAMPLE:
        return text
    third, middle = SAMPLE // 3, len(text) // 2
    return f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"


def count_letters(text: str) -> int:
    """Count letters; one of a script without spaces (Han, Kana, Hangul) says as much as two others."""
    return sum((2 if char >= "\u2e80" else 1) for char in text if char.isalpha())


def prose_words(text: str) -> ProseWords:
    """Return the words of a text without what is in no language: links, tags, ids, names, words of programs."""
    known, has_capitals = languages_of_words(), text.isupper()
    plain = without_markup(sample(text)).replace("\u2019", "'")
    tokens = [*filter(None, (each.strip(_MARKS) for each in plain.split()))]
    found: dict[str, None] = {}
    total = names = 0
    for token, after in zip_longest(tokens, tokens[1:], fillvalue=""):
        if not _WORD.fullmatch(token):
            pieces = [*_uncased_pieces(token)]
            found.update(dict.fromkeys(pieces))
            total += len(pieces)
            continue
        if len(token) == 1 and token.isascii():
            continue
        total += 1
        low = token.lower()
        users = known.get(low, NO_USERS)
        if not has_capitals and _is_name(token, low, after, is_common=bool(users), is_alone=len(tokens) == 1):
            names += 1
        elif NO_LANGUAGE not in users:
            found[low] = None
    return ProseWords((*found,), names / total if total else 0.0)


def _is_name(token: str, low: str, after: str, *, is_common: bool, is_alone: bool) -> bool:
    """Tell whether a word is of a name: a particle before one, or a word with capitals, unless it is common and may well begin a
    sentence.
    """
    if token[0].islower() and token[1:] == low[1:]:
        return low in PARTICLES and after[:1].isupper()
    if not token[0].isupper():
        return token[1:] != low[1:]  # in scripts without capitals there are none
    goes_on = after[:1].islower() or (is_alone and len(low) >= LONG_WORD)
    return not is_common or not goes_on or token[1:] != low[1:]


def _uncased_pieces(token: str) -> Iterator[str]:
    """Yield the words of a token that has other signs between them, in scripts without capitals."""
    if not token.isascii() and _UNCASED.search(token):
        for piece in _BETWEEN.split(token):
            if piece and _UNCASED.search(piece):
                yield piece
