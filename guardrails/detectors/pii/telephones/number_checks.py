"""Checks of what has the form of a telephone number."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from typing import Any, Final

import regex

from guardrails.detectors.pii.telephones.words import KINDS, NAMED
from guardrails.text import normalize_text

_EXTENSION: Final = re.compile(r"[^\d\s+()\uff08\uff09./\-\u30fc]")
_GROUP: Final = re.compile(r"\d+")
_DATES: Final = frozenset({(4, 2, 2), (2, 2, 4), (1, 2, 4), (2, 1, 4), (4, 2, 2, 2), (4, 4)})
_SOCIAL_SECURITY: Final = (3, 2, 4)
_FEWEST, _MOST = 7, 13
"""Digits of a number that words announce."""


_KEY: Final = regex.compile(r"(?a)(?:[a-z]I|(?:\b|_)[Ii])[Dd]s?[\"'`]? ?[:=] ?[\"'\[]?\Z")
"""A key that ends in "id"."""

_GOES_ON: Final = regex.compile(
    r"(?a)(?:[\w+$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9/]|&#|[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9] |\d[A-F]{0,3}[.,:\-]|"
    r"(?<!TEL|FAX|FON)[A-Z]-|\+\d{1,3}\)?[ .\-/(]{1,2}(?:\(0\) ?)?)\Z"
)
"""What stands before a part of something longer: a word, a sum, a path, a decimal, an identifier, a calling code."""

_IN_ROW: Final = regex.compile(r"(?a)\d[ ]\Z")
"""What stands before one of several groups."""


@functools.cache
def _compile_names() -> Any:
    """Return what finds the name of a number of another kind, right before it: inflected, with signs between.

    Words are also spelt as the normalized view of a text spells them, where letters that look like Latin ones have become these.
    """
    names, kinds = (
        "|".join(
            map(_spell, dict.fromkeys(form for word in words for form in (word, normalize_text(word).text)))
        )
        for words in ([word for several in NAMED.values() for word in several], KINDS)
    )
    return regex.compile(
        rf"(?ai)(?:{names})(?:[a-z\u0430-\u044f]{{0,3}})(?:[ _\-]?(?:{kinds}))?(?: (?:is|ist|lautet|es|est|\u00e8|\u00e9))?"
        r"[ \t:\uff1a=.,#\u2116\u00b0\u00ba\"'`>(\[]{0,4}\Z"
    )


def _spell(word: str) -> str:
    left = r"(?:\b|_)" if word[0].isascii() else ""
    return left + r"[ _.\-]?".join(map(regex.escape, regex.split("[ -]", word)))


def is_unnamed_number(before: str) -> bool:
    """Tell whether what stands before a number neither names it as one of another kind nor goes on in it."""
    return not (_GOES_ON.search(before) or _KEY.search(before) or _compile_names().search(before))


def begins_number(before: str) -> bool:
    """Tell the same, and that no other group of digits stands right before."""
    return _IN_ROW.search(before) is None and is_unnamed_number(before)


def _read(text: str) -> tuple[str, list[str]]:
    """Return a number without its extension, and its groups in the digits of ASCII."""
    number = _EXTENSION.split(text, maxsplit=1)[0]
    return number, ["".join(str(int(digit)) for digit in group) for group in _GROUP.findall(number)]


def is_international_number(text: str) -> bool:
    """Tell whether a number that begins with `+` or `00` has the digits of one (ITU-T E.164).

    One that begins with 00 has eleven, and North America's code behind it a separator, not to be any number; groups of four that
    all begin with 0 are codes of characters.
    """
    _, groups = _read(text)
    digits = "".join(groups)
    if not 8 <= len(digits) <= 15 or len({*digits}) == 1:
        return False
    if not digits.startswith("00"):
        return True
    codes = len(groups) > 1 and all(len(group) == 4 and group[0] == "0" for group in groups)
    return len(digits) > 10 and not codes and not (len(groups) == 1 and digits[2] == "1")


def is_national_number(text: str) -> bool:
    """Tell whether a national number is no row of pairs in even steps, as counters are, and not of one digit alone."""
    _, groups = _read(text)
    numbers = [int(group) for group in groups]
    steps = {high - low for low, high in itertools.pairwise(numbers)}
    return not ({*map(len, groups)} == {2} and len(steps) == 1) and len({*"".join(groups)}) > 1


def is_announced_number(text: str) -> bool:
    """Tell whether a number near a word that announces one may be one by its layout.

    It has 7 to 13 digits and is no date, time of a computer, address of a network, decimal, sum in thousands or row of fours.
    """
    number, groups = _read(text)
    digits = "".join(groups)
    if not _FEWEST <= len(digits) <= _MOST or len({*digits}) == 1:
        return False
    if "+" in number or "(" in number or "\uff08" in number:
        return True
    return not (_is_date(number, groups) or _is_machine_made(number, groups) or _is_amount(number, groups))


def is_announced_elsewhere(text: str) -> bool:
    """Tell the same of a number in the digits of another script."""
    return any(char.isdecimal() and not char.isascii() for char in text) and is_announced_number(text)


def _is_date(number: str, groups: Sequence[str]) -> bool:
    sizes = tuple(map(len, groups))
    if sizes[1:] == (4,) and "/" in number:
        return groups[1][:2] in {"19", "20"}
    if sizes in _DATES:
        years = groups[:1] if sizes[0] == 4 else groups[2:3]
        return years[0][:2] in {"19", "20"}
    whole = groups[0]
    return (
        sizes == (8,)
        and whole[:2] in {"19", "20"}
        and 1 <= int(whole[4:6]) <= 12
        and 1 <= int(whole[6:]) <= 31
    )


def _is_machine_made(number: str, groups: Sequence[str]) -> bool:
    """Tell whether it is seconds since 1970, an address of a network, a social security number or a row of fours."""
    if len(groups) == 1:
        return len(groups[0]) in {10, 13} and groups[0][0] == "1" and groups[0][1] in "4567"
    dotted = number.count(".") == len(groups) - 1
    if dotted and len(groups) == 4 and all(int(group) < 256 and len(group) < 4 for group in groups):
        return True
    if tuple(map(len, groups)) == _SOCIAL_SECURITY:
        return True
    return len(groups) > 2 and {*map(len, groups)} == {4} and groups[0][0] != "0"


def _is_amount(number: str, groups: Sequence[str]) -> bool:
    """Tell whether it is a decimal, a sum in thousands, or a round number of millions."""
    first, *others = groups
    if len(others) == 1 and number.count(".") == 1 and (first[0] != "0" or first == "0"):
        return len(first) < 4
    if not others and first.endswith("000000"):
        return True
    if sum(len(group) == 1 for group in groups) > 2 or (
        len(others) > 1 and all(each[-2:] == "00" for each in groups)
    ):
        return True
    thousands = len(others) > 0 and len(first) < 4 and {*map(len, others)} == {3}
    return thousands and (others[-1] == "000" or (len(first) < 3 and first[0] != "0" and "-" not in number))
