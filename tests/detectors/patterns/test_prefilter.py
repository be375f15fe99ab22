"""The rows that a text can hold: those that have all they need in it, whatever else the text is made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.patterns.literals import LiteralNeeds, Literals, find_needs, find_word_needs
from guardrails.detectors.patterns.prefilter import Prefilter
from tests.cases import each_case

ROWS = [
    (r"(?a)\bghp_\w{36}", ()),
    (r"(?a)\b\d{3}-\d{4}\b", ()),
    (r"(?a)\b\d{9}\b", ("ssn", "\u7535\u8bdd")),
    (r"(?a)\bK[A-Za-z0-9]{40}\b", ()),
    (r"\b\d{3}-\d{4}\b", ()),
    (r"https?://\S+@", ()),
    (r"\w\w", ()),
]


def prefilter(*, wide: bool) -> Prefilter:
    """Return the filter of all rows."""
    rows: list[tuple[LiteralNeeds, Literals]] = [
        (find_needs(pattern, 0, wide=wide), find_word_needs(context, wide=wide)) for pattern, context in ROWS
    ]
    return Prefilter(rows, wide=wide)


@each_case(
    ("text", "due"),
    [
        ("nothing here", []),
        ("ghp_" + "x" * 36, [0]),
        ("ghp_ alone", []),
        ("call 555-0123", [1, 4]),
        ("5555-0123 and 555-01234", []),
        ("123456789", []),
        ("SSN 123456789", [2]),
        ("my_ssn=123456789", [2]),
        ("lessns 123456789", []),
        ("a key: K" + "a1" * 20, [3]),
        ("http://u:p@h", [5]),
        ("http://h", []),
    ],
)
def test_rows_are_due_that_have_all_they_need(text: str, due: list[int]) -> None:
    """Literals, shapes, runs and context must all be there; a row that needs nothing always is."""
    assert prefilter(wide=False).candidates(text) == [*due, 6]


@each_case(
    ("text", "due"),
    [
        ("\u00e9 555-0123", [1, 4]),
        ("\u0665\u0665\u0665-\u0660\u0661\u0662\u0663", [4]),
        ("\u7535\u8bdd123456789", [2]),
        ("\u00e9ssn 123456789", [2]),
        ("\u017f\u017fn 123456789", [2]),
        ("\u212assn 123456789", [2]),
        ("\u00e9 123456789", []),
    ],
)
def test_other_scripts_hide_nothing(text: str, due: list[int]) -> None:
    """Digits, words and letters like those of ASCII beyond it."""
    assert prefilter(wide=True).candidates(text) == [*due, 6]


def test_no_rows_are_never_due() -> None:
    """A table without rows has nothing to look for."""
    assert Prefilter([], wide=False).candidates("any 123") == []


@given(st.text("gh p_5-0123é\u7535ssnK", max_size=60), st.text("gh p_5-0123é\u7535ssnK", max_size=60))
def test_more_text_never_makes_less_due_but_for_edges(one: str, other: str) -> None:
    """What a text between spaces holds, a longer one does too."""
    filtered = prefilter(wide=True)
    assert {*filtered.candidates(f" {one} ")} <= {*filtered.candidates(f" {one}  {other} ")}


def test_a_long_text_of_nothing_but_literals_is_answered_alike() -> None:
    """However often each literal occurs, its rows are due once."""
    assert prefilter(wide=False).candidates("ghp_ 555-0123 http://@ ssn " * 10_000) == [1, 4, 5, 6]
