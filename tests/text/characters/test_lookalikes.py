"""The hand-made tables of look-alikes."""

from __future__ import annotations

from collections import Counter

from guardrails.text.characters import lookalikes
from tests.cases import each_case


def _sources() -> list[str]:
    rows = [*lookalikes.LETTERS.values(), *lookalikes.MARKS.values(), *lookalikes.STROKES.values()]
    runs = [chr(first + index) for first, row in lookalikes.RUNS.items() for index in range(len(row))]
    return [char for row in rows for char in row] + runs


def test_each_source_stands_once() -> None:
    """No character is said to look like two things."""
    assert [char for char, count in Counter(_sources()).items() if count > 1] == []


def test_sources_are_not_ascii_and_targets_are() -> None:
    """ASCII is never changed, and everything is changed to ASCII."""
    targets = [*lookalikes.cased_table().values(), *lookalikes.caseless_table().values()]

    assert not any(char.isascii() for char in _sources())
    assert all(target.isascii() and target for target in targets)
    assert all(len(target) == 1 for target in lookalikes.cased_table().values())


def test_caseless_table_is_folded() -> None:
    """Keys and values of the caseless table are folded already, so it need be applied once only."""
    for code, target in lookalikes.caseless_table().items():
        assert chr(code).casefold() == chr(code)
        assert target.casefold() == target


@each_case(
    ("char", "cased", "caseless"),
    [
        ("\u0412", "B", None),
        ("\u0432", None, "b"),
        ("\u0397", "H", None),
        ("\u03b7", "n", "n"),
        ("\u043d", None, "h"),
        ("\u0131", "i", "i"),
        ("\u00f8", None, "o"),
        ("\u2019", "'", "'"),
        ("\U0001f1e9", "D", "d"),
    ],
)
def test_tables(char: str, cased: str | None, caseless: str | None) -> None:
    """A pair of cases folds to the shape of its small letter, or else of its capital."""
    assert lookalikes.cased_table().get(ord(char)) == cased
    assert lookalikes.caseless_table().get(ord(char)) == caseless
