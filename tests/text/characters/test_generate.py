"""The generator of the tables."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from guardrails.text.characters import _generate, _tables
from tests.cases import each_case


@each_case(
    ("codes", "expected"),
    [
        ([], ""),
        ([0x300], "\\u0300"),
        ([0x301, 0x300, 0x302, 0x304], "\\u0300-\\u0302\\u0304"),
        ([0x1F600], "\\U0001f600"),
    ],
)
def test_character_class(codes: list[int], expected: str) -> None:
    """Neighbours become ranges, in order and in ASCII."""
    assert _generate.character_class(codes) == expected


def test_a_table_is_what_is_committed() -> None:
    """The committed tables are this generator's, if of the same Unicode; `tests/thorough` compares all of them."""
    made = _generate._assignment("DROPPED", _generate.dropped_marks())
    committed = Path(_tables.__file__).read_text(encoding="ascii")

    assert made.isascii()
    assert (made in committed) >= (unicodedata.unidata_version in committed)
