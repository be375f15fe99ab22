"""Prefixes of terms: what may still become a term is held, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.terms.terms_prefixes import TermPrefixes
from guardrails.text.marks import CODES, JOINT, REPEAT
from tests.cases import each_case

FORMS = ["bad", "bad word", "project x", "d.o.b.", "坏"]


@each_case(
    ("text", "expected"),
    [
        ("b", True), ("bad", True), ("bad ", True), ("bad w", True), ("bad word", True), ("bad word ", False), ("bat", False), ("pro", True),
        ("d.o.b.", False), ("d.o.b", True), ("坏", False), ("", True), ("x", False),
        (f"b{CODES['4']}", True), (f"b{CODES['4']}d", True), (f"b{CODES['4']}t", False), (f"ba{REPEAT}d", True), (f"p{JOINT}r{JOINT}o", True),
    ],
)  # fmt: skip
def test_what_may_begin_a_term(text: str, expected: bool) -> None:
    """A part of it, or all where the end of the word must be seen; marked text by what it may stand for."""
    waits = [True, True, True, False, False]
    assert TermPrefixes(FORMS, waits, disguised=True).may_begin(text) is expected


def test_without_disguises_marks_are_characters() -> None:
    """Text that is compared as it is has none."""
    assert not TermPrefixes(FORMS, [False] * 5, disguised=False).may_begin(f"b{CODES['4']}")
    assert not TermPrefixes([], [], disguised=True).may_begin("a")


def test_the_first_place_counts() -> None:
    """Of those from a place on at which a term may stand."""
    prefixes = TermPrefixes(FORMS, [False] * 5, disguised=False)
    assert prefixes.open_from("a bad w", 0, {0, 2, 6}.__contains__) == 2
    assert prefixes.open_from("a bad w", 3, {2, 6}.__contains__) == 7
    assert prefixes.open_from("a b", 0, lambda at: False) == 3


MARKED = [
    "bad ",
    f"b{CODES['4']}d ",
    f"p{JOINT}r{JOINT}o",
    "harmless words ",
    " ",
    f"a{REPEAT}",
    "b",
    "ba",
    "pro",
]


@given(pieces=st.lists(st.sampled_from(MARKED), max_size=8), first=st.integers(0, 40))
def test_the_first_place_is_that_of_a_search_place_by_place(pieces: list[str], first: int) -> None:
    """Marked or not, however long: what is left out could not begin a term."""
    prefixes, text = TermPrefixes(FORMS, [True, True, True, False, False], disguised=True), "".join(pieces)
    slow = next((at for at in range(first, len(text)) if prefixes.may_begin(text[at:])), len(text))
    assert prefixes.open_from(text, first, lambda at: True) == slow


@given(
    forms=st.lists(st.text("ab ", min_size=1, max_size=5), min_size=1, max_size=6),
    text=st.text("ab ", max_size=6),
)
def test_it_is_the_plain_comparison(forms: list[str], text: str) -> None:
    """A bisection finds what comparing with each form would."""
    longer = any(form.startswith(text) and form != text for form in forms)
    assert TermPrefixes(forms, [False] * len(forms), disguised=False).may_begin(text) == longer
    assert TermPrefixes(forms, [True] * len(forms), disguised=False).may_begin(text) == (
        longer or text in forms
    )
