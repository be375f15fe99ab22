"""Passages: where they end, and that no continuation changes one that has ended."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.inference.safety.passages import LONGEST, split_passages
from tests.cases import each_case

TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="ab .!?\"'\n\u3002\u300d\u201d\u00e9\u0301", max_size=60),
    st.lists(st.sampled_from(["word", " ", ". ", "\n\n", "x" * 250, "?\u201d ", "\u3002"]), max_size=12).map(
        "".join
    ),
)


def cut(text: str) -> list[str]:
    """Return the texts of the passages."""
    return [text[start:end] for start, end in split_passages(text)]


@each_case(
    ("text", "expected"),
    [
        ("", []),
        ("One.", ["One."]),
        ("One. Two", ["One. ", "Two"]),
        ("One.Two", ["One.Two"]),
        ('He said "Go." Then left', ['He said "Go." ', "Then left"]),
        ("a line\nanother\n\nthird", ["a line\n", "another\n\n", "third"]),
        ("\u4f60\u597d\u3002\u300d\u518d\u89c1", ["\u4f60\u597d\u3002\u300d", "\u518d\u89c1"]),
        ("Wait... what? No", ["Wait... ", "what? ", "No"]),
        ("  \n x", ["  \n ", "x"]),
        ("ends with space. ", ["ends with space. "]),
    ],
)
def test_a_passage_ends_behind_a_sentence_or_a_line(text: str, expected: list[str]) -> None:
    """White space and closing quotation marks belong to what they follow."""
    assert cut(text) == expected


def test_what_has_no_end_is_cut_behind_white_space() -> None:
    """A passage has a greatest length."""
    long = "word " * 200
    assert [len(each) for each in cut(long)] == [LONGEST, LONGEST, len(long) - 2 * LONGEST]
    assert [len(each) for each in cut("x" * (LONGEST + 5))] == [LONGEST, 5]


@given(TEXTS)
@example("a." + " " * (LONGEST + 10) + "b")
def test_passages_touch_and_cover_the_text(text: str) -> None:
    """Nothing is left out, and nothing is in two."""
    spans = list(split_passages(text))
    assert "".join(cut(text)) == text
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert all(0 < end - start <= LONGEST for start, end in spans)


@given(TEXTS)
@example("\u3002\u300dx")
@example("x" * LONGEST + "y")
@example("a" * (LONGEST - 2) + ". b")
def test_no_continuation_changes_a_passage_that_has_ended(text: str) -> None:
    """Of every beginning of a text all passages but the last are those of the text."""
    whole = list(split_passages(text))
    for length in range(len(text)):
        begun = list(split_passages(text[:length]))
        assert begun[:-1] == whole[: max(len(begun) - 1, 0)]
