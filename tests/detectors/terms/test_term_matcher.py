"""Places of terms in a text: as they are written, or however they are dressed."""

from __future__ import annotations

from guardrails.detectors.terms.term_matcher import TermMatcher, form, needs_boundary, single_spaces
from tests.cases import each_case


@each_case(
    ("text", "words", "fold", "spans"),
    [
        ("a bad word", True, True, [(2, 5)]),
        ("badly bad", True, True, [(6, 9)]),
        ("badly", False, True, [(0, 3)]),
        ("B\u00c1D", True, True, [(0, 3)]),
        ("BAD", True, False, []),
        ("project\nx", True, True, [(0, 9)]),
        ("b4d", True, True, [(0, 3)]),
        ("b4d", True, False, []),
        ("good", True, True, []),
    ],
)
def test_spans_are_those_of_the_text_as_it_was_given(
    text: str, words: bool, fold: bool, spans: list[tuple[int, int]]
) -> None:
    """Whole words or parts of words; case, accents and disguises count where terms are not folded."""
    assert TermMatcher(["bad", "project x"], words=words, fold=fold).search(text) == spans


def test_terms_are_compared_in_one_form() -> None:
    """Runs of white space are one space; nothing is left of a term without a character to look for."""
    assert form("  Bad \t Word ", fold=True) == "bad word"
    assert form("Bad  Word", fold=False) == "Bad Word"
    assert form("\u200b", fold=True) == ""


def test_scripts_without_spaces_have_no_word_boundaries() -> None:
    """A name in a Chinese text touches the words around it."""
    assert [needs_boundary(char) for char in "a1\u574f."] == [True, True, False, False]


def test_white_space_becomes_spaces_one_to_one() -> None:
    """Offsets stay as they are."""
    assert single_spaces("a\t\nb\u2003c") == "a  b c"
