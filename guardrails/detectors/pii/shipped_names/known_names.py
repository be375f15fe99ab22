r"""Finds by their form or by heart what the shipped model has no label for, or does not see: organizations, countries, people
with a title, streets, and what is nobody's name.

An organization has a legal form ("Lloyd, White and Gomez Ltd", "M\u00fcller GmbH"), is a kind of institution ("Boston College",
"Universidad de Sevilla") or is known to everybody (`well_known.py`). Others are not found.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from guardrails.detectors.patterns.table import PatternRow, PatternTable
from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.shipped_names.well_known import COMPANIES, COUNTRIES, EPONYMS, PROGRAMS
from guardrails.detectors.pii.street_addresses import STREETS

PERSON: Final = "person"

ORGANIZATION: Final = "organization"

LOCATION: Final = "location"

STREET: Final = "street_address"

NOBODY: Final = "nobody"
"""The name of what is no personal data, and is no person whatever the model says."""

_CAPITAL: Final = r"[A-Z\u00c0-\u00dd\u0100-\u017e]"
_LETTER: Final = r"[A-Za-z0-9\u00c0-\u00ff\u0100-\u017e]"
_WORD: Final = rf"{_CAPITAL}(?:[A-Za-z0-9\u00c0-\u00ff\u0100-\u017e'\u2019.\-]*{_LETTER})?"
_WORDS: Final = rf"(?:{_WORD}(?: & | )){{0,4}}{_WORD}"
_PLAIN: Final = rf"{_CAPITAL}(?:[A-Za-z0-9\u00c0-\u00ff\u0100-\u017e\-]*{_LETTER})?"
_PLAIN_WORDS: Final = rf"(?:{_PLAIN}(?: & | )){{0,4}}{_PLAIN}"
_FEW_WORDS: Final = rf"{_PLAIN}(?: {_PLAIN}){{0,2}}"
_PARTICLES: Final = r"(?:von|van|de|der|den|di|da|dos|du|la|le)"
_PARTNERS: Final = rf"{_WORD}(?:, {_WORD}){{1,3}},? (?:and|&|und|et|y|e|en) {_WORD}"
_FORMS: Final = (
    r"Inc\b\.?|Incorporated|LLC|L\.L\.C\.|LLP|(?:Pty\.? |Pvt\.? |Co\.,? )?Ltd\b\.?|Limited|PLC|plc|Corp\b\.?|Corporation|"
    r"Holdings|(?:and|&) Sons|& Co\b\.?(?: KG)?|Bros\b\.?|"
    r"(?:g?GmbH|UG|AG|SE)(?: & Co\. KGa?A?)?|KGaA|KG|OHG|e\.\s?V\.|eG|"
    r"S\.A\.S\.|SAS|SARL|S\.A\.R\.L\.|S\.A\.(?: de C\.V\.)?|SA|S\.L\.U?\.?|S\.p\.A\.|SpA|S\.r\.l\.|Srl|Ltda\b\.?|"
    r"B\.V\.|BV|N\.V\.|NV|Oyj?|AB|ASA|A/S|ApS|Sp\. z o\.\s?o\.|s\.r\.o\.|Kft\b\.?|Zrt\b\.?|Bhd"
)
_KINDS: Final = "University|College|Hospital|Institute|Foundation|Bank|Airlines|Insurance"
_OF: Final = (
    r"(?:University|College|Bank|Institute) of(?: the)?|Universit\u00e4t|Universidade? (?:de|do|da)|Universit\u00e9 de|"
    r"Universit\u00e0 (?:di|degli Studi di)|Universiteit|Klinikum|Stadtwerke|Sparkasse|Banco|Banca|Banque"
)
_TITLES: Final = (
    r"[Mm](?:rs?|s|x)\.?|Miss|[Dd]r\.?|[Pp]rof\.?|Professor|Sir|Rev\.?|Herrn?|Frau|Monsieur|Madame|Mademoiselle|Mme|Mlle|[Ss]e\u00f1or(?:ita|a)?|"
    r"[Ss]rta?\.|[Ss]ra\.|[Ss]ignor(?:ina|a)?|[Ss]ig\.(?:ra)?|[Ss]enhora?|Mevrouw|Meneer|[Dd]hr\.|[Mm]evr\."
)
_INTRODUCED: Final = (
    r"[Nn]ame is|[Nn]ame:|[Nn]amed|[Mm]ein Name ist|[Ii]ch hei\u00dfe|[Jj]e m['\u2019]appelle|[Mm]e llamo|[Mm]i nombre es|"
    r"[Mm]i chiamo|[Mm]eu nome \u00e9|[Mm]e chamo|[Mm]ijn naam is|[Ii]k heet"
)
_END: Final = r"(?:[^A-Za-z0-9\u00c0-\u017f]|$)"

ROWS: Final = (
    PatternRow(rf"({_PARTNERS},? (?:{_FORMS})){_END}", ORGANIZATION, group=1),
    PatternRow(rf"({_WORDS},? (?:{_FORMS})){_END}", ORGANIZATION, group=1),
    # A determiner alone names none.
    PatternRow(
        rf"\b(?:The|Our|Your|My|Her|His|Their|This|That|Each|Every|An?|Any|Which) (?:{_KINDS})\b|({_WORDS} (?:{_KINDS})){_END}",
        ORGANIZATION, group=1,
    ),
    PatternRow(rf"\b((?:{_OF}) {_WORDS}){_END}", ORGANIZATION, group=1),
    # Said by what is beside it: a field of a form, what only companies have.
    PatternRow(
        r"(?m)^\s*(?:[Cc]ompany|[Ee]mployer|[Oo]rgani[sz]ation|[Ff]irma?|[Ee]ntreprise|[Ss]oci\u00e9t\u00e9|[Ee]mpresa|[Aa]zienda|"
        rf"[Bb]edrijf)(?: [Nn]ame)?: *({_PARTNERS}|{_PLAIN_WORDS})",
        ORGANIZATION, group=1,
    ),
    PatternRow(
        r"\b(?:CEO|CFO|CTO|[Ss]ubsidiary|[Ss]hares|[Ss]hare price|[Ss]tock|[Ss]tock price|[Hh]eadquarters|[Ss]hareholders) of "
        rf"({_PLAIN_WORDS})",
        ORGANIZATION, group=1,
    ),
    PatternRow(
        rf"\b({_PLAIN_WORDS})(?:['\u2019]s?)? (?:(?:stock|share) price|shareholders|headquarters)\b", ORGANIZATION, group=1
    ),
    PatternRow(rf"\b({COMPANIES}){_END}", ORGANIZATION, group=1),
    PatternRow(rf"(?:^|[^A-Za-z0-9\u00c0-\u017f])({COUNTRIES}){_END}", LOCATION, group=1),
    PatternRow(rf"\b(?:{_TITLES}) (?:{_PARTICLES} )*({_FEW_WORDS})", PERSON, group=1),
    PatternRow(rf"\b(?:{_INTRODUCED}) ({_FEW_WORDS})", PERSON, group=1),
    # Those of the table of patterns: the model takes a street that is called after somebody for that person.
    *(PatternRow("(?a)" + form, STREET, group=1) for form in STREETS),
    PatternRow(rf"\b({PROGRAMS}){_END}", NOBODY, group=1),
    PatternRow(r"(?a)[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+|\bhttps?://[^\s<>\"]+|\bwww\.[^\s<>\"]+", NOBODY),
    PatternRow(rf"\b({EPONYMS}){_END}", NOBODY, group=1),
)  # fmt: skip
"""The forms of names."""


_ENDS_SENTENCE: Final = re.compile(r"[^.\s]{2,}\.\Z")
"""A legal form with a full stop, which may be that of the sentence."""


@cache
def _table() -> PatternTable:
    return PatternTable.get(ROWS)


def find_known_names(text: str) -> list[EntityHit]:
    """Return what is known in a text, which must be encodable as UTF-8, in its order; none lies within another."""
    found: list[EntityHit] = []
    for row, start, end in sorted(_table().search(text), key=lambda each: (each[1], -each[2])):
        if not found or end > found[-1].end:
            stop = end - 1 if _ENDS_SENTENCE.search(text, start, end) and _is_behind(text, end) else end
            found.append(EntityHit(row.category, 1.0, start, stop))
    return found


def _is_behind(text: str, at: int) -> bool:
    """Tell whether a sentence may end before a place: nothing more comes, or a space and a capital letter."""
    rest = text[at : at + 2]
    return not rest.strip() or (rest[:1].isspace() and rest[1:].isupper())


def drop_known(hits: Iterable[EntityHit], known: Sequence[EntityHit]) -> Iterator[EntityHit]:
    """Yield what the model found but what lies within what is known, in its order, to be something else."""
    starts = [each.start for each in known]
    for hit in hits:
        before = bisect_right(starts, hit.start)
        # Of those that overlap, the one that begins later goes on over the end of the other.
        around = [each for each in known[max(0, before - 2) : before] if hit.end <= each.end]
        if all(each.name == hit.name for each in around):
            yield hit


def drop_within(known: Iterable[EntityHit], hits: Sequence[EntityHit]) -> list[EntityHit]:
    """Return what is known but what lies within what the model found, in its order, as `Ireland` in "Ann Ireland"."""
    starts = [hit.start for hit in hits]
    left: list[EntityHit] = []
    for each in known:
        before = bisect_right(starts, each.start)
        if not before or hits[before - 1].end < each.end:
            left.append(each)
    return left
