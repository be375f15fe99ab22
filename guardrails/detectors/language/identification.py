"""Identifies the language of a text, by the model of py3langid (140 languages, offline, no download).

It takes some 0.2 ms for 500 characters (`language_model.py`). The model is loaded when the first text is not told to be English
by its words or to be foreign by its script: most processes never load it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from math import inf
from typing import Final

from guardrails.detectors.language.common_words import languages_of_words
from guardrails.detectors.language.prose_words import count_letters, prose_words, sample, without_noise
from guardrails.detectors.language.scripts import NAMES, RARE, SCRIPTS, umbrella_language
from guardrails.text import replace_surrogates

FEWEST: Final = 12
"""Letters below which a text in Latin letters is `und`."""

SURE: Final = 0.5
"""The least probability for which `identify_language` names a language."""

WORD_NATS: Final = 3.0
"""What a word says for the languages in which it is common."""

RARE_NATS: Final = 8.0
"""What must speak in addition for a language of `RARE`."""

OFFERED_NATS: Final = 3.0
"""What speaks in advance for the languages that `choose_language` may name."""

CHOSEN_WITH_WORD: Final = 3.0
"""By how much such a language must be likelier than any other, where a word of the text is common in it."""

CHOSEN_WITHOUT_WORD: Final = 8.0
"""The same where none is."""


def language_probabilities(text: str) -> Mapping[str, float]:
    """Return language → probability; they sum to 1 with `zxx`, which is no language (code, noise)."""
    from guardrails.detectors.language.language_model import load_language_model

    return load_language_model().probabilities(replace_surrogates(text))


def identify_language(text: str) -> tuple[str, float]:
    """Return the code of the language that most of a text is in and its probability; `("und", p)` when unsure.

    Looks at no more than `SAMPLE` characters; varieties count as their language (`zh` for Cantonese).
    """
    return _language_of(sample(text))


@lru_cache(maxsize=512)
def _language_of(text: str) -> tuple[str, float]:
    text = without_noise(text)
    count = count_letters(text)
    own = script_language(text, count)
    if own is not None:
        return own, 1.0
    if count < FEWEST and (text.isascii() or not _other_script().search(text)):
        return "und", 0.0
    found: dict[str, float] = {}
    for code, probability in language_probabilities(text).items():
        language = umbrella_language(code)
        found[language] = found.get(language, 0.0) + probability
    code = max(found, key=found.__getitem__)
    return (code, found[code]) if found[code] >= SURE and code in NAMES else ("und", found[code])


def choose_language(text: str, offered: frozenset[str]) -> str | None:
    """Return which of some languages a text is in, None where it is in another or too short to tell; names and programs are in
    none.
    """
    words = prose_words(text).words
    code = identify_language(" ".join(words))[0]
    if code != "und" or not words:
        return code if code in offered else None
    return _choose_by_words(words, offered)


@lru_cache(maxsize=512)
def _choose_by_words(words: tuple[str, ...], offered: frozenset[str]) -> str | None:
    """Return in which of some languages a few words are, of all that there are, None where that is not certain."""
    from guardrails.detectors.language.language_model import load_language_model

    model, known = load_language_model(), languages_of_words()
    common = [code for word in words for code in known.get(word, ())]
    found: dict[str, float] = {}
    for code, nats in zip(model.languages, model.scores(" ".join(words)).tolist(), strict=True):
        language = umbrella_language(code)
        found[language] = max(found.get(language, -inf), nats - RARE_NATS * (code in RARE))
    for language in found:
        found[language] += OFFERED_NATS * (language in offered) + WORD_NATS * common.count(language)
    first, second = sorted(found, key=found.__getitem__, reverse=True)[:2]
    needed = CHOSEN_WITH_WORD if first in common else CHOSEN_WITHOUT_WORD
    return first if first in offered and found[first] - found[second] > needed else None


def script_language(text: str, count: int) -> str | None:
    """Return the one language in whose script most of the `count` letters are, None if several share it."""
    if text.isascii() or not count:
        return None
    for code, pattern in _sole_scripts():
        if 2 * count_letters("".join(pattern.findall(text))) > count:
            return code
    return None


@cache
def _sole_scripts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    sole = []
    for body, users in SCRIPTS.values():
        codes = {umbrella_language(code) for code in users.split()}
        if len(codes) == 1:
            sole.append((codes.pop(), re.compile(f"[{body}]")))
    return tuple(sole)


@cache
def _other_script() -> re.Pattern[str]:
    return re.compile(f"[{''.join(body for body, _ in SCRIPTS.values())}]")
