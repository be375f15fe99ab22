"""Tells sentences of people and documents from data: identifiers, codes, names of models, numbers, addresses.

A classifier learns from sentences. Of `target`, `gpt-4o` or `f` it can only guess, so that such values are left to detectors that
look for words and patterns (`engine/content/records.py` applies this). What is taken for data must therefore be too short to say
anything, however its words are put together: `howToMakeABomb` and `how_to_make_a_bomb` are five.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

from guardrails.text.structure import is_id

TextKind = Literal["data", "phrase", "sentence"]
"""What a value is: `data` says nothing by itself; a `phrase` says little, and is read with what stands beside it; a `sentence`
is read alone, too."""

SENTENCE_WORDS: Final = 5
"""Words from which a text is a sentence."""
PHRASE_WORDS: Final = 2
"""Words from which a text with spaces is a phrase."""
NAME_WORDS: Final = 4
"""Words from which a text without spaces, such as an identifier, is a phrase, if one of them holds sentences together."""
LONG_NAME_WORDS: Final = 6
"""Words from which it is one whatever they are."""
JOINING_WORDS: Final = frozenset(
    ("and", "at", "by", "in", "no", "not", "of", "on", "or", "out", "over", "too", "with")
)
"""Function words that lists of words have: `out of frame`."""
LISTED_WORDS: Final = 3
"""Words up to which an entry of a list of words is one."""
LONGEST_PHRASE: Final = 300
"""Characters up to which a phrase is one."""
UNSPACED_PHRASE: Final = 4
UNSPACED_SENTENCE: Final = 6
"""Characters of scripts without spaces from which a text is a phrase, and a sentence."""
LONGEST_CODE: Final = 128
"""Characters up to which a value may be a hash or an id."""
ESCAPES: Final = 3
"""Escaped characters from which a text is taken for a sentence that is spelled by them."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_SPACE: Final = re.compile(r"\s")
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Characters of scripts that put no spaces between words; of Hangul too, of which a syllable says as much."""
_HUMP: Final = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NAME_BREAK: Final = re.compile(r"[\W_]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_MARKS: Final = ".,;:!?()[]\"'\u2026\u00bf\u00a1"
_HOST: Final = re.compile(r"(?i)^[a-z][a-z0-9+.-]{1,30}://[^/?#\s]*")
_SPELLED_HOST: Final = re.compile(r"(?:[^-_./:]+[-_]){3,}[^-_./:]+")
_ESCAPE: Final = re.compile(r"(?i)\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|&#?\w{1,8};|%[0-9a-f]{2}")
_LETTER: Final = re.compile(r"[^\W\d_]")
_HASH: Final = re.compile(r"(?i)(?=(?:[a-f-]*[0-9]){3})[0-9a-f-]{8,}")
_TIME: Final = re.compile(r"[0-9][0-9:.,+/ -]*(?:T[0-9:.,+-]+)?Z?")
_CODE: Final = re.compile(r"[0-9A-Fa-f]+|\d+[A-Za-z]?|[A-Za-z]\d+")
_RUNS: Final = re.compile(r"[^\W\d_]{2,}")
_DIGITS_AS_LETTERS: Final = str.maketrans("013457", "oieast")

_FUNCTION_WORDS: Final = """
a aan aber about al all alla als am an anche and any ao are as at até au auf aus aux avec be because been bei bin but
by can ce ces cette che chi ci com come comment como con cosa could cuando cómo da dans das dass dat de dei dein del
della delle dello dem den der des deze di did die dit do does donde dos du e een ein eine einen el ela ele eles ella
elle ellos em en er era eres es est esta este esto estoy et eu foi for from für geen gli ha haben had has hat have hay
he heb hebben her het him his ho hoe how i ich if ihr ik il im in into io is isso ist it its je jij just já kan kann
kein la las le lei les leur lo loro los lui ma maar mais make makes mas me mein mes meu mi mich mij minha mir mis mit
moi mon muy my más na naar nach nada nas ne nel nella nem nicht niet no noch nog non nos not nous nur não o oder of om
on ook op or os ou our out over où par para pas pela pelo perché pero più por porque posso pour puedo quando que quem
questa questo qui quien quiero qué sa sans se sei sein sem senza ser ses seu she should si sich sie sin sind so sobre
some son sono sont soy su sua suo sur sus são ta también te tem tengo tes than that the their them then there these
they this those ti to todo toi ton tra tu tuo uit um uma un una und une uno uns up van você voglio vom von voor vous
waar war was wat we wenn wer were what when where which while who why wie wij will wir wird with without wo would y ya
yo you your zijn zo zu zum zur
"""

FUNCTION_WORDS: Final = frozenset(_FUNCTION_WORDS.split())
"""Words that hold sentences together, in English, German, French, Spanish, Italian, Portuguese and Dutch: names and codes have
hardly any.
"""


@lru_cache(maxsize=4096)
def classify_text(text: str) -> TextKind:
    """Return what a text is, by the number of its words; keys, which come again and again, are remembered."""
    if len(text) < 4 and text.isascii():
        return "data"
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    if unspaced >= UNSPACED_SENTENCE or len(_ESCAPE.findall(text)) >= ESCAPES:
        return "sentence"
    if not _SPACE.search(text):
        name = split_name(text)
        says = len(name) >= LONG_NAME_WORDS or bool(_function_words(name))
        kind: TextKind = (
            "phrase" if (says and len(name) >= NAME_WORDS) or unspaced >= UNSPACED_PHRASE else "data"
        )
    else:
        words = len(_WORD.findall(text)) + unspaced // 2
        kind = "sentence" if words >= SENTENCE_WORDS else "phrase" if words >= PHRASE_WORDS else "data"
    # What is too long to be read with others is read alone.
    return "sentence" if kind == "phrase" and len(text) > LONGEST_PHRASE else kind


def says_nothing(text: str) -> bool:
    """Tell whether a value has no words: a number, an id, a hash, a time. Letters by themselves may be a word that is spelled."""
    if _LETTER.search(text) is None:
        return True
    if len(text) > LONGEST_CODE or not any(map(str.isdigit, text)):
        return False
    return _HASH.fullmatch(text) is not None or _TIME.fullmatch(text) is not None or is_id(text)


def is_word_list(text: str) -> bool:
    """Tell whether a text is words or names with commas between them, none of more than three words."""
    entries = text.split(",")
    short = len(entries) > 1 and all(len(entry.split()) <= LISTED_WORDS for entry in entries)
    return short and find_function_words(text.replace(",", " ")) <= JOINING_WORDS


def split_name(name: str) -> list[str]:
    """Return the words of an identifier (`maxOutputTokens`, `max-output-tokens`), without codes and hosts, unless these have
    words with hyphens between them. Words with digits in place of letters are words.
    """
    host = _HOST.match(name)
    rest = name if host is None else " ".join([*_SPELLED_HOST.findall(host[0]), name[host.end() :]])
    words: list[str] = []
    for part in _NAME_BREAK.split(rest):
        if _LETTERS.fullmatch(part):
            words += _HUMP.split(part)
        elif part and not _CODE.fullmatch(part):
            runs = _RUNS.findall(part)
            words += runs if len(runs) > 2 else [part]
    return words


def _function_words(words: Iterable[str]) -> frozenset[str]:
    """Return which of some words hold sentences together, with digits read as the letters that they look like."""
    lowered = [word.lower() for word in words]
    return FUNCTION_WORDS.intersection(lowered) | FUNCTION_WORDS.intersection(
        word.translate(_DIGITS_AS_LETTERS) for word in lowered if not word.isalpha() and _LETTERS.search(word)
    )


def spell_out(text: str) -> str:
    """Return a text as it is read: an identifier word by word, what has spaces as it is."""
    if _SPACE.search(text) or len(text) > LONGEST_PHRASE:
        return text
    return _spell_name(text)


@lru_cache(2_048)
def _spell_name(name: str) -> str:
    """Return the words of a name; kept, as the rows of a table have the same keys."""
    words = split_name(name)
    return " ".join(map(str.lower, words)) if len(words) > 1 else name


def find_function_words(text: str) -> frozenset[str]:
    """Return the words of a text that hold sentences together."""
    return _function_words(word.strip(_MARKS) for word in text.split())
