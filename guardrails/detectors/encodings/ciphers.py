"""Ciphers that people read without a key: letters shifted, mirrored or written backwards.

A text is in cipher where words are that nearly every English text has, in cipher (`COMMON`), two of them near each other, or one
that attacks have (`TELLING`). No cipher is looked for in what another was undone in: twice is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import re2

from guardrails.detectors.encodings.contexts import ContextDecoder
from guardrails.detectors.encodings.payloads import Payload

COMMON: Final = [
    "the",
    "and",
    "that",
    "this",
    "with",
    "you",
    "your",
    "for",
    "all",
    "not",
    "have",
    "from",
    "what",
    "are",
    "will",
    "can",
    "about",
    "how",
    "when",
    "make",
    "into",
    "give",
    "write",
    "would",
    "which",
    "there",
    "please",
    "tell",
    "build",
    "use",
]
"""Words that nearly every English text has."""
SHORT: Final = ("my", "is", "of", "to")
"""Likewise; in ROT13 they are no words of their own."""
TELLING: Final = [
    "ignore",
    "previous",
    "instruction",
    "instructions",
    "system",
    "prompt",
    "password",
    "activate",
    "pretend",
    "restrictions",
    "weapon",
    "poison",
    "steal",
    "secret",
    "reveal",
    "disregard",
    "forget",
    "assistant",
    "without",
    "favorite",
    "create",
    "explain",
    "explosive",
    "hidden",
]
"""Words that attacks have."""
WORDS: Final = frozenset(
    [
        "alex",
        "bmm",
        "bpm",
        "brx",
        "cnn",
        "dna",
        "doha",
        "dqg",
        "duh",
        "era",
        "esp",
        "eua",
        "fdq",
        "ger",
        "gps",
        "hush",
        "jan",
        "jung",
        "lzw",
        "max",
        "ner",
        "pcs",
        "rof",
        "sbe",
        "sgd",
        "sio",
        "sjw",
        "ton",
        "tre",
        "xii",
        "zil",
        "zoo",
        "reward",
        "drawer",
        "emit",
        "time",
        "live",
        "evil",
    ]
)
"""Words and names that are other words in cipher."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def _substitute(alphabet: str) -> dict[int, int]:
    """Return the table that turns the letters of a cipher, in order, into the alphabet."""
    return str.maketrans(_LETTERS + _LETTERS.upper(), alphabet + alphabet.upper())


def _read_substituted(table: dict[int, int]) -> Callable[[str, int, int], Iterator[Payload]]:
    def read(text: str, begin: int, end: int) -> Iterator[Payload]:
        yield Payload(text[begin:end].translate(table), begin, end, range(begin, end + 1))

    return read


def _read_backwards(text: str, begin: int, end: int) -> Iterator[Payload]:
    """Read a stretch from its end, and each of its words from its end."""
    part = text[begin:end]
    words = re2.sub(r"[A-Za-z]+", lambda word: word[0][::-1], part)
    yield Payload(f"{part[::-1]}\n{words}", begin, end)


def _cipher(
    name: str, write: Callable[[str], str], read: Callable[[str, int, int], Iterator[Payload]], *more: str
) -> ContextDecoder:
    common = [
        word for word in map(write, (*COMMON, *(SHORT if name == "rot13" else ()))) if word not in WORDS
    ]
    telling = "|".join((*(rf"\b{word}\b" for word in map(write, TELLING)), *more))
    either = "|".join(rf"\b{word}\b" for word in common)
    return ContextDecoder(
        name,
        f"(?i:{either}|{telling})",
        re2.compile(f"(?i:{telling}|{either})"),
        read,
        re2.compile(f"(?i:{telling})"),
    )


def _shift(count: int) -> ContextDecoder:
    """Return the decoder of letters that were shifted by a number of places."""
    back = _substitute(_LETTERS[26 - count :] + _LETTERS[: 26 - count])
    forth = _substitute(_LETTERS[count:] + _LETTERS[:count])
    more = (r"@[a-z0-9.\-]{2,}\.(?:pbz|bet|arg|rqh|tbi)\b", r"\buggcf?:") if count == 13 else ()
    name = "rot13" if count == 13 else "caesar"
    return _cipher(name, lambda word: word.translate(forth), _read_substituted(back), *more)


_MIRRORED: Final = _substitute(_LETTERS[::-1])

CIPHERS: Final = (
    _shift(13),
    *(_shift(count) for count in range(1, 26) if count != 13),
    _cipher("atbash", lambda word: word.translate(_MIRRORED), _read_substituted(_MIRRORED)),
    _cipher("reversed", lambda word: word[::-1], _read_backwards),
)
