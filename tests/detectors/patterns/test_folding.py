"""Folded texts: letter by letter, so that a part is found in the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.patterns.folding import (
    BREAK,
    CONTEXT,
    DIGIT,
    EDGE,
    LETTER,
    LONG,
    PLAIN,
    RUNS,
    SHAPE,
    Fold,
)
from tests.cases import each_case

ODD = "aAkKsS17-. _+@\u00e9\u212a\u017f\u0130\u0131\u0663\n\u96fb"


@given(st.sampled_from([PLAIN, SHAPE, CONTEXT, *(fold for fold, _ in RUNS)]), st.text(ODD), st.text(ODD))
def test_folding_is_letter_by_letter(fold: Fold, one: str, other: str) -> None:
    """What is folded together is what is folded apart, also as a class of characters."""
    assert fold.fold(one + other) == fold.fold(one) + fold.fold(other)
    assert fold.all(frozenset(map(ord, one))) == {fold.fold(char) for char in one}


@each_case(
    ("fold", "text", "folded"),
    [
        (PLAIN, "Ab\t1\x00\u212a\u0131\u00c9", b"ab 1\x7fki" + "\u00c9".encode()),
        (SHAPE, "a_1 +\u00e9", LETTER * 2 + DIGIT + EDGE * 4),
        (RUNS[0][0], "a1_- \u00e9", LONG * 4 + BREAK * 3),
        (RUNS[1][0], "a1_", LONG * 2 + BREAK),
        (RUNS[2][0], "aF:0-g", LONG * 5 + BREAK),
        (RUNS[3][0], "1 2-(3) a", LONG * 3 + BREAK),
        (CONTEXT, "Tax_id 1\u212a", b"tax\x01id\x011" + EDGE * 3),
    ],
)
def test_what_becomes_of_characters(fold: Fold, text: str, folded: bytes) -> None:
    """Letters and digits as each fold has them; letters beyond ASCII are edges, or stay as they are."""
    assert fold.fold(text) == folded
