"""Tells whether a text is in a language that is none of those that a model was validated on.

There are three answers. A text is **foreign** where that is certain: most of it is in a script that no validated language is
written in, or its words are of another language. It is **own** where its words are of a validated one. The rest is **unclear**:
names, a word or two, commands, programs, and near languages in a few words. What is unclear is judged like what is own.

Words say it (`common_words.py`), and what the model of languages makes of them: how much likelier the nearest other language is
than the nearest validated one, in nats. The figures below were chosen on texts in 130 languages, on programs, logs, commands,
names and addresses; `benchmarks/language.py` prints what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from guardrails.detectors.language.common_words import NO_LANGUAGE, languages_of_words
from guardrails.detectors.language.identification import RARE_NATS, WORD_NATS
from guardrails.detectors.language.prose_words import count_letters, prose_words
from guardrails.detectors.language.scripts import RARE, SCRIPTS, script_of, umbrella_language, with_varieties

Fit = Literal["own", "foreign", "unclear"]

REMEMBERED: Final = 2_048
"""Texts of which it is kept what language they are in."""

GLANCE: Final = 7
"""Where one of so many words is common in validated languages alone, and none in others alone, a text is in one of them."""

FOREIGN_WITH_WORDS: Final = 6.0
"""The least sum by which a text is foreign in which a word is common in other languages alone."""

FOREIGN_WITHOUT_WORDS: Final = 10.0
"""The same where there is no such word."""

SHORT: Final = 20
"""Letters below which a text without such a word must say more, by half a nat for each: it may be a product, slang or a name."""

FEWEST_WORDS: Final = 3
FOREIGN_FEW_WORDS: Final = 20.0
"""What is needed of fewer words, unless they are `LONG`: most are names."""

FEWEST_LETTERS: Final = 8
"""Letters below which a text is unclear of whose words no more than half are common in other languages alone."""

LONG: Final = 40
"""Letters from which a text counts of which more than half of the words are capitalised, or of few words: names are shorter."""

MIN_SCRIPT_LETTERS: Final = 40
"""Letters of foreign scripts (a Chinese one counts as two) that are many, whatever else a text says."""


class WordSigns(NamedTuple):
    """The words that are common in validated languages alone, and those that are in others alone."""

    own: frozenset[str]
    foreign: frozenset[str]


def is_foreign(text: str, languages: frozenset[str]) -> bool:
    """Tell whether a text is for certain in a language that is not among these (none: all are)."""
    return weigh_language(text, languages) == "foreign"


@lru_cache(REMEMBERED)
def weigh_language(text: str, languages: frozenset[str]) -> Fit:
    """Tell whether a text is in one of these languages, for certain in another, or neither (none given: it is in one of them)."""
    if not languages or _reads_as_own(text, languages):
        return "own"
    if not text.isascii():
        if has_foreign_script(text, languages):
            return "foreign"
        if _has_own_script(text, languages):
            return "own"
    words, names = prose_words(text)
    signs = word_signs(languages)
    own, foreign = len(signs.own.intersection(words)), len(signs.foreign.intersection(words))
    if own and not foreign and GLANCE * own >= len(words):
        return "own"
    letters = sum(map(count_letters, words))
    if (letters < FEWEST_LETTERS and 2 * foreign <= len(words)) or (names > 0.5 and letters < LONG):
        return "unclear"
    nats = _compare_languages(words, languages) + WORD_NATS * (foreign - own)
    needed = FOREIGN_WITH_WORDS if foreign else _needed_without_words(len(words), letters)
    return "foreign" if nats > needed else "own" if nats < -needed else "unclear"


def _needed_without_words(words: int, letters: int) -> float:
    """Return by how much a text in which no common word of another language stands must be likelier in another."""
    if words < FEWEST_WORDS and letters < LONG:
        return FOREIGN_FEW_WORDS
    return FOREIGN_WITHOUT_WORDS + max(0, SHORT - letters) / 2


def _has_own_script(text: str, languages: frozenset[str]) -> bool:
    """Tell whether most letters of a text are of scripts in which these languages alone are written."""
    letters = script_of(with_varieties(languages))
    return letters is not None and 2 * count_letters("".join(letters.findall(text))) > count_letters(text)


def has_foreign_script(text: str, languages: frozenset[str], fewest: int = 2) -> bool:
    """Tell whether many letters of a text, or most and as many as `fewest`, are of scripts in which none of these languages is
    written (none: all). Single letters between others, as in formulas and faces, are in no language.
    """
    if text.isascii() or not languages:
        return False
    letters, words = _foreign_letters(languages)
    found = count_letters("".join(letters.findall(text)))
    return found >= MIN_SCRIPT_LETTERS or (
        found >= fewest and 2 * found > count_letters(text) and words.search(text) is not None
    )


@cache
def word_signs(languages: frozenset[str]) -> WordSigns:
    """Return the words that are common in these languages alone, and those that are in none of them."""
    wanted = with_varieties(languages)
    known = [(word, users) for word, users in languages_of_words().items() if NO_LANGUAGE not in users]
    return WordSigns(
        frozenset(word for word, users in known if users <= wanted),
        frozenset(word for word, users in known if users.isdisjoint(wanted)),
    )


def _reads_as_own(text: str, languages: frozenset[str]) -> bool:
    """Tell at a glance what is in a validated language for certain, as most is: no model of languages is needed to see it."""
    words = text.lower().split()
    own, foreign = word_signs(languages)
    hits = sum(map(own.__contains__, words))
    return GLANCE * hits >= len(words) > 1 and foreign.isdisjoint(words)


def _compare_languages(words: Sequence[str], languages: frozenset[str]) -> float:
    """Return by how much the nearest other language is more likely than the nearest of these, in nats."""
    from guardrails.detectors.language.language_model import load_language_model

    model = load_language_model()
    is_own, lowered = _columns(model.languages, languages)
    scores = model.scores(" ".join(words))
    return float((scores - lowered)[~is_own].max() - scores[is_own].max())


@cache
def _columns(
    codes: tuple[str, ...], languages: frozenset[str]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which columns of the model are of these languages, or of none (`zxx`), and what counts less of the others."""
    wanted = with_varieties(languages) | {"zxx"}
    return (
        np.array([code in wanted or umbrella_language(code) in wanted for code in codes]),
        np.array([RARE_NATS if code in RARE else 0.0 for code in codes]),
    )


@cache
def _foreign_letters(languages: frozenset[str]) -> tuple[regex.Pattern[str], regex.Pattern[str]]:
    """Return the pattern of one letter of a script in which none of these languages is written, and that of letters that follow
    each other as in a word: of Greek ones, with which formulas are written, there are three.
    """
    wanted = with_varieties(languages)
    own = "".join(body for body, users in SCRIPTS.values() if not wanted.isdisjoint(users.split()))
    also = r"--\p{Bopomofo}" if "zh" in wanted else ""
    one = rf"\p{{L}}--\p{{Latin}}--\p{{Common}}--\p{{Inherited}}{also}" + (f"--[{own}]" if own else "")
    word = rf"[{one}--\p{{Greek}}]\p{{M}}*[{one}--\p{{Greek}}]|(?:[{one}&&\p{{Greek}}]\p{{M}}*){{3}}"
    return regex.compile(f"(?V1)[{one}]"), regex.compile(f"(?V1){word}")
