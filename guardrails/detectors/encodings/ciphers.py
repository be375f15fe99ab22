"""Ciphers that people read without a key: letters shifted, mirrored or written backwards.

A text is in cipher where words are that nearly every English text has, in cipher (`COMMON`), two of them near each other, or one
that attacks have (`TELLING`). No cipher is looked for in what another was undone in: twice is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from guardrails.detectors.encodings.contexts import ContextDecoder
from guardrails.detectors.encodings.payloads import Payload
from guardrails.detectors.encodings.readers import is_worded

COMMON: Final = (
    "the and that this with you your for all not have from what are will can about how when make into give write would "
    "which there please tell build use want need find show other people someone get one way ways best should could they "
    "their them who where why more some been has his her our out like just using being made know say does did after "
    "before most because over any man men woman women girl child children money police attack gun account fraud credit "
    "secretly person product company country school home place good bad work life day year ideas list step steps guide "
    "article hide cheat damage fake threat drug sell buy car house"
)
"""Words that nearly every English text has."""
SHORT: Final = "my is of to"
"""Likewise; in ROT13 they are no words of their own."""
TELLING: Final = (
    "ignore previous instruction instructions system prompt password activate pretend restrictions weapon poison steal "
    "secret reveal disregard forget assistant without favorite create explain explosive hidden bomb kill murder illegal "
    "hack malware explosives drugs suicide launder"
)
"""Words that attacks have."""
WORDS: Final = (
    "abl alex als atl bar bpm bum cam cap cdn cif cnn cpf dab dan did dna doha duh edu era esl esp exp ger gps hin hush "
    "ini ion ita jan jul jung lego levi lzw mat max ner nsn nvm par pcs pdq pets por ptr pup rad rep rfc rof rom rpc rpg "
    "sbe sdk sio std stop tee tel tha thu ton toys tri tue vba xii xvi zoo"
)
"""Words, names and signs of code that are other words in cipher."""

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
    words = re.sub(r"[A-Za-z]+", lambda word: word[0][::-1], part)
    yield Payload(f"{part[::-1]}\n{words}", begin, end)


def _cipher(
    name: str, write: Callable[[str], str], read: Callable[[str, int, int], Iterator[Payload]], *more: str
) -> ContextDecoder:
    known = frozenset(WORDS.split())
    common = f"{COMMON} {SHORT}" if name == "rot13" else COMMON
    either = "|".join(rf"\b{word}\b" for word in map(write, common.split()) if word not in known)
    telling = "|".join(
        (*(rf"\b{word}\b" for word in map(write, TELLING.split()) if word not in known), *more)
    )
    return ContextDecoder(
        name,
        f"(?i:{either}|{telling})",
        f"(?i:{telling}|{either})",
        read,
        f"(?i:{telling})",
    )


def _shift(count: int) -> ContextDecoder:
    """Return the decoder of letters that were shifted by a number of places."""
    back = _substitute(_LETTERS[26 - count :] + _LETTERS[: 26 - count])
    forth = _substitute(_LETTERS[count:] + _LETTERS[:count])
    more = (r"@[a-z0-9.\-]{2,}\.(?:pbz|bet|arg|rqh|tbi)\b", r"\buggcf?:") if count == 13 else ()
    name = "rot13" if count == 13 else "caesar"
    return _cipher(name, lambda word: word.translate(forth), _read_substituted(back), *more)


_LEET: Final = str.maketrans("0134578929@$!|(+\u20ac", "oieastbgzgasilcte")
_LEET_I: Final = re.compile(r"(?<=[aeou])1(?![aeou])|1(?=[aeou1])|(?<=1)1", re.I)
LONGEST: Final = 20
"""Characters of a word; texts of longer ones are keys and digests."""


def _read_leetspeak(text: str, begin: int, end: int) -> Iterator[Payload]:
    """Read a stretch whose words have digits and signs for letters, those without letters among them, if it is words then."""
    part = text[begin:end]
    said = _LEET_I.sub("l", part).translate(_LEET)
    words = part.split()
    disguised = sum(any(map(str.isdigit, word)) for word in words)
    if disguised >= max(3, 0.15 * len(words)) and max(map(len, words)) <= LONGEST and is_worded(said):
        yield Payload(said, begin, end, range(begin, end + 1))


_LEET_MARK: Final = (
    r"(?i:\b[a-z0134578]{0,6}(?:[g-z][0134578]{1,3}[a-z]|[a-z][0134578]{1,3}[g-z])[a-z0134578]{0,8}\b"
    r"|\b[0134578]{1,3}[g-wyz][a-z]{0,8}[0134578]\b)"
)
LEETSPEAK: Final = ContextDecoder(
    "leetspeak",
    _LEET_MARK,
    _LEET_MARK,
    _read_leetspeak,
    r"(?i:[a-z]*(?:[0134578]+[a-z]+){3,})",
)
"""Texts in which most words are in leetspeak; single words of it are undone in the views of a text."""

_MIRRORED: Final = _substitute(_LETTERS[::-1])

CIPHERS: Final = (
    _shift(13),
    *(_shift(count) for count in range(1, 26) if count != 13),
    _cipher("atbash", lambda word: word.translate(_MIRRORED), _read_substituted(_MIRRORED)),
    _cipher("reversed", lambda word: word[::-1], _read_backwards),
)
