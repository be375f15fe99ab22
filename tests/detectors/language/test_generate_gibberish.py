"""How the table of trigrams is made."""

from __future__ import annotations

from guardrails.detectors.language._generate_gibberish import (
    FIRST,
    LETTERS,
    MOST,
    plain,
    table,
    trigrams,
)
from tests.cases import each_case


@each_case(
    ("word", "expected"),
    [
        ("Größe", "grosse"),
        ("žluťoučký", "zlutoucky"),
        ("Łódź", "lodz"),
        ("Ærø", "aero"),
        ("мир", ""),
        ("a1", ""),
        ("", ""),
        ("\U0001d40f", "p"),
    ],
)
def test_words_are_spelt_in_plain_letters(word: str, expected: str) -> None:
    """Accents go; what has other letters is left out."""
    assert plain(word) == expected


def test_edges_count() -> None:
    """A word begins after two edges and ends with one."""
    assert trigrams(["ab", "ab"]) == {"__a": 2, "_ab": 2, "ab_": 2}


def test_a_table_of_one_word_knows_that_word() -> None:
    """What follows is likely, all else is unlikely, and nothing is out of bounds."""
    made = table([trigrams(["ab"] * 50)])
    assert len(made) == len(LETTERS) ** 3
    after = {last: ord(made[(0 * 27 + 1) * 27 + at]) - FIRST for at, last in enumerate(LETTERS)}
    assert after["b"] < 2
    assert min(cost for last, cost in after.items() if last != "b") > 20
    assert {ord(char) - FIRST for char in made} <= {*range(MOST + 1)}
