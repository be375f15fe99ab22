"""Identifies the language of a text, by the model of py3langid (140 languages, offline, no download).

It takes some 0.2 ms for 500 characters (`language_model.py`). The model is loaded when the first text is not told to be English
by its words or to be foreign by its script: most processes never load it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

from guardrails.detectors.language.scripts import NAMES, SCRIPTS, umbrella_language
from guardrails.text import replace_surrogates

SAMPLE: Final = 2_400
"""Characters of a text that `identify_language` looks at: its beginning, middle and end."""

FEWEST: Final = 12
"""Letters below which a text in Latin letters is `und`."""

SURE: Final = 0.5
"""The least probability for which `identify_language` names a language."""

# What is in no language: links, addresses, inline code, tags, mentions, pictures, numbers. Bounded, so linear.
_NOISE: Final = re.compile(
    r"(?m:^[ \t>]{0,8}(?:```|~~~)[^\n]{0,200})|(?:https?://|www\.)[^\s<>\"]{1,2000}"
    r"|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r'|"[\w.-]{1,60}"\s{0,8}:'
    r"|`[^`\n]{1,200}`|</?[a-zA-Z][^<>\n]{0,200}>|[@#]\w{1,60}|\d{1,60}"
    "|[\u2190-\u2bff\U0001f000-\U0001faff\ufe0e\ufe0f\u200d]{1,60}"
)


def without_noise(text: str) -> str:
    """Return the text with spaces in place of links, addresses, inline code, tags, emoji and numbers; same length."""
    return _NOISE.sub(lambda match: " " * (match.end() - match.start()), text)


def count_letters(text: str) -> int:
    """Count letters; one of a script without spaces (Han, Kana, Hangul) says as much as two others."""
    return sum((2 if char >= "\u2e80" else 1) for char in text if char.isalpha())


def language_probabilities(text: str) -> Mapping[str, float]:
    """Return language → probability; they sum to 1 with `zxx`, which is no language (code, noise)."""
    from guardrails.detectors.language.language_model import load_language_model

    return load_language_model().probabilities(replace_surrogates(text))


def identify_language(text: str) -> tuple[str, float]:
    """Return the code of the language that most of a text is in and its probability; `("und", p)` when unsure.

    Looks at no more than `SAMPLE` characters; varieties count as their language (`zh` for Cantonese).
    """
    if len(text) > SAMPLE:
        third, middle = SAMPLE // 3, len(text) // 2
        text = f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"
    return _language_of(text)


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
