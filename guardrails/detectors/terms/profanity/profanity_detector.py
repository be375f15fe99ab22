"""The `profanity` detector: shipped lists of swear words, one for each language, found as terms are (`terms_detector`).

The lists are short on purpose: words that are ordinary words as well are left out, in any of the languages, as a text may
mix them and accents make no difference. In languages without spaces between words a term is found anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files as package_files
from typing import Final, Literal, get_args

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.terms.term_matcher import form
from guardrails.detectors.terms.terms_detector import TermsDetector

CATEGORY: Final = "profanity"
Language = Literal["ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "tr", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


class ProfanityConfig(Config):
    """Swear words."""

    use: Literal["profanity"]
    """The kind of detector."""
    languages: list[Language] | None = Field(default=None, min_length=1, examples=[["en", "es"]])
    """The languages whose words are looked for; all thirteen by default."""
    add: list[str] = Field(default=[], examples=[["dagnabbit"]])
    """More words and phrases to look for."""
    leave_out: list[str] = Field(default=[], examples=[["bastard"]])
    """Words of the lists that are fine here."""


@cache
def read_words(language: Language) -> tuple[str, ...]:
    """Return the shipped words of a language."""
    text = package_files(__package__).joinpath(f"{language}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


class ProfanityDetector(TermsDetector):
    """A detector of terms whose words come with the package, and so are part of what it is."""

    def __init__(self, name: str, words: Iterable[str]) -> None:
        terms = [*words]
        super().__init__(name, terms, CATEGORY, score=1.0, words=True, fold=True)
        self.identity = hashlib.sha256("\n".join(terms).encode()).hexdigest()


def _build(name: str, config: ProfanityConfig) -> ProfanityDetector:
    shipped = {
        form(word, fold=True): word for each in config.languages or LANGUAGES for word in read_words(each)
    }
    problems: list[ConfigProblem] = []
    for index, word in enumerate(config.leave_out):
        if shipped.pop(form(word, fold=True), None) is None:
            message = f"{word!r} is no word of these lists"
            hint = "remove it; guardrails explain shows the word that is found"
            problems.append(ConfigProblem("unknown_word", message, ("leave_out", index), hint=hint))
    for index, word in enumerate(config.add):
        compared = form(word, fold=True)
        if not compared:
            message = f"term {word!r} has no character to look for"
            problems.append(ConfigProblem("empty_term", message, ("add", index)))
        shipped[compared] = word
    if problems:
        raise ConfigProblems(problems)
    return ProfanityDetector(name, shipped.values())


KIND = Kind(
    name="profanity",
    doc="Swear words in thirteen languages, by lists that come with the package.",
    config=ProfanityConfig,
    categories=frozenset({CATEGORY}),
    build=_build,
)
