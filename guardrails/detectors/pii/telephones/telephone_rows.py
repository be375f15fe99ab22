"""Rows that find telephone numbers, made of the tables of countries and of words.

Five ways: with a calling code; in a national form that no other number has; near a word that announces one, in any form; before
words that say to call it; in a link. What stands in front decides too: a number that has another name ('order no.'), is money or
goes on is none (`number_checks.py`). Every pattern is of bounded length and for RE2; digits of other scripts have their own rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guardrails.detectors.patterns.table import PatternRow
from guardrails.detectors.pii.identifiers import validators as v
from guardrails.detectors.pii.telephones.countries import CALLING_CODES, COUNTRIES
from guardrails.detectors.pii.telephones.number_checks import (
    begins_number,
    is_announced_elsewhere,
    is_announced_number,
    is_international_number,
    is_national_number,
    is_unnamed_number,
)
from guardrails.detectors.pii.telephones.words import ANNOUNCE, EXTENSION, FOLLOW

CATEGORY: Final = "pii.phone"

_OTHER_SCRIPTS: Final = "[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59]"
"""Digits of Arabic; of Persian and Urdu; of Hindi, Bengali and Thai."""

_OPEN, _CLOSE, _DASH = "[(\uff08]", "[)\uff09]", "[\\-\u30fc]"
"""Brackets and the hyphen, also as they come out of keyboards for Chinese and Japanese."""

_GAP: Final = r"(?: ?[/\-] ?|[ .])"
"""What stands between the groups of a number."""

_ACCOUNT: Final = rf"\b(?:{'|'.join(sorted(v.IBAN_LENGTHS))}) ?\d{{2}}(?: ?[A-Za-z0-9]{{4}}){{2,7}}(?: ?[A-Za-z0-9]{{1,3}})?\b"
"""What has the form of an IBAN, mistyped too: its groups are no telephone number."""

_OTHER_KINDS: Final = "|".join((
    _ACCOUNT,
    r"\b\d{1,12}(?:[ .,]\d{3}){0,5}(?:[.,]\d{1,2})? ?(?:[\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9%\u5143\u5186\uc6d0]|EUR|USD|GBP|"
    r"TRY|INR|[Ee]uros?|[Dd]ollars?|\u0440\u0443\u0431|ms|[KMG]B|kB|bytes|km|kg)",
    r"\b\d{1,12},\d{1,2}\b",
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?",
    r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b",
    r"\b(?:https?|ftp|wss?)://[^\s]{1,200}",
))  # fmt: skip
"""What takes up numbers of other kinds where any form is a telephone number: accounts, sums, times, identifiers, addresses."""


def _write_layout(layout: str) -> str:
    """Return the pattern of a layout of the table of countries."""
    signs = {"#": r"\d", "N": "[1-9]", "(": _OPEN, ")": _CLOSE, "-": _DASH, ".": r"\."}
    parts = re.findall(r"\[[^\]]*\]|.", layout)
    return "".join(part if part.startswith("[") else signs.get(part, part) for part in parts)


def _find_signs(layout: str) -> tuple[str, int]:
    """Return the signs between the groups of a layout and the number of groups; no number where there are brackets."""
    if "(" in layout:
        return "-", 0
    gaps = re.findall(r"\[[ /.\-]+\]|[ /.\-]", re.sub(r"\[[\d\-]+\]", "#", layout))
    return "".join(sorted({*"".join(gaps)} - {*"[]"})), len(gaps) + 1


def _national_rows() -> Iterator[PatternRow]:
    """Yield a row for the layouts of each number of groups: a longer row of groups is no telephone number."""
    rows: dict[tuple[str, int], list[str]] = {}
    for country in COUNTRIES:
        for layout in country.layouts:
            rows.setdefault(_find_signs(layout), []).append(layout)
    for (signs, groups), layouts in sorted(rows.items()):
        # The first that matches is taken: those of more groups first.
        layouts.sort(key=lambda each: -each.count(" ") - each.count("-"))
        edge, forms = r"\b" if groups else "", "|".join(dict.fromkeys(map(_write_layout, layouts)))
        longer = rf"{edge}(?:{forms})[{re.escape(signs)}\u30fc]\d{{1,6}}\b"
        yield PatternRow(
            rf"(?a){longer}|({edge}(?:{forms}){EXTENSION}\b)",
            CATEGORY, group=1, validate=is_national_number, before=begins_number,
        )  # fmt: skip


def _write_digits(least: int, most: int) -> str:
    """Return the pattern of so many digits in groups of any size, the first of which may stand in brackets."""
    rest = max(0, least - 6), max(0, most - 6)
    return rf"{_OPEN}?\d(?:{_CLOSE}?{_GAP}?\d){{{min(5, least - 1)}}}(?:{_GAP}?\d){{{rest[0]},{rest[1]}}}"


def _international_row() -> PatternRow:
    sizes: dict[tuple[int, int], list[str]] = {}
    for country in COUNTRIES:
        sizes.setdefault(country.digits, []).append(country.code)
    known = "|".join(
        rf"(?:{'|'.join(codes)}){_CLOSE}?(?:{_GAP}?\(0\))?{_GAP}?{_write_digits(*size)}"
        for size, codes in sizes.items()
    )
    # Of North America also the seven digits that are made up most.
    known += r"|1[ .\-]?555[ .\-]\d{4}"
    others = rf"(?:{CALLING_CODES})\)?{_GAP}?(?:\(0?\d{{1,4}}\){_GAP}?)?\d{{1,5}}(?:{_GAP}?\d{{2,5}}){{1,4}}"
    return PatternRow(
        rf"(?a){_ACCOUNT}|((?:\+|\b00)(?:{known}|{others}){EXTENSION}\b)",
        CATEGORY, group=1, validate=is_international_number, before=is_unnamed_number,
    )  # fmt: skip


def _write_number(fewest: int) -> str:
    """Return the pattern of a number in any form, whose layout its check looks at. A bracket before it has to be closed."""
    following = rf"(?:\)?{_GAP}?\(?\d)"
    bracketed = rf"\+?\(\d(?: ?\d){{1,5}}\){_GAP}?\d{following}{{3,12}}"
    return rf"(?:{bracketed}|\+?\d{following}{{{fewest - 1},13}})"


def _write_following() -> str:
    """Return the pattern of what follows a number to be called: what begins with a blank together."""
    ways = [way for ways in FOLLOW.values() for way in ways]
    spaced = "|".join(way.lstrip(" ?") for way in ways if way.startswith(" "))
    direct = "|".join(
        way.removeprefix(" ?") for way in ways if way.startswith(" ?") or not way.startswith(" ")
    )
    return rf"(?: (?:{spaced})|{direct})"


def _make_rows() -> Iterator[PatternRow]:
    words = dict.fromkeys(word for several in ANNOUNCE.values() for word in several)
    # Apart, as a set of too many words tells nothing of what a text must hold.
    contexts = (
        tuple(word for word in words if word.isascii()),
        tuple(word for word in words if not word.isascii()),
    )
    yield _international_row()
    yield PatternRow(
        rf"(?a)(\+{_OTHER_SCRIPTS}{{1,3}}(?:{_GAP}?{_OTHER_SCRIPTS}){{7,13}})",
        CATEGORY, group=1, validate=is_international_number, before=is_unnamed_number,
    )  # fmt: skip
    yield from _national_rows()
    follow, number = _write_following(), _write_number(7)
    # Looked for everywhere: with few ways to match, as streams try each at each place.
    short = rf"\+?\(?\d{{1,13}}\)?(?:{_GAP}\d)?(?:{_GAP}\d{{2,13}}){{0,4}}"
    for context in ((), *contexts):
        form = rf"{_OTHER_KINDS}|({number}{EXTENSION}\b)" if context else rf"({short}){follow}"
        for pattern, check in ((f"(?a){form}", is_announced_number), (f"({number})", is_announced_elsewhere)):
            if context or check is is_announced_number:
                yield PatternRow(pattern, CATEGORY, 1.0, 1, check, context, is_unnamed_number)
    yield PatternRow(rf"({short}){follow}", CATEGORY, 1.0, 1, is_announced_elsewhere, (), is_unnamed_number)
    yield PatternRow(
        r"(?a)(?:\bwa\.me/|\bwhatsapp\.com/send\?phone=|\b(?:tel|sms|callto):)((?:\+|%2B)?\d[\d.\-]{6,16}\d)\b",
        CATEGORY,
        group=1,
    )


TELEPHONES: Final[tuple[PatternRow, ...]] = (*_make_rows(),)
"""Every row."""
