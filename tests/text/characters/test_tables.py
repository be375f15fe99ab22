"""The generated tables against the Unicode data of the interpreter that runs the test."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import cache

import pytest

from guardrails.text import fold_text, normalize_text, segments
from guardrails.text.characters import _generate, _tables
from tests.cases import each_case

_LETTERS_WITHOUT_MAPPING = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xAC00, 0xD7A4))


@cache
def _assigned() -> list[str]:
    """Return the characters that the tables speak of: those assigned when they were made."""
    version = re.search(r"Unicode (\d+\.\d+\.\d+)", _tables.__doc__ or "")
    same = version is not None and version[1] == unicodedata.unidata_version
    age = unicodedata if same else unicodedata.ucd_3_2_0
    skipped = {code for block in _LETTERS_WITHOUT_MAPPING for code in block}
    return [
        chr(code)
        for code in range(0x80, sys.maxunicode + 1)
        if code not in skipped and age.category(chr(code)) not in ("Cn", "Co", "Cs")
    ]


@pytest.mark.parametrize(
    ("pattern", "generate"),
    [(segments.INVISIBLE, _generate.invisible), (_tables.DROPPED, _generate.dropped_marks)],
)
def test_classes_match_the_running_unicode(pattern: str, generate: Callable[[], set[int]]) -> None:
    """The tables name the code points that this interpreter's Unicode data says, but for newer ones."""
    known, codes = re.compile(f"[{pattern}]").match, generate()
    expected = {char for char in _assigned() if ord(char) in codes}

    assert {char for char in _assigned() if known(char)} == expected


@pytest.mark.parametrize("step", [32])
@each_case(
    ("spell", "view"),
    [(segments.spell_segment.__wrapped__, normalize_text), (segments.fold_segment.__wrapped__, fold_text)],
)
def test_no_change_is_missed(spell: object, view: object, step: int) -> None:
    """Every character reads, between letters, exactly as it is spelled alone, and is then stable; here one of so many."""
    assert callable(spell)
    assert callable(view)
    joins = segments.joiner_pattern().match
    missed = []
    for char in _assigned()[::step]:
        spelling = spell(char)
        if not joins(char) and view(f"-{char}-").text != f"-{spelling}-":
            missed.append(f"U+{ord(char):04X} read")
        if spell(spelling) != spelling and len(spelling) == 1:
            missed.append(f"U+{ord(char):04X} unstable")

    assert missed == []


def test_classes_are_apart() -> None:
    """No character is both invisible and combining."""
    both = re.compile(f"(?=[{segments.INVISIBLE}])[{segments.COMBINING}]").match

    assert [code for code in range(sys.maxunicode + 1) if both(chr(code))] == []
