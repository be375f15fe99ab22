"""Writes the other forms of a term: plurals, cases, genders, and tenses and persons of verbs.

Forms are written when a policy loads and then looked for as any term is, so that matching is as fast, spans cover the whole
word, and streams know how long a term can be. They come from endings (`inflection_tables`), not from stems: `university` is no
form of `universe`. Some that are written are no words; that costs nothing, as nobody writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product
from typing import Final, get_args

from guardrails.detectors.terms.inflection_tables import (
    AGREEING,
    ENGLISH_IRREGULAR,
    SIGNS,
    TABLES,
    Language,
    Row,
)

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

SHORTEST: Final = 3
"""Letters of a word from which it has other forms: those of shorter ones, such as `be`, would be words of their own (`bed`).
No form is shorter either."""

LONGEST_PHRASE: Final = 4
"""Words of a phrase up to which two neighbours change together, in languages where they agree."""

_BETWEEN: Final = re.compile(r"([\s'\u2019/-]+)")


def inflect_term(term: str, languages: Sequence[Language] | None = None) -> list[str]:
    """Return the other forms of a word or phrase, in which one word, or two neighbours, are changed.

    Args:
        term: the word or phrase, as dictionaries have it: the singular, the infinitive.
        languages: those that it may be of; by default all, with the endings alone that make no words of other languages.
    """
    pieces = _BETWEEN.split(term.strip())
    places = range(0, len(pieces), 2)
    found: dict[str, None] = {}
    for language in languages or LANGUAGES:
        named = languages is not None or _names_itself(pieces[::2], language)
        forms = {at: _inflect_word(pieces[at], language, named) for at in places}
        for at in places:
            found.update(dict.fromkeys(_join(pieces, {at: form}) for form in forms[at]))
        if language in AGREEING and len(places) <= LONGEST_PHRASE:
            for first, second in pairwise(places):
                for pair in product(forms[first], forms[second]):
                    found[_join(pieces, {first: pair[0], second: pair[1]})] = None
    found.pop(term, None)
    return [*found]


def _join(pieces: Sequence[str], changed: dict[int, str]) -> str:
    return "".join(changed.get(at, piece) for at, piece in enumerate(pieces))


def _names_itself(words: Iterable[str], language: Language) -> bool:
    """Tell whether one of the words can only be of a language, and so all are."""
    sign = SIGNS.get(language)
    return sign is not None and any(map(sign.search, words))


@lru_cache(maxsize=4096)
def _inflect_word(word: str, language: Language, named: bool) -> tuple[str, ...]:
    """Return the other forms of a word in a language, without repeats; none of what has letters that the language has not."""
    letters, groups = TABLES[language]
    lower = word.replace("İ", "i").lower()  # whose own small letter is two characters
    if len(word) < SHORTEST or not letters.fullmatch(lower):
        return ()
    irregular = ENGLISH_IRREGULAR.get(lower, ()) if language == "en" else ()
    regular = (form for group in groups for form in _first_that_fits(word, lower, group, named))
    return tuple(
        dict.fromkeys(form for form in (*regular, *irregular) if form != word and len(form) >= SHORTEST)
    )


def _first_that_fits(word: str, lower: str, rows: Iterable[Row], named: bool) -> Iterator[str]:
    for row in rows:
        if (row.named and not named) or (match := row.end.search(lower)) is None:
            continue
        stem = word[: match.start(1)]
        forms = [stem + ending.replace("*", stem[-1:]) for ending in row.endings]
        yield from (prefix + form for prefix in row.prefixes or ("",) for form in forms)
        return
