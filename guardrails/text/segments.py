"""Spells a base character and what combines with it plainly."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final

from guardrails.text.characters import _tables, lookalikes

CAP: Final = 32
"""Longest segment, in characters: a run of marks without end must not hold a stream for ever."""

INVISIBLE: Final = _tables.INVISIBLE + _tables.INVISIBLE_ASTRAL
COMBINING: Final = _tables.COMBINING + _tables.COMBINING_ASTRAL


# Compiling these classes takes milliseconds, which a process that sees only ASCII never pays: hence `cache`.


@cache
def unit_pattern() -> re.Pattern[str]:
    """Return the pattern of one unit of text, to be matched in a window of `CAP` characters.

    A unit is a run of invisible characters, a combining character without a base, or a base with all that
    combines with it. Invisible characters belong to a segment only when a combining character follows them.
    """
    return re.compile(f"[{INVISIBLE}]++|[{COMBINING}]|(?s:.)(?:[{INVISIBLE}]*+[{COMBINING}])*+")


@cache
def joiner_pattern() -> re.Pattern[str]:
    """Return the pattern of one character that may belong to the segment before it."""
    return re.compile(f"[{INVISIBLE}{COMBINING}]")


@cache
def _hidden() -> re.Pattern[str]:
    return re.compile(f"[{INVISIBLE}]+")


@cache
def _combining() -> re.Pattern[str]:
    return re.compile(f"[{COMBINING}]+")


@cache
def _dropped_marks() -> re.Pattern[str]:
    return re.compile(f"[{_tables.DROPPED}]+")


@cache
def _stand_alone_jamo() -> re.Pattern[str]:
    return re.compile("[\u3131-\u318e]+")


@cache
def _jamo() -> dict[int, str]:
    """Map conjoining jamo to stand-alone ones, which never compose with what comes next."""
    letters = [chr(code) for code in range(0x3131, 0x318F) if code != 0x3164]
    table = {ord(unicodedata.normalize("NFKD", letter)): letter for letter in letters}
    for code in range(0x11A8, 0x11C3):
        name = unicodedata.name(chr(code)).replace("JONGSEONG", "LETTER")
        table[code] = unicodedata.lookup(name)
    return table


def spell_plain(text: str) -> str:
    """Return NFKC of `text` with look-alikes as ASCII, case kept; `text` holds whole, visible segments."""
    table = lookalikes.cased_table()
    # Before NFKD as well as after: it makes a spacing accent a space and a mark.
    apart = unicodedata.normalize("NFD", text).translate(table)
    apart = unicodedata.normalize("NFKD", apart).translate(table)
    return unicodedata.normalize("NFKC", apart).translate(_jamo())


def spell_caseless(text: str, dropped: re.Pattern[str]) -> str:
    """Return NFKC of `text` case-folded, without `dropped` marks, look-alikes and strokes as ASCII."""
    table = lookalikes.caseless_table()
    apart = unicodedata.normalize("NFD", text).translate(table)
    apart = dropped.sub("", unicodedata.normalize("NFKD", apart))
    return unicodedata.normalize("NFKC", apart.casefold().translate(table)).translate(_jamo())


def _spell_alone(mark: str) -> str:
    # A mark without its base says nothing, and kept it would combine with whatever the view puts before it.
    return mark.translate(_jamo()) if ord(mark) in _jamo() else ""


def _cap(spelling: str) -> str:
    # A base may expand to one with marks of its own, on top of a full load: the cap holds for views too.
    if len(spelling) <= CAP:
        return spelling
    kept, end = "", 0
    while match := unit_pattern().match(spelling, end, end + CAP):
        kept += _spell_alone(match[0]) if joiner_pattern().match(match[0]) else match[0]
        end = match.end()
    return kept


@lru_cache(maxsize=4096)
def spell_segment(segment: str) -> str:
    """Return how one unit reads in the normalized view; empty for what is invisible or a mark alone."""
    visible = _hidden().sub("", segment)
    if _combining().match(visible):
        return _spell_alone(visible)
    return _cap(_unstack(spell_plain(visible)))


def _unstack(spelling: str) -> str:
    """Return an ASCII character without its marks where they make no letter of an alphabet together: zalgo.

    Of letters with several marks, the Vietnamese ones are such.
    """
    apart = unicodedata.normalize("NFD", spelling)
    base = _combining().sub("", apart)
    several = len(apart) > len(base) + 1 and not "\u1ea0" <= spelling <= "\u1ef9"
    letters = _stand_alone_jamo().sub("", base)  # a vowel of Hangul behind the character is no mark of it
    stacked = (len(base) < len(spelling) or several) and letters != "" and letters.isascii()
    return base if stacked else spelling


@lru_cache(maxsize=4096)
def fold_segment(segment: str) -> str:
    """Return how one unit reads in the folded view; empty for what is invisible or a mark alone."""
    visible = _hidden().sub("", segment)
    if _combining().match(visible):
        return _spell_alone(visible)
    spelling = spell_caseless(visible, _dropped_marks())
    # The base itself may have been dropped, which leaves its marks alone.
    orphans = _combining().match(spelling)
    return _cap(spelling[orphans.end() :] if orphans else spelling)
