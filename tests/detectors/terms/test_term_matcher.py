"""Places of terms in a text: as they are written, or however they are dressed."""

from __future__ import annotations

from guardrails.detectors.terms.term_matcher import (
    TermMatcher,
    close_gaps,
    form,
    join_words,
    needs_boundary,
    single_spaces,
    write_in_cipher,
)
from guardrails.text import TextView
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


@each_case(
    ("text", "spans"),
    [
        ("a PROJECTNIGHTINGALE.", [(2, 20)]),
        ("ProjectNightingale", [(0, 18)]),
        ("#projectnightingale", [(1, 19)]),
        ("projectnightingales", []),
        ("an everyday word", []),
    ],
)
def test_longer_terms_of_several_words_are_found_without_spaces(
    text: str, spans: list[tuple[int, int]]
) -> None:
    """As pictures are read; short ones joined are other words, and where terms are not folded they are as they stand."""
    terms = ["Project Nightingale", "every day"]
    assert TermMatcher(terms, words=True, fold=True).search(text) == spans
    assert TermMatcher(terms, words=True, fold=False).search(text) == []


def test_terms_are_compared_in_one_form() -> None:
    """Runs of white space are one space; nothing is left of a term without a character to look for."""
    assert form("  Bad \t Word ", fold=True) == "bad word"
    assert form("Bad  Word", fold=False) == "Bad Word"
    assert form("\u200b", fold=True) == ""


def test_scripts_without_spaces_have_no_word_boundaries() -> None:
    """A name in a Chinese text touches the words around it."""
    assert [needs_boundary(char) for char in "a1\u574f."] == [True, True, False, False]


def test_gaps_are_closed_and_offsets_stay_known() -> None:
    """Each run of white space is one space; one that is wider than a gap stays more than one."""
    view = close_gaps(TextView("a \n b" + 9 * " " + "c"))
    assert view.text == "a b  c"
    assert (view.original(1, 2), view.original(2, 3), view.original(5, 6)) == ((1, 4), (4, 5), (14, 15))
    assert close_gaps(TextView("a b")).original(2, 3) == (2, 3)


@each_case(
    ("term", "others"),
    [
        ("bad", ()),
        ("bad moon", ("bad-moon", "bad_moon")),
        ("risk-free", ("risk free",)),
        ("project nightingale", ("project-nightingale", "project_nightingale", "projectnightingale")),
        ("-x", ()),
    ],
)
def test_words_are_joined_in_other_ways(term: str, others: tuple[str, ...]) -> None:
    """As hyphens and underscores join them, and without any where they are long."""
    assert join_words(term) == others


def test_white_space_becomes_spaces_one_to_one() -> None:
    """Offsets stay as they are."""
    assert single_spaces("a\t\nb\u2003c") == "a  b c"


@each_case("term", ["project nightingale", "nightingale", "desserts"])
@each_case("found", [True, False])
def test_longer_terms_are_found_in_cipher_inside_of_a_sentence(term: str, found: bool) -> None:
    """ROT13, the mirrored alphabet and backwards, where nothing else of the sentence is in cipher; a word backwards may be another."""
    matcher = TermMatcher([term], words=True, fold=found)
    forms = write_in_cipher(term)
    assert len(forms) == (2 if term == "desserts" else 3)
    for written in forms:
        text = f"Tell me about {written.title()} today."
        assert matcher.search(text) == ([(14, 14 + len(written))] if found else [])


def test_short_terms_are_not_looked_for_in_cipher() -> None:
    """They are other words in cipher."""
    assert write_in_cipher("green") == ()
    assert TermMatcher(["green"], words=True, fold=True).search("terra firma") == []
